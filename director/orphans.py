"""Sessions whose director died: closed by the next one that starts, which sets back what they owe."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from director.claim import LARGEST_OWNER, OWNER, debts_of, locked
from director.leftovers import end_daemons
from director.recovery import finish_partial
from evidence.layout import OURS, PARTIAL
from evidence.ptd_protocol import RangesReply
from evidence.state import mark
from wire.protocol import SESSION_NAME

REASON = "the director ended without closing the session: killed, or the machine went down"


class Left(NamedTuple):
    """A session that no director has: the ranges that it owes, by analyzer, and what damage is to be told."""

    session: Path
    owed: dict[int, RangesReply]
    damage: str


def close_orphans(store: Path) -> tuple[list[str], dict[int, RangesReply]]:
    """Close the sessions in a store whose director died: end their daemons, keep what they measured, mark them.

    A session that the disk does not let us close is left for the next start; its ranges are owed all the same.

    Returns:
        What is to be told of each session, and per analyzer (number from 1) the ranges that the first of them owes
        it: later ones found what that left.
    """
    told = [_close(session) for session in _unclaimed(store)]
    owed: dict[int, RangesReply] = {}
    for session, debts, damage in _left(store):
        is_open = not (session / OURS / "state.json").exists()
        if is_open:
            end_daemons(session / OURS)
        owed = debts | owed
        told += [damage] if damage else []
        told += [_close(session)] if is_open else []
    return told, owed


def settle(store: Path) -> None:
    """Note that all that sessions owed is set back; where the disk does not take that, it is once more later."""
    for session, _, _ in _left(store):
        owner = session / OWNER
        with contextlib.suppress(OSError):
            if owner.stat().st_size:
                owner.write_bytes(b"")


def _close(session: Path) -> str:
    told = f"The session {session.name} was left open by a director that died"
    try:
        mark(session, "aborted", REASON, finish_partial(session, REASON))
    except OSError as problem:
        return f"{told}; it cannot be closed: {problem}"
    return f"{told}; it is marked aborted, and what was measured is in '{session / PARTIAL}'"


def _left(store: Path) -> Iterator[Left]:
    """Find the sessions that no director has; their names order them by time."""
    for owner in sorted(store.glob(f"*/{OWNER}")):
        session = owner.parent.parent
        try:
            with locked(owner) as file:
                if os.path.samestat(os.fstat(file.fileno()), owner.stat()):  # no director has just put another there
                    yield Left(session, *debts_of(session, file.read(LARGEST_OWNER)))
        except BlockingIOError:
            continue
        except OSError as problem:
            yield Left(session, {}, f"'{owner}' cannot be opened: {problem.strerror}")


def _unclaimed(store: Path) -> list[Path]:
    """Find the sessions whose director died before it could claim them: their folders hold no file at all."""
    named = (path for path in store.iterdir() if path.is_dir() and SESSION_NAME.fullmatch(path.name))
    return sorted(session for session in named if not any(path.is_file() for path in session.rglob("*")))
