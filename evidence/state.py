"""`wattrig/state.json`: whether a session was completed, and if not, why."""

import errno
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from evidence.digest import open_plain
from evidence.layout import OURS
from metrology.errors import EvidenceError

SCHEMA = 1
LARGEST_FILE = 1 << 20


@dataclass(frozen=True, slots=True)
class State:
    """How a session ended.

    Attributes:
        state: "complete" or "aborted".
        reason: why it was aborted; empty when complete.
        phase: the phase it ended in: "ranging", "testing", or "" outside both.
        t_utc_ns: when, UTC nanoseconds.
    """

    state: Literal["complete", "aborted"]
    reason: str
    phase: str
    t_utc_ns: int
    schema: int = SCHEMA


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """Write a file so that after a crash either the old or the whole new content is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written_beside(path, content).replace(path)


def written_beside(path: Path, content: bytes) -> Path:
    """Write what a file is to hold into one beside it, forced to the disk; get that one, which is to replace it."""
    beside = path.with_name(f".{path.name}.tmp")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return beside


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk, so that a file put in another's place is found there for certain.

    Raises:
        OSError: the disk does not take it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as problem:
        if problem.errno != errno.EINVAL:  # a file system that has no such thing, see fsync(2)
            raise
    finally:
        os.close(descriptor)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a record for people and programs, indented by two; atomically, as `write_bytes_atomically`."""
    write_bytes_atomically(path, f"{json.dumps(content, indent=2)}\n".encode())


def mark(session: Path, state: Literal["complete", "aborted"], reason: str = "", phase: str = "") -> None:
    """Record how a session ended in its folder."""
    record = asdict(State(state, reason, phase, time.time_ns()))
    write_json(session / OURS / "state.json", {"schema": record.pop("schema"), **record})
    sync_folder(session / OURS)


def read_state(session: Path) -> State | None:
    """Read how a session ended; None where nothing was recorded.

    Raises:
        EvidenceError: the file is there, but is not such a record.
    """
    path = session / OURS / "state.json"
    try:
        with open_plain(path) as file:
            found = json.loads(file.read(LARGEST_FILE))
        return State(**{**found, "t_utc_ns": int(found["t_utc_ns"])})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as problem:
        raise EvidenceError(f"'{path}' does not tell how the session ended: {problem}") from problem


def reason_of_end(session: Path) -> str:
    """Get why a session was not completed, in one line; "" where it was.

    Raises:
        EvidenceError: as `read_state`.
    """
    state = read_state(session)
    if state is None:
        return "it is still open"
    return "" if state.state == "complete" else " ".join(state.reason.split()) or "for no reason that is known"
