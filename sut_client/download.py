"""Fetching what the director recorded, and proof that it came unchanged."""

import asyncio
import json
from pathlib import Path
from typing import Any

from evidence.digest import file_sha1
from evidence.layout import DOWNLOADS, OUR_PLACE, PTD_OUT, RANGING_SPL, SERVER_JSON
from metrology.errors import PeerError, PeerGoneError
from sut_client.link import Link
from wire.comeback import FETCH
from wire.protocol import partial

BLOCK_S = 120.0
"""Longest silence within a download."""
MOST_TRIES, RETRY_S = 30, 1.0
"""How often a broken transfer of a file is resumed, and the pause before, seconds."""
LARGEST_JSON = 64 << 20


def wanted(phases: tuple[str, ...]) -> tuple[str, ...]:
    """List the files to fetch; without a ranging run there is no ranging/spl.txt."""
    return tuple(name for name in DOWNLOADS if name != RANGING_SPL or "ranging" in phases)


def place(folder: Path, name: str) -> Path:
    """Get where a file of the director lies in the session's folder."""
    return folder / OUR_PLACE.get(name, name)


async def fetch(link: Link, folder: Path, name: str) -> bool:
    """Fetch one file into the session's folder; a transfer that breaks is resumed where the director can do that.

    Returns:
        Whether it was resumed.

    Raises:
        PeerError: as `Lines.receive_file`; or the director could not be had again.
    """
    offset, tries = 0, 0
    while True:
        try:
            if offset or tries:
                await link.reconnect()
            await _receive(link, folder, name, offset)
        except PeerGoneError:
            tries += 1
            if link.given is None or tries > MOST_TRIES:
                raise
            await asyncio.sleep(RETRY_S)
            offset = _got(place(folder, name))
        else:
            return tries > 0


async def _receive(link: Link, folder: Path, name: str, offset: int) -> None:
    if link.given is None:
        await link.lines.send(f"download,{link.session},{name}")
    else:
        await link.lines.send(f"{FETCH}{link.session},{link.given.secret},{name},{offset}")
    await link.lines.receive_file(place(folder, name), BLOCK_S, offset)


def _got(path: Path) -> int:
    """Get how many bytes of a file have come, of which whole blocks alone are in it."""
    return partial(path).stat().st_size if partial(path).exists() else 0


async def fetch_all(link: Link, folder: Path, names: tuple[str, ...]) -> None:
    """Fetch files and check them by their digests; one that was put together from pieces gets a second chance.

    Not every director has a ptd_out.txt: the reference's of v1.1 wrote none and answers `Error` to who asks for it.
    Its server.json, which lists what it wrote, tells.

    Raises:
        PeerError: one could not be had, or came changed; the director still has its copy.
    """
    await _fetch_and_verify(link, folder, tuple(name for name in names if name != PTD_OUT))
    if PTD_OUT in names and PTD_OUT in _digests(folder / SERVER_JSON):
        await _fetch_and_verify(link, folder, (PTD_OUT,))


async def _fetch_and_verify(link: Link, folder: Path, names: tuple[str, ...]) -> None:
    resumed = [name for name in names if await fetch(link, folder, name)]
    try:
        await asyncio.to_thread(verify, folder, names)
    except PeerError:
        if not resumed:
            raise
        for name in resumed:
            await fetch(link, folder, name)
        await asyncio.to_thread(verify, folder, names)


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
