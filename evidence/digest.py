"""Digests of files and of our own sources."""

import hashlib
import sys
import zlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import evidence

ROOT = Path(evidence.__file__).resolve().parent.parent
"""The folder that holds the rooms."""


def file_sha1(path: Path) -> str:
    """Get the SHA-1 of a file as hexadecimal digits; read in blocks, so that a large file costs no memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()


def file_sha256(path: Path) -> str:
    """Get the SHA-256 of a file as hexadecimal digits; read in blocks as `file_sha1`."""
    with path.open("rb") as file:
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
