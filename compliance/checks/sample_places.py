"""Where rules about samples look, and how they tell of many samples at once."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from compliance.facts import Phase, SessionFacts
from compliance.findings import Ask, Findings, MissingFactError, Shown
from evidence.columns import Ints, Mask
from evidence.loadgen_log import Window
from evidence.power_samples import GOOD, MISSED, PowerLog
from rules.documents import Level
from scoring.energy import inside


class Run(NamedTuple):
    """The power log of a phase, and what to say of it: failures of ranging are recommended ones at most."""

    phase: Phase
    log: PowerLog
    ask: Ask


class Load(NamedTuple):
    """The power window of the testing run, in its power log; `within` tells which samples lie in it."""

    log: PowerLog
    window: Window
    within: Mask

    @property
    def samples(self) -> int:
        """How many samples lie in the window."""
        return int(np.count_nonzero(self.within))

    @property
    def seconds(self) -> float:
        """The length of the window in seconds."""
        return (self.window.end_ns - self.window.begin_ns) / 1e9


def softer(ask: Ask) -> Ask:
    """Get the same question with failures that are recommended ones at most."""
    level: Level = "info" if ask.rule.level == "info" else "recommended"
    return ask._replace(rule=ask.rule._replace(level=level))


def runs(facts: SessionFacts, ask: Ask) -> Iterator[Run]:
    """Get the testing run, then the ranging run where its power log was read.

    Raises:
        MissingFactError: the power log of the testing run was not read.
    """
    yield Run("testing", facts.power_log("testing"), ask)
    if facts.power_logs["ranging"].file.was_read:
        yield Run("ranging", facts.power_logs["ranging"], softer(ask))


def load_of(facts: SessionFacts) -> Load:
    """Get the power window of the testing run.

    Raises:
        MissingFactError: a log was not read, or there is no window, or it ends before it begins.
    """
    log, window = facts.power_log("testing"), facts.window("testing")
    if window.end_ns <= window.begin_ns:
        raise MissingFactError("power_end is not after power_begin")
    return Load(log, window, inside(log.t_utc_ns, window.begin_ns, window.end_ns))


def drawing(log: PowerLog) -> Ints:
    """Get the channels that count: the sum, and those that drew power at any time; an unused one reads 0."""
    used = np.any(log.values[:, 0] > 0, axis=1)
    used[0] = True
    return np.flatnonzero(used)


def of_kind(log: PowerLog, kind: int) -> Mask:
    """Tell which samples are of a kind (BAD, MISSED, ...) in any channel that counts."""
    found: Mask = np.any(log.quality[drawing(log)] == kind, axis=0)
    return found


def all_good(log: PowerLog) -> Mask:
    """Tell which samples are good in all channels that count."""
    found: Mask = np.all(log.quality[drawing(log)] == GOOD, axis=0)
    return found


def measured_times(log: PowerLog) -> Ints:
    """Get the times of samples in ascending order; missed ones, which carry the time of the one before, left out."""
    times = log.t_utc_ns[log.quality[0] != MISSED]
    return times if bool(np.all(times[1:] >= times[:-1])) else np.sort(times)


def interval_s(facts: SessionFacts, phase: Phase) -> float:
    """Get the sampling interval: as `Go` asked for, or else the usual distance of two samples."""
    for _, interval_ms in goes(facts):
        if interval_ms > 0:
            return interval_ms / 1000
    steps = np.diff(measured_times(facts.power_logs[phase]))
    return float(np.median(steps)) / 1e9 if len(steps) else 1.0


def goes(facts: SessionFacts) -> Iterator[tuple[str, int]]:
    """Get each `Go` that the director sent to PTDaemon, with its interval in ms; -1 where it names none."""
    for command, _ in facts.server.ptd_replies("Go,"):
        word = command.split(",")[1]
        yield command, int(word) if word.isdecimal() and len(word) < 10 else -1


def sent_on_line(facts: SessionFacts, command: str) -> int | None:
    """Get the line of server.log that first sends a command to PTDaemon; None where none does."""
    return next((entry.line for entry in facts.server_log.of("to ptd") if entry.text == command), None)


def fold(
    ask: Ask,
    log: PowerLog,
    wrong: Mask,
    what: str,
    *,
    of: int | None = None,
    got: Shown = None,
    expected: Shown = None,
    unit: str = "",
) -> Findings:
    """Tell of all samples that are wrong by one finding, which names the first; nothing where none is.

    Args:
        ask: what is asked.
        log: the power log.
        wrong: (n,) which samples are.
        what: what they are, as in "3 of 600 samples <what>".
        of: of how many; of all where not given.
        got, expected, unit: of the first one; their number where `got` is not given.
    """
    rows = np.flatnonzero(wrong)
    if not len(rows):
        return
    first = int(rows[0])
    line = int(log.lines[first])
    if got is None:
        got, expected, unit = len(rows), 0, "samples"
    told = f"{len(rows)} of {len(wrong) if of is None else of} samples {what}, the first on line {line}"
    yield ask.fail(told, file=log.file.name, line=line, sample=first, got=got, expected=expected, unit=unit)
