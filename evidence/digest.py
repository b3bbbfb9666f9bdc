"""Digests of files and of our own sources."""

import hashlib
import os
import stat
import sys
import zlib
from collections.abc import Iterable
from functools import cache
from io import BufferedReader
from pathlib import Path
from typing import NoReturn

import evidence
from evidence.source import LARGEST_BYTES
from metrology.errors import EvidenceError

ROOT = Path(evidence.__file__).resolve().parent.parent
"""The folder that holds the rooms."""
KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_plain(path: Path) -> BufferedReader:
    """Open a file that a stranger may have put there, to read it.

    Raises:
        EvidenceError: it is no plain file (reading a FIFO or a device may never end), or a giant one.
        OSError: it cannot be read.
    """
    _require_plain(path, path.stat())
    # Between stat and open it may become a FIFO; O_NONBLOCK keeps that from hanging.
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    try:
        _require_plain(path, os.fstat(file.fileno()))
    except EvidenceError:
        file.close()
        raise
    return file


def _require_plain(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise EvidenceError(
            f"'{path}' is {kind}, expected a plain file", "take it away, or put the file itself there"
        )
    if found.st_size > LARGEST_BYTES:
        raise EvidenceError(f"'{path}' has {found.st_size} bytes, expected at most {LARGEST_BYTES}")


def refuse_unreadable(problem: OSError) -> NoReturn:
    """Refuse a folder that cannot be listed, for `os.walk`, which would pass over all that is in it.

    Raises:
        EvidenceError: always.
    """
    raise EvidenceError(
        f"'{problem.filename}' cannot be read: {problem.strerror}", "give yourself the right to read it"
    ) from problem


def file_sha1(path: Path) -> str:
    """Get the SHA-1 of a file as hexadecimal digits, read in blocks; errors as `open_plain`."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha1").hexdigest()


def file_sha256(path: Path) -> str:
    """Get the SHA-256 of a file as hexadecimal digits, read in blocks; errors as `open_plain`."""
    with open_plain(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_sha1(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Get the SHA-1 of each named file that exists below `folder`, sorted by name."""
    return {name: file_sha1(folder / name) for name in sorted(names) if (folder / name).is_file()}


def source_files(rooms: Iterable[str]) -> list[Path]:
    """List every .py file of the rooms (top level packages), sorted."""
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


@cache
def source_sha1(rooms: tuple[str, ...]) -> dict[str, str]:
    """Get the SHA-1 of every .py file of the rooms, keyed by path below the installation.

    Computed once in a process: what it runs does not change when the files on disk do.
    """
    return {path.relative_to(ROOT).as_posix(): file_sha1(path) for path in source_files(rooms)}


def source_crc32(rooms: Iterable[str]) -> str:
    """Get the CRC-32 over every .py file of the rooms as 8 hexadecimal digits, PTDaemon's way to name a build."""
    value = 0
    for path in source_files(rooms):
        value = zlib.crc32(path.read_bytes(), value)
    return f"{value:08x}"


def loaded_modules(rooms: Iterable[str]) -> dict[str, str]:
    """Get the modules of the rooms that this process has loaded, with the file of each."""
    prefixes = tuple(rooms)
    found = {}
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name.split(".", 1)[0] in prefixes and file and Path(file).is_relative_to(ROOT):
            found[name] = Path(file).relative_to(ROOT).as_posix()
    return found
