"""Sessions that are kept, with their verdicts.

Judging is left to processes of their own, of low priority, and never happens while a session is measured.
"""

import asyncio
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from console.live.aside import run_aside
from console.live.model import PastSession, Sessions
from console.live.verdicts import LONGEST_FINDING, NOT_JUDGED, Verdict, verdicts_of
from console.plain import plain
from evidence.layout import CLIENT_JSON
from evidence.state import State, read_state
from metrology.errors import EvidenceError
from wire.protocol import SESSION_NAME

SHOWN = 100
AT_ONCE = 10
MOST_REPORTS = 4


class Place(NamedTuple):
    """Where a session lies, and as of when: its state's time, and whether the client's half is there."""

    folder: Path
    t_utc_ns: int
    whole: bool


class Past:
    """The sessions of some folders.

    Args:
        roots: folders of sessions; of a session in several, the first with the client's half counts.
        is_measuring: tells whether nothing may be disturbed now.

    Attributes:
        version: changes when the list does.
    """

    def __init__(self, roots: Sequence[Path], is_measuring: Callable[[], bool]) -> None:
        self.version = 0
        self._roots = tuple(roots)
        self._is_measuring = is_measuring
        self._verdicts: dict[Place, Verdict] = {}
        self._reports: OrderedDict[Place, bytes] = OrderedDict()
        self._seen: list[Place] = []
        self._reporting = asyncio.Lock()

    def names(self) -> list[str]:
        """Get the names of all sessions, the newest first."""
        found = {name for root in self._roots for name in _names(root)}
        return sorted(found, reverse=True)

    def sessions(self) -> Sessions:
        """Get the newest sessions."""
        names = self.names()
        return Sessions(sessions=[self.session(name) for name in names[:SHOWN]], total=len(names))

    def session(self, name: str) -> PastSession:
        """Get one session; it is one of `names`."""
        folder = self._folder(name)
        state = _state(folder)
        place = _place(folder, state)
        verdict = self._verdicts.get(place, Verdict())
        if verdict.strict and not place.whole:
            verdict = verdict.of_half()
        outcome = "open" if state is None else state.state if state.state in ("complete", "aborted") else "unknown"
        return PastSession(
            id=name,
            outcome=outcome,
            reason=plain(state.reason)[:LONGEST_FINDING] if state else "",
            ended_t_utc_ms=max(state.t_utc_ns // 1_000_000, 0) if state else None,
            strict=verdict.strict,
            reference=verdict.reference,
            round=verdict.round,
            mean_w=verdict.mean_w,
            energy_j=verdict.energy_j,
            findings=list(verdict.findings),
            whole=place.whole,
        )

    def has(self, name: str) -> bool:
        """Tell whether there is a session of that name."""
        return SESSION_NAME.fullmatch(name) is not None and any((root / name).is_dir() for root in self._roots)

    def _folder(self, name: str) -> Path:
        folders = [root / name for root in self._roots if (root / name).is_dir()]
        whole = [folder for folder in folders if (folder / CLIENT_JSON).is_file()]
        return next(iter(whole or folders), self._roots[0] / name)

    def unjudged(self) -> list[Place]:
        """Get the newest sessions that are complete and have no verdict yet."""
        places = []
        for name in self.names()[:SHOWN]:
            folder = self._folder(name)
            if (state := _state(folder)) is not None:
                places.append((state.state, _place(folder, state)))
        seen = [place for _, place in places]
        if seen != self._seen:
            self._seen = seen
            self.version += 1
        return [place for state, place in places if state == "complete" and place not in self._verdicts]

    @property
    def is_pending(self) -> bool:
        """Tell whether the newest session still waits for its verdict."""
        newest = self.names()[:1]
        return bool(newest) and self.session(newest[0]).outcome == "complete" and not self.session(newest[0]).strict

    async def judge(self) -> None:
        """Judge what has no verdict yet; given up as soon as a session is measured."""
        waiting = [] if self._is_measuring() else self.unjudged()[:AT_ONCE]
        if not waiting:
            return
        folders = [place.folder for place in waiting]
        command = ["check", "--format", "jsonl", "--jobs", "1", *map(str, folders)]
        answer = await run_aside(*command, must_end=self._is_measuring)
        if answer is None:
            return
        found = verdicts_of(answer)
        self._verdicts |= {place: found.get(str(place.folder), NOT_JUDGED) for place in waiting}
        self.version += 1

    async def report(self, name: str) -> bytes | None:
        """Write the report of a session; None where that cannot be done now."""
        async with self._reporting:
            return await self._report(self._folder(name))

    async def _report(self, folder: Path) -> bytes | None:
        place = _place(folder, _state(folder))
        if place not in self._reports and not self._is_measuring():
            with tempfile.TemporaryDirectory(prefix="wattrig-") as scratch:
                target = Path(scratch) / "report.html"
                command = ["report", str(folder), "-o", str(target)]
                if await run_aside(*command, must_end=self._is_measuring) is None or not target.is_file():
                    return None
                self._reports[place] = target.read_bytes()
            while len(self._reports) > MOST_REPORTS:
                self._reports.popitem(last=False)
        return self._reports.get(place)


def _names(root: Path) -> list[str]:
    try:
        return [each.name for each in root.iterdir() if SESSION_NAME.fullmatch(each.name) and each.is_dir()]
    except OSError:
        return []


def _state(folder: Path) -> State | None:
    try:
        return read_state(folder)
    except EvidenceError:
        return None


def _place(folder: Path, state: State | None) -> Place:
    return Place(folder, state.t_utc_ns if state else 0, (folder / CLIENT_JSON).is_file())
