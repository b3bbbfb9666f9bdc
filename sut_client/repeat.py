"""A testing run that failed and is going to be repeated: what it left is set aside, and stays in the evidence."""

import time
from pathlib import Path

from evidence.layout import ATTEMPT, OURS, TESTING
from evidence.state import write_json

SCHEMA = 1


def set_aside(session: Path, attempt: int, reason: str) -> None:
    """Move what a testing run left to `wattrig/attempt_<n>/`, with the reason why it does not count.

    Raises:
        OSError: it cannot be kept.
    """
    kept = session / ATTEMPT.format(number=attempt)
    kept.mkdir()
    for found in (session / TESTING, session / OURS / "workload_testing.log"):
        if found.exists():
            found.rename(kept / found.name)
    write_json(
        kept / "attempt.json", {"schema": SCHEMA, "attempt": attempt, "reason": reason, "t_utc_ns": time.time_ns()}
    )
