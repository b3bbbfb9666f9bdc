"""A journal: what a process did and saw, record by record; whatever ends the process, next to nothing is lost.

    5f0c1e9a {"n":17,"t_utc_ns":1753456389684000000,"t_mono_ns":912345678,"kind":"sample","analyzer":1,...}

One record a line: the CRC-32 of the JSON text as 8 hexadecimal digits, a blank, the JSON text, LF. Records are
counted by `n` from 0 and only ever appended. Each is handed to the system as it comes, so that it outlives the
process, and is on the disk at most `SYNC_S` later, so that it outlives the machine.
"""

import fcntl
import json
import os
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

from evidence.digest import open_plain
from metrology.errors import EvidenceError

SYNC_S = 0.5
"""Longest time from a record to the start of its way to the disk, seconds; the design allows a second in all."""
LONGEST_RECORD = 1 << 20
MOST_DAMAGES = 100
"""Damages told of one file; more are counted alone."""

Record = dict[str, Any]


class Note(Protocol):
    """Where records go: `Journal.add`, or nowhere."""

    def __call__(self, kind: str, **fields: object) -> None:
        """Keep a record."""


def unnoted(kind: str, **fields: object) -> None:
    """Keep no record."""


def encoded(record: Record) -> bytes:
    """Write one record as a line."""
    text = json.dumps(record, separators=(",", ":")).encode("ascii")
    return b"%08x %s\n" % (zlib.crc32(text), text)


def decoded(line: bytes) -> Record:
    """Read one line without its LF.

    Raises:
        EvidenceError: it is no whole record.
    """
    checksum, blank, text = line[:8], line[8:9], line[9:]
    if blank != b" " or checksum != b"%08x" % zlib.crc32(text):
        raise EvidenceError("the checksum does not agree")
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise EvidenceError(f"it is no JSON: {problem}") from problem
    if not isinstance(record, dict) or not all(isinstance(record.get(key), int) for key in ("n", "t_utc_ns")):
        raise EvidenceError("it lacks its number or its time")
    if not isinstance(record.get("kind"), str):
        raise EvidenceError("it has no kind")
    return record


class Journal:
    """A journal being written; any thread may add to it.

    Args:
        path: a file that does not exist yet; made readable for its owner alone.
        on_failure: called once, from whatever thread, with the reason why nothing more can be kept. A disk that is
            full must not end the process by itself: the analyzer has still to be given back.

    Raises:
        OSError: the file cannot be made.

    Attributes:
        problem: that reason; "" while all is kept.
    """

    def __init__(self, path: Path, on_failure: Callable[[str], None] = lambda _: None) -> None:
        self.path = path
        self.problem = ""
        self._on_failure = on_failure
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held until the process ends, however it does
        self._count = 0
        self._lock = threading.Lock()
        self._dirty = threading.Event()
        self._ending = threading.Event()
        self._syncing = threading.Thread(target=self._keep_on_disk, name=f"journal {path.name}", daemon=True)
        self._syncing.start()

    def add(self, kind: str, **fields: object) -> None:
        """Append a record; without effect once the journal has failed or is closed."""
        with self._lock:
            if self.problem or self._ending.is_set():
                return
            times = {"t_utc_ns": time.time_ns(), "t_mono_ns": time.monotonic_ns()}
            try:
                self._append(encoded({"n": self._count, **times, "kind": kind, **fields}))
            except OSError as problem:
                failure = self._failed(problem)
            else:
                self._count += 1
                self._dirty.set()
                return
        self._on_failure(failure)

    def _append(self, line: bytes) -> None:
        while line:  # a disk that fills up takes a part
            line = line[os.write(self._file, line) :]

    def _failed(self, problem: OSError) -> str:
        self.problem = f"the journal '{self.path}' cannot be written: {problem.strerror}"
        return self.problem

    def _keep_on_disk(self) -> None:
        """Force what was added to the disk, apart from the thread that adds: a slow disk holds up nobody."""
        while not self._ending.wait(SYNC_S):
            if self._dirty.is_set():
                self._sync()

    def _sync(self) -> None:
        self._dirty.clear()
        try:
            os.fsync(self._file)
        except OSError as problem:
            if not self.problem:
                self._on_failure(self._failed(problem))

    def close(self) -> None:
        """Force the rest to the disk and close; closed already, there is nothing to do."""
        if self._ending.is_set():
            return
        with self._lock:
            self._ending.set()
        self._syncing.join()
        self._sync()
        os.close(self._file)


def is_being_written(path: Path) -> bool:
    """Tell whether the process that writes a journal lives; errors as `read_journal`."""
    with open_plain(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


class Damage(NamedTuple):
    """A place where a journal is not whole: the line, counted from 1, its first byte, and what is wrong."""

    line: int
    offset: int
    reason: str


class Kept(NamedTuple):
    """A journal read back: the whole records in their order, and what is damaged, at most `MOST_DAMAGES` of it."""

    records: tuple[Record, ...]
    damages: tuple[Damage, ...]

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing is damaged or missing."""
        return not self.damages


def read_journal(path: Path) -> Kept:
    """Read a journal back: every whole record, whatever stands between them or at the end.

    Raises:
        OSError: the file cannot be read.
        EvidenceError: it is no plain file.
    """
    records: list[Record] = []
    damages: list[Damage] = []
    with open_plain(path) as file:
        for number, offset, line in _lines(file):
            reason = _take(line, records)
            if reason and len(damages) < MOST_DAMAGES:
                damages.append(Damage(number, offset, reason))
    return Kept(tuple(records), tuple(damages))


def _lines(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    number = offset = 0
    while line := file.readline(LONGEST_RECORD):
        number += 1
        yield number, offset, line
        offset += len(line)


def _take(line: bytes, records: list[Record]) -> str:
    """Take in one line; get what is wrong with it, "" for nothing."""
    if not line.endswith(b"\n"):
        return "the record has no end"
    try:
        record = decoded(line[:-1])
    except EvidenceError as problem:
        return problem.message
    expected = records[-1]["n"] + 1 if records else 0
    if record["n"] < expected:
        return f"record {record['n']} comes again or too late"
    records.append(record)
    return f"{record['n'] - expected} records are missing before this one" if record["n"] > expected else ""
