"""Rules about single samples: what each is worth, whether its numbers can be, and where it belongs."""

import numpy as np

from compliance.checks.sample_places import all_good, drawing, fold, load_of, of_kind, runs, softer
from compliance.facts import PHASES, SessionFacts
from compliance.findings import Ask, Findings, MissingFactError
from evidence.columns import Mask
from evidence.power_samples import BAD, GOOD, MISSED, NON_FINITE, PEAK_OVER, PowerLog
from scoring.energy import inside


def bad_readings(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that no sample of the load is a reading that the analyzer could not take (-1)."""
    yield from _none_of(facts, ask, BAD, "in the power window are bad readings (-1)")


def peaks_over_range(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that no sample of the load had a peak over the range, written as -(x + 3)."""
    yield from _none_of(facts, ask, PEAK_OVER, "in the power window have a current peak over the range")


def _none_of(facts: SessionFacts, ask: Ask, kind: int, what: str) -> Findings:
    load = load_of(facts)
    yield from fold(ask, load.log, of_kind(load.log, kind) & load.within, what, of=load.samples)


def missed_samples(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that no sample of the load was missed (-2); a few, up to the round's share, are no more than a note."""
    load = load_of(facts)
    missed = of_kind(load.log, MISSED) & load.within
    few = np.count_nonzero(missed) <= ask.number("most") * load.samples
    yield from fold(
        softer(ask) if few else ask, load.log, missed, "in the power window were missed (-2)", of=load.samples
    )


def possible_numbers(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that every number is finite and of a size that can be, and that the machine drew power under load."""
    for run in runs(facts, ask):
        yield from fold(run.ask, run.log, of_kind(run.log, NON_FINITE), "hold a number that is not finite")
        yield from fold(run.ask, run.log, _absurd(run.log, ask), "hold a number that no wall socket gives")
        idle = all_good(run.log) & (run.log.power_w <= 0) & _under_load(facts, run.log)
        yield from fold(run.ask, run.log, idle, "in the power window say that nothing was drawn")


def _absurd(log: PowerLog, ask: Ask) -> Mask:
    names = ("power_w", "voltage_v", "current_a", "power_factor")
    limits = np.array([ask.number(f"largest_{name}") for name in names])[:, np.newaxis]
    used = drawing(log)
    quality = log.quality[used]
    measured = (quality == GOOD) | (quality == PEAK_OVER)
    beyond: Mask = np.any(np.any(np.abs(log.values[used]) > limits, axis=1) & measured, axis=0)
    return beyond


def _under_load(facts: SessionFacts, log: PowerLog) -> Mask:
    """Tell which samples of a power log lie in a power window of its phase."""
    phase = next(phase for phase in PHASES if facts.power_logs[phase] is log)
    found = np.zeros(len(log.t_utc_ns), np.bool_)
    for window in facts.loadgen_logs[phase].detail.windows[:1]:
        found |= inside(log.t_utc_ns, window.begin_ns, window.end_ns)
    return found


def no_doubles(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that no two samples have the same time; a missed one, which has that of the one before, apart."""
    for run in runs(facts, ask):
        rows = np.flatnonzero(run.log.quality[0] != MISSED)
        times = run.log.t_utc_ns[rows]
        doubled = np.zeros(len(run.log.lines), np.bool_)
        if not np.all(times[1:] > times[:-1]):
            order = np.argsort(times, kind="stable")
            doubled[rows[order[1:][times[order[1:]] == times[order[:-1]]]]] = True
        yield from fold(run.ask, run.log, doubled, "have the time of another sample")


def in_order(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that the times of samples do not go backwards."""
    for run in runs(facts, ask):
        times = run.log.t_utc_ns
        back = np.zeros(len(times), np.bool_)
        back[1:] = times[1:] < times[:-1]
        yield from fold(run.ask, run.log, back, "are older than the sample before")


def own_marks(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that every sample carries the mark of this session and phase."""
    name = facts.record("server").session_name
    if not name:
        raise MissingFactError(f"{facts.server.file.name} names no session")
    for run in runs(facts, ask):
        mark, codes = f"{name}_{run.phase}", run.log.mark_codes
        wrong = codes != (run.log.marks.index(mark) if mark in run.log.marks else -2)
        first = int(codes[np.argmax(wrong)]) if wrong.any() else -1
        got = run.log.marks[first] if first >= 0 else "no mark"
        yield from fold(ask, run.log, wrong, f"are not marked '{mark}'", got=got, expected=mark)
