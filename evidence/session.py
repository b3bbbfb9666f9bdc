"""Where a session lies, and which files are there.

A session is a folder with `power/`, `ranging/` or `run_1/` in it: the folder that client or director leave, or the
`performance/` folder of a submission.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from evidence.layout import OURS, POWER, RANGING, TESTING

PARTS = (POWER, RANGING, TESTING)
MOST_FILES = 10_000
"""Files listed of one session; a submission has eleven to fifteen."""
MOST_DEPTH = 8


class SessionFolder(NamedTuple):
    """A session on disk.

    Attributes:
        root: the folder that holds the parts.
        within: the folder that links must not lead out of.
        files: what lies in the parts, as paths below the root; `wattrig/` is not listed.
        links: those of them that are symbolic links.
    """

    root: Path
    within: Path
    files: tuple[str, ...]
    links: tuple[str, ...]

    @property
    def scenario_name(self) -> str:
        """The name of the scenario that the folders of a submission give: `.../<scenario>/performance`; else ""."""
        return self.root.parent.name if self.root.name == "performance" else ""


def find_session(path: Path, within: Path | None = None) -> SessionFolder | None:
    """Get the session at `path`: the folder itself or its `performance/` folder; None where neither is one.

    Args:
        path: a folder.
        within: the folder that links must not lead out of; the session itself where not given.
    """
    for root in (path, path / "performance"):
        if any(os.path.isdir(root / part) for part in PARTS):  # noqa: PTH112 - Path.is_dir raises for long names
            found = list(_walk(root))
            return SessionFolder(
                root.absolute(),
                Path(os.path.realpath(within or root)),
                tuple(name for name, _ in found),
                tuple(name for name, is_link in found if is_link),
            )
    return None


def _walk(root: Path) -> Iterator[tuple[str, bool]]:
    """List the files of a session as (path below the root, whether it is a link), sorted, at most `MOST_FILES`."""
    waiting = [entry for entry in _inner(root, "") if entry[0] != OURS]
    count = 0
    while waiting and count < MOST_FILES:
        name, entry = waiting.pop()
        if entry.is_dir(follow_symlinks=False) and name.count("/") < MOST_DEPTH - 1:
            waiting += _inner(root, f"{name}/")
        else:
            count += 1
            yield name, entry.is_symlink()


def _inner(root: Path, below: str) -> list[tuple[str, "os.DirEntry[str]"]]:
    """List what lies in a folder with its path below the root, the last one first."""
    try:
        with os.scandir(f"{root}/{below}") as entries:
            return sorted(((below + entry.name, entry) for entry in entries), reverse=True, key=lambda pair: pair[0])
    except OSError:
        return []
