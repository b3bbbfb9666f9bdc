"""Testing runs that failed and were repeated: why each of them does not count, as the client recorded it."""

import os
from pathlib import Path

from evidence.bounded_json import parse_object
from evidence.layout import ATTEMPT
from evidence.source import read_bytes

LARGEST_FILE = 1 << 20
MOST_ATTEMPTS = 99
LONGEST_REASON = 500


def read_attempts(session: Path) -> tuple[str, ...]:
    """Read why each attempt failed, the first one first; a record that cannot be read is told as such."""
    folders = (session / ATTEMPT.format(number=number) for number in range(1, MOST_ATTEMPTS + 1))
    reasons: list[str] = []
    for folder in folders:
        if not folder.is_dir():
            break
        reasons.append(_reason(folder / "attempt.json", session))
    return tuple(reasons)


def _reason(path: Path, session: Path) -> str:
    content, file = read_bytes(path, path.name, LARGEST_FILE, Path(os.path.realpath(session)))
    found, _, problem = parse_object(content)
    reason = found.get("reason")
    if problem or not isinstance(reason, str):
        return f"of a reason that cannot be read ({file.reason or problem or 'it is not there'})"
    return " ".join("".join(c if c.isprintable() else " " for c in reason).split())[:LONGEST_REASON]
