"""Who holds a session, and what to do about one whose director died.

While a session is open its director holds a lock on `wattrig/owner.json`, which names the daemons it started and the
ranges to restore. The system drops the lock with the process, however that ends; so a file without state beside it
and without lock is a session that was broken off.
"""

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from director.analyzer import Analyzer
from evidence.layout import OURS
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
        """Note the daemons that run, and the ranges to restore."""
        entries = [
            {"pid": analyzer.pid, "command": analyzer.command, "number": analyzer.number}
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
    """Close the sessions in a store whose director died: end their daemons and mark them aborted.

    Returns:
        The names of the sessions, and per analyzer (number from 1) the ranges that the last of them still owes it.
    """
    closed: list[str] = []
    owed: dict[int, RangesReply] = {}
    for session, entries in _orphans(store):
        for entry in entries:
            _end_daemon(entry)
            if isinstance(entry.get("voltage"), str) and isinstance(entry.get("current"), str):
                owed[int(entry["number"])] = RangesReply(current=entry["current"], voltage=entry["voltage"])
        mark(session, "aborted", REASON)
        closed.append(session.name)
    return closed, owed


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


def _end_daemon(entry: dict[str, Any]) -> None:
    """End a daemon that outlived its director; only where the process still runs the very command noted."""
    pid, command = entry.get("pid"), entry.get("command")
    if not isinstance(pid, int) or not isinstance(command, list):
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        if not _runs(pid, command):
            return
        os.kill(pid, number)
        deadline_s = time.monotonic() + END_S
        while _runs(pid, command) and time.monotonic() < deadline_s:
            time.sleep(0.02)


def _runs(pid: int, command: list[Any]) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return False
    # A script's command line begins with its interpreter.
    return len(command) > 1 and words[:-1][-len(command) + 1 :] == [str(word) for word in command[1:]]
