"""Rules about samples in time: that they cover the power window, evenly, and belong to their phase."""

import numpy as np

from compliance.checks.sample_places import (
    Load,
    all_good,
    fold,
    goes,
    interval_s,
    load_of,
    measured_times,
    runs,
    sent_on_line,
    softer,
)
from compliance.facts import Phase, SessionFacts
from compliance.findings import Ask, Findings, MissingFactError
from evidence.columns import Floats, Ints, distinct
from evidence.stamps import format_stamp

MOMENTS = 4


def covered(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that good samples times their interval make up the power window.

    A window seldom begins and ends with an interval, so one more sample is granted than there are.
    """
    load = load_of(facts)
    each_s = interval_s(facts, "testing")
    good = distinct(load.log.t_utc_ns[all_good(load.log) & load.within])
    least = ask.number("least")
    if (good + 1) * each_s < least * load.seconds or not good:
        share = good * each_s / load.seconds
        told = f"{good} good samples of {each_s:g} s cover {share:.2%} of the power window of {load.seconds:.3f} s"
        line = _first_line(load)
        yield ask.fail(told, file=load.log.file.name, line=line, got=round(share, 6), expected=least, unit="1")


def _first_line(load: Load) -> int | None:
    """Get the line of the first sample in the window."""
    return int(load.log.lines[np.argmax(load.within)]) if load.within.any() else None


def no_gaps(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that no two samples around the power window are too far from each other."""
    load = load_of(facts)
    times, steps_s = _steps(load)
    worst = int(np.argmax(steps_s))
    longest, usual = ask.number("longest_s"), ask.number("usual_s")
    limit = longest if steps_s[worst] > longest else usual
    count = int(np.count_nonzero(steps_s > limit))
    if not count:
        return
    after = np.flatnonzero(load.log.t_utc_ns == times[worst + 1])
    row = int(after[-1]) if len(after) else None
    yield (ask if limit == longest else softer(ask)).fail(
        f"{count} gap(s) of more than {limit:g} s in the power window; the longest, of {steps_s[worst]:.3f} s, "
        f"ends at {format_stamp(int(times[worst + 1]))}",
        file=load.log.file.name,
        line=None if row is None else int(load.log.lines[row]),
        sample=row,
        got=round(float(steps_s[worst]), 3),
        expected=limit,
        unit="s",
    )


def _steps(load: Load) -> tuple[Ints, Floats]:
    """Get the times of the samples from the last before the window to the first after it, and the steps in s.

    Where there is none before or after, the edge of the window stands for it.
    """
    times = measured_times(load.log)
    begin_ns, end_ns = load.window.begin_ns, load.window.end_ns
    first, after = np.searchsorted(times, begin_ns, "right"), np.searchsorted(times, end_ns, "left")
    before = times[first - 1] if first else begin_ns
    beyond = times[after] if after < len(times) else end_ns
    around = np.concatenate(([before], times[first:after], [beyond])).astype(np.int64)
    return around, np.diff(around) / 1e9


def spans_window(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that samples begin before the load does, or within an interval of it, and go on until after its end.

    A sample may be a reading at its time (PTDaemon) or the mean of the interval that ends there (wattrig-ptd): with
    the latter the first one that knows of the load comes an interval after its beginning.
    """
    load = load_of(facts)
    times, name = measured_times(load.log), load.log.file.name
    if not len(times):
        raise MissingFactError(f"{name} has no samples")
    late_s = (int(times[0]) - load.window.begin_ns) / 1e9
    latest_s = ask.number("latest_intervals") * interval_s(facts, "testing")
    if late_s > latest_s:
        told = f"the first sample comes {late_s:.3f} s after power_begin"
        line = int(load.log.lines[0])
        yield ask.fail(told, file=name, line=line, sample=0, got=late_s, expected=latest_s, unit="s")
    short_s = (load.window.end_ns - int(times[-1])) / 1e9
    if short_s > 0:
        last = len(load.log.lines) - 1
        told = f"the last sample comes {short_s:.3f} s before power_end"
        line = int(load.log.lines[last])
        yield ask.fail(told, file=name, line=line, sample=last, got=-short_s, expected=0, unit="s")


def sampling_interval(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that a sample was asked for, and came, every second."""
    expected_ms = ask.number("interval_ms")
    asked = list(goes(facts))
    for command, interval_ms in asked[:4]:
        if interval_ms != expected_ms:
            told = f"the director asked for '{command[:100]}'"
            line, file = sent_on_line(facts, command), facts.server_log.file.name
            file = file if line else facts.server.file.name
            yield ask.fail(told, file=file, line=line, got=interval_ms, expected=expected_ms, unit="ms")
    for run in runs(facts, ask):
        steps = np.diff(measured_times(run.log))
        median_s = float(np.median(steps)) / 1e9 if len(steps) else expected_ms / 1000
        if not ask.number("shortest_s") <= median_s <= ask.number("longest_s"):
            told = f"the usual distance of two samples is {median_s:.3f} s"
            yield run.ask.fail(told, file=run.log.file.name, got=median_s, expected=expected_ms / 1000, unit="s")
    if not asked:
        raise MissingFactError(f"'Go' in {facts.server.file.name}")


def within_phase(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that samples lie between the director's start and end of the measurement, and begin soon after its start.

    PTDaemon runs on the director, so both have the same clock.
    """
    for run in runs(facts, ask):
        begin_s, end_s = _measuring(facts, run.phase)
        at_s, slack_s = run.log.t_utc_ns / 1e9, ask.number("slack_s")
        before, after = at_s < begin_s - slack_s, at_s > end_s + slack_s
        yield from fold(run.ask, run.log, before, "come before the measurement began")
        yield from fold(run.ask, run.log, after, "come after the measurement ended")
        late_s = float(at_s[0]) - begin_s if len(at_s) else 0.0
        if late_s > ask.number("latest_s") and not after.any():
            told = f"the first sample of {run.phase} comes {late_s:.3f} s after the measurement began"
            limit, line = ask.number("latest_s"), int(run.log.lines[0])
            yield run.ask.fail(
                told, file=run.log.file.name, line=line, sample=0, got=round(late_s, 3), expected=limit, unit="s"
            )


def _measuring(facts: SessionFacts, phase: Phase) -> tuple[float, float]:
    """Get the moments between which the director measured, Unix seconds: after `Go`, and after the last reply."""
    phases = facts.record("server").phases or {}
    moments = phases[phase].wall_s if phase in phases else ()
    if len(moments) < MOMENTS:
        raise MissingFactError(f"{facts.server.file.name} has no {MOMENTS} moments of {phase}")
    return moments[1], moments[3]
