"""Waiting for what a director writes, as long as it takes."""

import asyncio
from pathlib import Path

from evidence.journal import read_journal
from evidence.layout import DIRECTOR_JOURNAL

PATIENCE_S = 20.0


async def sampled(session: Path, phase: str, count: int = 4, analyzer: int = 1) -> None:
    """Wait until so many samples that an analyzer took in a phase are on disk."""
    async with asyncio.timeout(PATIENCE_S):
        while samples(session, phase, analyzer) < count:  # noqa: ASYNC110 - nothing wakes us
            await asyncio.sleep(0.02)


def samples(session: Path, phase: str, analyzer: int) -> int:
    taken = (record for record in read_journal(session / DIRECTOR_JOURNAL).records if record["kind"] == "sample")
    return sum((record["phase"], record["analyzer"]) == (phase, analyzer) for record in taken)
