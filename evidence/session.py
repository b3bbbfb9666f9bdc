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
    waiting = [(part, 1) for part in sorted(_names(root), reverse=True) if part != OURS]
    count = 0
    while waiting and count < MOST_FILES:
        name, depth = waiting.pop()
        path = root / name
        if not path.is_symlink() and path.is_dir() and depth < MOST_DEPTH:
            waiting += [(f"{name}/{inner}", depth + 1) for inner in sorted(_names(path), reverse=True)]
        else:
            count += 1
            yield name, path.is_symlink()


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - Path.iterdir makes a path of each name, which costs more
    except OSError:
        return []
