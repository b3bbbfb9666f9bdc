"""Rules about what PTDaemon said while testing, and about the uncertainty of the samples."""

import re

import numpy as np

from compliance.checks.common import first_ones, good_in_window, in_window
from compliance.facts import SessionFacts
from compliance.findings import Ask, Findings, MissingFactError
from compliance.uncertainty import sample_uncertainty
from evidence.columns import Floats, Mask, distinct
from evidence.ptd_log import Message, PtdLog
from evidence.ptd_parts import start_of
from metrology.errors import EvidenceError
from metrology.uncertainty import LIMIT
from scoring.energy import mean_uncertainty

_SWITCHED_ON = re.compile(r"Uncertainty checking for \S+ is activated")


def testing_start(log: PtdLog) -> Message:
    """Get where the testing run begins in PTDaemon's log.

    Raises:
        MissingFactError: it does not.
    """
    try:
        return start_of(log, "testing")
    except EvidenceError as problem:
        raise MissingFactError(problem.message) from problem


def within_limit(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that the samples in the power window are within the limit, by PTDaemon's word and by their own."""
    log = facts.ptd_log()
    yield from _switched_on(log, ask)
    samples = in_window(facts, "testing")
    yield from _warned(facts, log, int(samples.sum()), ask)
    fractions, good = sample_uncertainty(facts), good_in_window(facts, "testing")
    if fractions is not None and good.any():
        yield from _computed(facts, fractions, good, ask)


def _switched_on(log: PtdLog, ask: Ask) -> Findings:
    first = next((message.line for message, _ in log.goes()), None)
    on = [message.line for message in log.messages if _SWITCHED_ON.fullmatch(message.text)]
    if first is None or not on or on[0] > first:
        yield ask.fail(
            "PTDaemon did not switch on its check of uncertainty before ranging",
            file=log.file.name,
            line=first,
            expected="Uncertainty checking for ... is activated",
        )


def _warned(facts: SessionFacts, log: PtdLog, count: int, ask: Ask) -> Findings:
    window, times = facts.window("testing"), facts.power_log("testing").t_utc_ns
    loading = log.where(window.begin_ns, window.end_ns)
    above = [code for code, entry in enumerate(log.wordings) if entry.percent is not None]
    unknown = [code for code, entry in enumerate(log.wordings) if entry.unknown]
    for what, codes in (("above the limit of 1 %", above), ("of unknown uncertainty", unknown)):
        found = np.flatnonzero(loading & log.of(codes))
        # Each channel of a sample has a warning of its own, right after the sample.
        number = distinct(np.searchsorted(times, log.t_utc_ns[found], side="right"))
        if number > ask.number("exceptions") * count:
            worst = max(log.wordings[code].percent or 0.0 for code in set(log.codes[found].tolist()))
            upto = f", up to {worst:.2f} %" if worst else ""
            yield ask.fail(
                f"PTDaemon says that {number} of the {count} samples in the power window are {what}{upto}",
                file=log.file.name,
                line=int(log.lines[found[0]]),
                got=number,
                expected=int(ask.number("exceptions") * count),
                unit="samples",
            )


def _computed(facts: SessionFacts, fractions: Floats, good: Mask, ask: Ask) -> Findings:
    log, count = facts.power_log("testing"), int(good.sum())
    above = np.flatnonzero(good & (fractions > LIMIT))
    if len(above) > ask.number("exceptions") * count:
        worst = int(above[np.argmax(fractions[above])])
        yield ask.fail(
            f"by the ranges in force, {len(above)} of {count} good samples in the power window are above the limit "
            f"of 1 %, the worst has {fractions[worst]:.2%}",
            file=log.file.name,
            line=int(log.lines[worst]),
            sample=worst,
            got=float(fractions[worst]),
            expected=LIMIT,
            unit="1",
        )
    mean = mean_uncertainty(fractions[good], log.power_w[good])
    if mean is not None and mean > LIMIT:
        yield ask.fail(
            f"the uncertainty of the mean power in the window is {mean:.3%}",
            file=log.file.name,
            got=mean,
            expected=LIMIT,
            unit="1",
        )


def no_errors_under_load(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that PTDaemon told no error while the load ran."""
    window = facts.window("testing")
    log = facts.ptd_log()
    yield from _errors(log, log.where(window.begin_ns, window.end_ns), "in the power window", ask)


def no_errors_around(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that PTDaemon told no error in the rest of the testing run."""
    window, log = facts.window("testing"), facts.ptd_log()
    begin = testing_start(log)
    ends = [m.t_utc_ns for m in log.messages if m.line > begin.line and m.text == "Completed test" and m.t_utc_ns]
    end_ns = ends[0] if ends else int(log.t_utc_ns.max(initial=window.end_ns))
    around = log.where((begin.t_utc_ns or 0) - 1, end_ns) & ~log.where(window.begin_ns, window.end_ns)
    yield from _errors(log, around, "of the testing run, outside the power window", ask)


def _errors(log: PtdLog, where: Mask, what: str, ask: Ask) -> Findings:
    """Tell the errors in a part of the log, each wording once."""
    accepted = ask.round.reference.accepted_errors
    codes = [
        code for code, entry in enumerate(log.wordings)
        if entry.is_error and not any(text in entry.text for text in accepted)
    ]  # fmt: skip
    found = np.flatnonzero(where & log.of(codes))
    said, firsts, counts = np.unique(log.codes[found], return_index=True, return_counts=True)
    for code, first, count in first_ones(zip(said.tolist(), firsts.tolist(), counts.tolist(), strict=True)):
        line, text = int(log.lines[found[first]]), log.wordings[code].text
        yield ask.fail(
            f"{count} x '{text[:160]}' {what}", file=log.file.name, line=line, got=text, expected="no error"
        )
