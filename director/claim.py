"""Who holds a session, and what ranges it owes its analyzers.

While a session is open its director holds a lock on `wattrig/owner.json`, which names the ranges to set back. The
system drops the lock with the process, however that ends; so a file without state beside it and without lock is a
session that was broken off. The ranges stand there until they are set back; a director that starts sets back what any
session still owes, also one that was closed while its analyzer did not answer.
"""

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from director.analyzer import Analyzer
from director.ranging import SETTING
from director.recovery import read_back
from evidence.layout import OURS
from evidence.ptd_protocol import RangesReply
from evidence.recovery import owed_by
from evidence.state import sync_folder, written_beside
from metrology.errors import EvidenceError

OWNER = f"{OURS}/owner.json"
LARGEST_OWNER = 1 << 16
"""99 analyzers take a tenth of it."""


class Debt(BaseModel, strict=True):
    """The ranges that an analyzer, numbered from 1, was found with."""

    number: int = Field(ge=1, le=99)
    voltage: str = Field(pattern=rf"\A({SETTING})\z")
    current: str = Field(pattern=rf"\A({SETTING})\z")


DEBTS = TypeAdapter(list[Debt])


class Claim:
    """The claim of a running director to a session; given up by `release`."""

    def __init__(self, session: Path) -> None:
        self._path = session / OWNER
        self._path.touch()
        self._file = locked(self._path)

    def note(self, analyzers: Sequence[Analyzer]) -> None:
        """Note the ranges to set back, so that they outlive process and machine.

        Raises:
            OSError: the disk does not take it; what was noted before still stands there.
        """
        debts = [
            {"number": each.number, "voltage": each.initial.voltage, "current": each.initial.current}
            for each in analyzers
            if each.initial is not None
        ]
        beside = written_beside(self._path, json.dumps(debts).encode())
        with contextlib.ExitStack() as stack:
            file = stack.enter_context(locked(beside))  # before it has the name that others look for
            beside.replace(self._path)
            stack.pop_all()
        self._file.close()
        self._file = file
        sync_folder(self._path.parent)

    def settle(self) -> None:
        """Note that the ranges are set back; where the disk does not take that, they are set back once more later."""
        with contextlib.suppress(OSError):
            os.ftruncate(self._file.fileno(), 0)

    def release(self) -> None:
        """Give the session up."""
        self._file.close()


def locked(path: Path) -> BinaryIO:
    """Open a file and hold a lock on it until it is closed.

    Raises:
        BlockingIOError: somebody else holds one.
    """
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(path.open("r+b"))
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        stack.pop_all()
    return file


def debts_of(session: Path, text: bytes) -> tuple[dict[int, RangesReply], str]:
    """Read what a session owes, by analyzer; where its owner.json is damaged, from the session's journal.

    Returns:
        The ranges, and what is to be told of the damage; "" where there is none.
    """
    try:
        return read_debts(text), ""
    except EvidenceError as problem:
        owed = _journalled(session)
        found = "; ".join(f"analyzer {number}: {each.voltage} V, {each.current} A" for number, each in owed.items())
        return owed, f"'{session / OWNER}' {problem.message}; its journal owes {found or 'no analyzer any ranges'}"


def read_debts(text: bytes) -> dict[int, RangesReply]:
    """Read an owner.json; an empty one owes nothing.

    Raises:
        EvidenceError: it is damaged.
    """
    try:
        debts = DEBTS.validate_json(text) if text else []
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        raise EvidenceError(f"is damaged ({first['msg'][:200]})") from problem
    return {debt.number: RangesReply(current=debt.current, voltage=debt.voltage) for debt in debts}


def _journalled(session: Path) -> dict[int, RangesReply]:
    try:
        owed = owed_by(read_back(session))
    except OSError:
        return {}
    return {number: each for number, each in owed.items() if _is_setting(each.voltage) and _is_setting(each.current)}


def _is_setting(text: str) -> bool:
    return re.fullmatch(SETTING, text) is not None
