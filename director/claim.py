"""Who holds a session, and what to do about one whose director died.

While a session is open its director holds a lock on `wattrig/owner.json`, which names the ranges to restore. The
system drops the lock with the process, however that ends; so a file without state beside it and without lock is a
session that was broken off.
"""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from director.analyzer import Analyzer
from director.recovery import finish_partial
from evidence.layout import OURS, PARTIAL
from evidence.ptd_protocol import RangesReply
from evidence.state import mark

OWNER = f"{OURS}/owner.json"
LARGEST_OWNER = 1 << 16
REASON = "the director ended without closing the session: killed, or the machine went down"
END_S = 5.0


class Claim:
    """The claim of a running director to a session; given up by `release`."""

    def __init__(self, session: Path) -> None:
        self._file = (session / OWNER).open("w", encoding="utf-8")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def note(self, analyzers: Sequence[Analyzer]) -> None:
        """Note the daemons, and the ranges to restore."""
        entries = [
            {"command": analyzer.command, "number": analyzer.number}
            | ({"voltage": analyzer.initial.voltage, "current": analyzer.initial.current} if analyzer.initial else {})
            for analyzer in analyzers
        ]
        self._file.seek(0)
        json.dump(entries, self._file)
        self._file.truncate()
        self._file.flush()
        os.fsync(self._file.fileno())

    def release(self) -> None:
        """Give the session up."""
        self._file.close()


def close_orphans(store: Path) -> tuple[list[str], dict[int, RangesReply]]:
    """Close the sessions in a store whose director died: end their daemons, keep what they measured, mark them.

    A session that the disk does not let us close is left for the next start; its ranges are owed all the same.

    Returns:
        What is to be told of each session, and per analyzer (number from 1) the ranges that the last of them owes it.
    """
    closed: list[str] = []
    owed: dict[int, RangesReply] = {}
    for session, entries in _orphans(store):
        _end_daemons(session)
        for entry in entries:
            if isinstance(entry.get("voltage"), str) and isinstance(entry.get("current"), str):
                owed[int(entry["number"])] = RangesReply(current=entry["current"], voltage=entry["voltage"])
        closed.append(_close(session))
    return closed, owed


def _close(session: Path) -> str:
    told = f"The session {session.name} was left open by a director that died"
    try:
        mark(session, "aborted", REASON, finish_partial(session, REASON))
    except OSError as problem:
        return f"{told}; it cannot be closed: {problem}"
    return f"{told}; it is marked aborted, and what was measured is in '{session / PARTIAL}'"


def _orphans(store: Path) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    for owner in sorted(store.glob(f"*/{OWNER}")):
        session = owner.parent.parent
        if (session / OURS / "state.json").exists():
            continue
        with owner.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield session, _entries(file.read(LARGEST_OWNER))


def _entries(text: bytes) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _end_daemons(session: Path) -> None:
    """End the daemons of a session that outlived its director: the processes whose log lies in its folder.

    Told by their command lines, not by noted numbers: a director may die between the start of a daemon and its note.
    """
    folder = f"{session / OURS}{os.sep}".encode()
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in _running(folder):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        deadline_s = time.monotonic() + END_S
        while _running(folder) and time.monotonic() < deadline_s:
            time.sleep(0.02)


def _running(folder: bytes) -> list[int]:
    """Find the processes that were told to log (`-l`) into a folder; zombies have no command line any more."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word == b"-l" and log.startswith(folder) for word, log in pairwise(words)):
            found.append(int(path.parent.name))
    return found
