"""Where the power results of a tree lie, and what the names of the folders say of them.

    <root>/<division>/<submitter>/results/<system>/<benchmark>/<scenario>/performance/{power,ranging,run_1}

is the layout of every round, v1.0 to v6.1. Several rounds may lie below one root, and our own session folders
anywhere. The walk follows no link and is bounded in depth and number.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

from evidence.layout import OURS, POWER, RANGING, TESTING
from evidence.session import PARTS, find_session

DIVISIONS = ("closed", "open", "network")
MOST_DEPTH = 32
MOST_FOLDERS = 2_000_000
"""Folders looked into; the largest published repository has about 60,000."""
_COMPLIANCE_RUN = re.compile(r"TEST\d\d")


class Place(NamedTuple):
    """Where a result stands in a submission.

    Attributes:
        root: the folder that holds the divisions.
        division, submitter, system, benchmark, scenario: names of the folders below it.
    """

    root: Path
    division: str
    submitter: str
    system: str
    benchmark: str
    scenario: str

    @property
    def submission(self) -> Path:
        """The submitter's folder."""
        return self.root / self.division / self.submitter

    @property
    def parts(self) -> tuple[str, str, str]:
        """System, benchmark and scenario."""
        return self.system, self.benchmark, self.scenario

    def __str__(self) -> str:
        return "/".join((self.division, self.submitter, "results", *self.parts))


class Found(NamedTuple):
    """A power result found.

    Attributes:
        shown: what to call it.
        path: its folder, which holds power/, ranging/ and run_1/.
        within: the folder that was searched, which links must not lead out of.
    """

    shown: str
    path: Path
    within: Path


class Walk(NamedTuple):
    """What a search found: the results in the order of their paths, and notes on what was passed over."""

    found: tuple[Found, ...]
    notes: tuple[str, ...] = ()


def place_of(path: Path) -> Place | None:
    """Tell where a `performance/` folder stands in a submission; None where its path is no submission's."""
    parents = path.absolute().parents
    if path.name != "performance" or len(parents) < 7 or parents[3].name != "results":
        return None
    scenario, benchmark, system, _, submitter, division = (parent.name for parent in parents[:6])
    if division not in DIVISIONS:
        return None
    return Place(parents[6], division, submitter, system, benchmark, scenario)


def find_results(root: Path, shown: str) -> Walk:
    """Find every power result at or below a folder.

    Args:
        root: the folder.
        shown: what to call it; each result is called so with its path below it.
    """
    single = find_session(root)
    if single is not None:
        return Walk((Found(shown, single.root, root),))
    walker = _Walker(root, shown)
    walker.walk()
    return Walk(tuple(sorted(walker.found)), tuple(walker.notes()))


class _Walker:
    """Walks a tree, depth first."""

    def __init__(self, root: Path, shown: str) -> None:
        self.root = root
        self.shown = shown.rstrip("/")
        self.found: list[Found] = []
        self.links: list[str] = []
        self.closed: list[str] = []
        self.deep: list[str] = []
        self.folders = 0

    def walk(self) -> None:
        waiting = [("", 0)]
        while waiting and self.folders < MOST_FOLDERS:
            below, depth = waiting.pop()
            self.folders += 1
            inner, links = self._folders(below)
            if _is_result(Path(below).name, {*inner, *links}):
                self.found.append(Found(f"{self.shown}/{below}", self.root / below, self.root))
                continue
            self.links += [_join(below, name) for name in links]
            if depth >= MOST_DEPTH:
                self.deep += [below] if inner else []
                continue
            waiting += [(_join(below, name), depth + 1) for name in _worth_walking(below, inner)]

    def _folders(self, below: str) -> tuple[list[str], list[str]]:
        """List folders, and links to folders, in one folder."""
        inner, links = [], []
        try:
            with os.scandir(self.root / below) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        inner.append(entry.name)
                    elif entry.is_symlink() and _leads_to_folder(entry):
                        links.append(entry.name)
        except OSError as problem:
            self.closed.append(f"{below or '.'} ({problem.strerror})")
        return inner, links

    def notes(self) -> list[str]:
        """Say what was passed over."""
        said = [
            f"{len(names)} {what}, the first is {names[0]!r}"
            for names, what in (
                (self.links, "links to folders were not followed"),
                (self.closed, "folders could not be read"),
                (self.deep, f"folders lie deeper than {MOST_DEPTH} levels and were not looked into"),
            )
            if names
        ]
        if self.folders >= MOST_FOLDERS:
            said.append(f"only the first {MOST_FOLDERS} folders were looked into")
        return said


def _leads_to_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _join(below: str, name: str) -> str:
    return f"{below}/{name}" if below else name


def _is_result(name: str, inner: set[str]) -> bool:
    """Tell whether a folder holds a power result, whole or what is left of one."""
    if name == "performance":
        return POWER in inner or RANGING in inner
    if OURS in inner and inner & set(PARTS):
        return True
    return POWER in inner and bool(inner & {RANGING, TESTING})


def _worth_walking(below: str, inner: list[str]) -> list[str]:
    """Leave out what holds no results: hidden folders, compliance runs, and what stands beside `results`."""
    parent = Path(below).parent.name
    if "results" in inner and parent in DIVISIONS:
        return ["results"]
    return [name for name in inner if not name.startswith(".") and not _COMPLIANCE_RUN.fullmatch(name)]
