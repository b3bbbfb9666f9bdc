"""Who holds a session, and what to do about one whose director died.

While a session is open its director holds a lock on `wattrig/owner.json`, which names the ranges to restore. The
system drops the lock with the process, however that ends; so a file without state beside it and without lock is a
session that was broken off. The ranges stand there until they are set back; a director that starts sets back what any
session still owes, also one that was closed while its analyzer did not answer.
"""

import contextlib
import fcntl
import json
import os
import select
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
from wire.protocol import SESSION_NAME

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

    def settle(self) -> None:
        """Note that the ranges are set back; where the disk does not take that, they are set back once more later."""
        with contextlib.suppress(OSError):
            self._file.seek(0)
            self._file.truncate()

    def release(self) -> None:
        """Give the session up."""
        self._file.close()


def close_orphans(store: Path) -> tuple[list[str], dict[int, RangesReply]]:
    """Close the sessions in a store whose director died: end their daemons, keep what they measured, mark them.

    A session that the disk does not let us close is left for the next start; its ranges are owed all the same.

    Returns:
        What is to be told of each session, and per analyzer (number from 1) the ranges that the first of them owes
        it: later ones found what that left.
    """
    closed = [_close(session) for session in _unclaimed(store)]
    owed: dict[int, RangesReply] = {}
    for session, entries in _left(store):
        is_open = not (session / OURS / "state.json").exists()
        if is_open:
            _end_daemons(session)
        for entry in entries:
            if isinstance(entry.get("voltage"), str) and isinstance(entry.get("current"), str):
                owed.setdefault(int(entry["number"]), RangesReply(current=entry["current"], voltage=entry["voltage"]))
        closed += [_close(session)] if is_open else []
    return closed, owed


def settle(store: Path) -> None:
    """Note that all that sessions owed is set back.

    Raises:
        OSError: the disk does not take it.
    """
    for session, entries in _left(store):
        if entries:
            (session / OWNER).write_bytes(b"")


def _close(session: Path) -> str:
    told = f"The session {session.name} was left open by a director that died"
    try:
        mark(session, "aborted", REASON, finish_partial(session, REASON))
    except OSError as problem:
        return f"{told}; it cannot be closed: {problem}"
    return f"{told}; it is marked aborted, and what was measured is in '{session / PARTIAL}'"


def _left(store: Path) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """Find the sessions that no director has, and what they owe; their names order them by time."""
    for owner in sorted(store.glob(f"*/{OWNER}")):
        with owner.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield owner.parent.parent, _entries(file.read(LARGEST_OWNER))


def _unclaimed(store: Path) -> list[Path]:
    """Find the sessions whose director died before it could claim them: their folders hold no file at all."""
    named = (path for path in store.iterdir() if path.is_dir() and SESSION_NAME.fullmatch(path.name))
    return sorted(session for session in named if not any(path.is_file() for path in session.rglob("*")))


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
        with contextlib.ExitStack() as stack:
            ending = []
            for pid in _running(folder):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    ending.append(os.pidfd_open(pid))
                    stack.callback(os.close, ending[-1])
                    signal.pidfd_send_signal(ending[-1], number)
            _wait_for_end(ending)


def _wait_for_end(processes: list[int]) -> None:
    """Wait up to `END_S` until processes have ended, by their pidfds.

    One that is ending has no command line any more but still holds its port; its pidfd tells when it has let go.
    """
    deadline_s = time.monotonic() + END_S
    while processes and (left_s := deadline_s - time.monotonic()) > 0:
        ended, _, _ = select.select(processes, [], [], left_s)
        processes = [process for process in processes if process not in ended]


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
