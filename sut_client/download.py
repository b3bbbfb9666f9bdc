"""Fetching what the director recorded, and proof that it came unchanged."""

import json
from pathlib import Path
from typing import Any

from evidence.digest import file_sha1
from evidence.layout import DOWNLOADS, OURS, PTD_OUT, RANGING_SPL, SERVER_JSON
from metrology.errors import PeerError
from wire.protocol import Lines

BLOCK_S = 120.0
"""Longest silence within a download."""
LARGEST_JSON = 64 << 20
OUR_PLACE = {PTD_OUT: f"{OURS}/ptd_out.txt"}
"""Files that no submission holds, and where we keep them."""


def wanted(phases: tuple[str, ...]) -> tuple[str, ...]:
    """List the files to fetch; without a ranging run there is no ranging/spl.txt."""
    return tuple(name for name in DOWNLOADS if name != RANGING_SPL or "ranging" in phases)


def place(folder: Path, name: str) -> Path:
    """Get where a file of the director lies in the session's folder."""
    return folder / OUR_PLACE.get(name, name)


async def fetch(lines: Lines, session: str, folder: Path, name: str) -> None:
    """Fetch one file into the session's folder; errors as `Lines.receive_file`."""
    await lines.send(f"download,{session},{name}")
    await lines.receive_file(place(folder, name), BLOCK_S)


def verify(folder: Path, names: tuple[str, ...]) -> None:
    """Check every file against the digests that the director recorded in server.json.

    Raises:
        PeerError: a digest is missing or differs; the director still has its copy.
    """
    digests = _digests(folder / SERVER_JSON)
    for name in names:
        if name == SERVER_JSON:
            continue
        got, expected = file_sha1(place(folder, name)), digests.get(name)
        if got != expected:
            raise PeerError(
                f"'{name}' came with SHA-1 {got}, expected {expected} as server.json says",
                "the director keeps its copy in its store: compare, and copy the file from there",
            )


def _digests(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            record = json.loads(file.read(LARGEST_JSON))
        digests = record["results"]
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise PeerError(f"the server.json that the director sent is damaged: {problem!r}") from problem
    if not isinstance(digests, dict):
        raise PeerError("the server.json that the director sent is damaged: 'results' is no table")
    return digests
