"""A testing run that was repeated: what server.log tells of an attempt that failed, and server.json leaves out.

Got command from the client 'session,<name>,start,testing'     here the attempt begins
...                                                            what was said to PTDaemon, from the ranges on
Got command from the client 'wattrig,repeat,testing'
...                                                            its Stop, where it was still measuring
Sending reply to client 'OK'                                   here it ends
"""

import re
from bisect import bisect
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from evidence.session_log import SessionLog, Traffic
from wire.comeback import REPEAT

_START = re.compile(r"session,[^,]*,start,testing(,.*)?")
_RANGE = "SR,"
"""With this command the director begins a testing run; what comes before it, in a session without ranging, is the
greeting of PTDaemon, which server.json has."""

Pair = tuple[str, str]


class Attempt(NamedTuple):
    """A testing run that failed and was repeated: its first and last line in server.log."""

    begin: int
    end: int


def failed_attempts(log: SessionLog) -> list[Attempt]:
    """Find the testing runs that the director gave up at the client's wish, in order."""
    found, begin, asked = [], 0, ""
    for entry in log.of("command", "reply"):
        if entry.direction == "command":
            asked, line = entry.text, entry.line
        elif entry.text == "OK" and _START.fullmatch(asked):
            begin = begin or line
        elif entry.text == "OK" and asked == REPEAT and begin:
            found.append(Attempt(begin, entry.line))
            begin = 0
    return found


def given_up(log: SessionLog) -> frozenset[Traffic]:
    """Get what was said to PTDaemon, and by it, in attempts that failed."""
    attempts = failed_attempts(log)
    begins = [attempt.begin for attempt in attempts]
    ranged: set[tuple[int, int]] = set()
    found = []
    for entry in log.of("to ptd", "from ptd") if attempts else ():
        number = bisect(begins, entry.line) - 1
        if number >= 0 and entry.line < attempts[number].end:
            if entry.text.startswith(_RANGE):
                ranged.add((number, entry.analyzer))
            if (number, entry.analyzer) in ranged:
                found.append(entry)
    return frozenset(found)


def with_attempts(log: SessionLog, recorded: Sequence[list[Pair]]) -> list[list[Pair]]:
    """Put the commands and replies of failed attempts, as server.log tells them, among those of server.json.

    Args:
        log: server.log.
        recorded: what server.json has of each analyzer.
    """
    failed = given_up(log)
    if not failed:
        return list(recorded)
    said: dict[int, list[Traffic]] = {number: [] for number in range(1, len(recorded) + 1)}
    for entry in log.of("to ptd", "from ptd"):
        said.setdefault(entry.analyzer, []).append(entry)
    return [_merged(said[number], failed, messages) for number, messages in enumerate(recorded, 1)]


def _merged(said: Iterable[Traffic], failed: frozenset[Traffic], recorded: Iterable[Pair]) -> list[Pair]:
    rest, found, command = iter(recorded), [], ""
    for entry in said:
        if entry.direction == "to ptd":
            command = entry.text
        elif entry in failed:
            found.append((command, entry.text))
        else:
            found += [pair for pair in (next(rest, None),) if pair]
    return [*found, *rest]
