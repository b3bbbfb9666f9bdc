"""What our director keeps on the analyzers beside the files of the protocol: what hangs on each, and its samples."""

import asyncio
import json
from pathlib import Path

from evidence.digest import file_sha1
from evidence.layout import ANALYZER_FILE, ANALYZER_FILES
from metrology.errors import PeerError
from sut_client.download import fetch
from sut_client.link import Link

LARGEST_LIST = 1 << 20
MOST_FILES = 1 + 2 * 99 + 99 * (99 + 1)
"""The station, both phases of as many analyzers as two digits can number, and as many failed attempts of these."""


async def fetch_analyzer_files(link: Link, folder: Path) -> None:
    """Fetch the list of these files, each of them, and check them by it.

    Raises:
        PeerError: the director has none, or one came changed.
        PeerGoneError: it could not be had again.
    """
    await fetch(link, folder, ANALYZER_FILES)
    digests = listed(folder / ANALYZER_FILES)
    for name, expected in digests.items():
        await fetch(link, folder, name)
        got = await asyncio.to_thread(file_sha1, folder / name)
        if got != expected:
            raise PeerError(f"'{name}' came with SHA-1 {got}, expected {expected} as {ANALYZER_FILES} says")


def listed(path: Path) -> dict[str, str]:
    """Read the list: the SHA-1 of each file by its path.

    Raises:
        PeerError: it is no such list, or names what is no file of an analyzer.
    """
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(LARGEST_LIST))["sha1"]
        entries = {str(name): str(digest) for name, digest in found.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as problem:
        raise PeerError(f"the {path.name} that the director sent is damaged: {problem!r}") from problem
    strange = [name for name in entries if ANALYZER_FILE.fullmatch(name) is None]
    if strange or len(entries) > MOST_FILES:
        raise PeerError(
            f"the {path.name} that the director sent names {strange[:1] or len(entries)}, no analyzer's file"
        )
    return entries
