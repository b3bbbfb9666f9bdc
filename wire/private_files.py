"""Files that their owner alone can read, and how private a file is."""

import os
from pathlib import Path

from metrology.errors import ConfigError


def mode_of(path: Path) -> int | None:
    """Get the mode of a file or folder; None where there is none.

    Raises:
        ConfigError: it cannot be told.
    """
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as problem:
        raise ConfigError(f"'{path}' cannot be read: {problem.strerror}", "give yourself the right to") from problem


def write_private(path: Path, text: str) -> None:
    """Write a file, in folders, that its owner alone can read; whole or not at all."""
    make_private(path.parent)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk: a revocation must outlast the loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner alone."""
    for place in (*reversed(folder.parents), folder):
        if not place.exists():
            place.mkdir(mode=0o700, exist_ok=True)
