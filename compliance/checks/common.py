"""What several checks need: findings that do not repeat without end, logs of both sides, samples in the window."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import numpy as np

from compliance.facts import Phase, SessionFacts, Side
from compliance.findings import Ask, Findings, MissingFactError
from evidence.columns import Mask
from evidence.power_samples import GOOD
from evidence.session_log import SessionLog
from scoring.energy import inside

MOST_NAMED = 20
"""How many places of one kind are named one by one; of the others only the number is told."""
MOST_ANALYZERS = 64
"""Analyzers looked at; the director of 2024 has no limit, published sessions have one."""
SIDES: tuple[Side, Side] = ("client", "server")
T = TypeVar("T")


def first_ones(entries: Iterable[T]) -> Iterator[T]:
    """Get the first `MOST_NAMED` of many."""
    return (entry for entry, _ in zip(entries, range(MOST_NAMED), strict=False))


def further(ask: Ask, count: int, what: str, file: str) -> Findings:
    """Tell of those that were not named, where there are any; `count` is the number of all."""
    if count > MOST_NAMED:
        yield ask.fail(f"'{file}' has {count - MOST_NAMED} further {what}", file=file, got=count, expected=0)


def session_log(facts: SessionFacts, side: Side) -> SessionLog:
    """Get client.log or server.log.

    Raises:
        MissingFactError: it was not read.
    """
    log = facts.client_log if side == "client" else facts.server_log
    if not log.file.was_read:
        raise MissingFactError(f"{log.file.name}: {log.file.reason}")
    return log


def lines_sent(facts: SessionFacts) -> dict[str, int]:
    """Get the lines of server.log that send commands to PTDaemon, by command: the last one of each."""
    return {entry.text: entry.line for entry in facts.server_log.of("to ptd")}


def in_window(facts: SessionFacts, phase: Phase) -> Mask:
    """Tell which samples of a phase lie in its power window.

    Raises:
        MissingFactError: there is no window, or no sample in it.
    """
    window, log = facts.window(phase), facts.power_log(phase)
    found = inside(log.t_utc_ns, window.begin_ns, window.end_ns)
    if not found.any():
        raise MissingFactError(f"{log.file.name} has no sample in the power window")
    return found


def good_in_window(facts: SessionFacts, phase: Phase) -> Mask:
    """Tell which samples in the power window of a phase are good readings of every channel that draws power."""
    log = facts.power_log(phase)
    good: Mask = in_window(facts, phase) & np.all(log.quality == GOOD, axis=0)
    return good
