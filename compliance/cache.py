"""Results of sessions that were checked before, found again by the content of their files.

The key is a SHA-256 over the name, size and bytes of every file of the session, our own sources, rulebook included,
and what was asked for. Times of files are never looked at. A session with links or other odd files, or so large that
hashing it takes as long as checking it, is not kept.
"""

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from evidence.digest import ROOT
from evidence.session import MOST_DEPTH, MOST_FILES
from rules.rulebook import RULEBOOK_VERSION

LARGEST_BYTES = 64 << 20
"""Largest session that is kept; published ones have 0.1 to 14 MB."""
LARGEST_ENTRY = 16 << 20
MOST_ENTRIES = 20_000
"""Results kept, the oldest go first; one has about 30 kB."""
_ROOMS = ("compliance", "evidence", "metrology", "rules", "scoring")


class Cache(NamedTuple):
    """A folder with results.

    Attributes:
        folder: where they are kept.
        asked: what the results depend on beside the session's files.
    """

    folder: Path
    asked: bytes

    @classmethod
    def of(cls, *asked: object) -> Self:
        """Open the user's cache for what was asked for: the round and all other options that change a result."""
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        told = repr((RULEBOOK_VERSION, _sources_sha256(), np.__version__, asked))
        return cls(Path(home) / "wattrig" / "check", told.encode())

    def key(self, session: Path) -> str | None:
        """Get the key of a session; None where it is not to be kept."""
        found = hashlib.sha256(self.asked)
        # The name of the scenario's folder decides the metric.
        scenario = session.parent.name if session.name == "performance" else ""
        found.update(f"{scenario}\0".encode(errors="surrogateescape"))
        try:
            files = list(_files(session))
            if sum(size for _, size in files) > LARGEST_BYTES or len(files) > MOST_FILES:
                return None
            for name, size in files:
                found.update(f"{name}\0{size}\0".encode(errors="surrogateescape"))
                with (session / name).open("rb") as file:
                    found.update(hashlib.file_digest(file, "sha256").digest())
        except (OSError, ValueError):
            return None
        return found.hexdigest()

    def get(self, key: str) -> Any:
        """Get what was kept under a key; None where there is nothing, or nothing readable."""
        try:
            with self._path(key).open("rb") as file:
                return json.loads(file.read(LARGEST_ENTRY))
        except (OSError, ValueError, RecursionError):
            return None

    def put(self, key: str, value: Any) -> None:
        """Keep a value; where that is not possible, the result is merely not kept."""
        path = self._path(key)
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = path.with_suffix(f".{os.getpid()}")
            temporary.write_text(json.dumps(value), "ascii")
            temporary.replace(path)

    def prune(self) -> None:
        """Let go of the oldest results where there are too many."""
        with contextlib.suppress(OSError):
            kept = sorted(self.folder.glob("*/*"), key=lambda path: path.stat().st_mtime_ns)
            for path in kept[: max(0, len(kept) - MOST_ENTRIES)]:
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key[2:]}.json"


def _sources_sha256() -> str:
    """Get the digest of everything that decides a result: our sources and the documents of the rulebook."""
    found = hashlib.sha256()
    for room in _ROOMS:
        for path in sorted(path for path in (ROOT / room).rglob("*") if path.suffix in {".py", ".toml"}):
            found.update(path.relative_to(ROOT).as_posix().encode() + b"\0")
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _files(session: Path) -> Iterator[tuple[str, int]]:
    """List the files of a session with their sizes, in a fixed order.

    Raises:
        ValueError: something is neither a folder nor a regular file, or lies too deep.
        OSError: something cannot be read.
    """
    waiting = [("", 0)]
    while waiting:
        below, depth = waiting.pop()
        with os.scandir(session / below) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                name = f"{below}/{entry.name}" if below else entry.name
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(found.st_mode) and depth < MOST_DEPTH:
                    waiting.append((name, depth + 1))
                elif stat.S_ISREG(found.st_mode):
                    yield name, found.st_size
                else:
                    raise ValueError(name)
