"""Warnings in words, the same one told once with how often it came."""

import re
from collections import OrderedDict
from typing import Literal

from console.live.model import Notice
from console.plain import plain

MOST = 100
_LINE = re.compile(r"\S{1,40} \d{4}-\d\d-\d\d [\d:,]{8,12} \[(WARNING|ERROR)\] (.*)", re.DOTALL)

Level = Literal["warning", "error"]


class Notices:
    """The latest warnings."""

    def __init__(self) -> None:
        self._found: OrderedDict[str, Notice] = OrderedDict()
        self._last_id = 0

    def add(self, key: str, level: Level, text: str, t_utc_ms: int) -> None:
        """Take note of a warning; one with the same key takes its place and is counted."""
        before = self._found.pop(key, None)
        self._last_id += before is None
        self._found[key] = Notice(
            id=before.id if before else self._last_id,
            t_utc_ms=t_utc_ms,
            first_t_utc_ms=before.first_t_utc_ms if before else t_utc_ms,
            level=level,
            count=before.count + 1 if before else 1,
            text=plain(text),
        )
        if len(self._found) > MOST:
            self._found.popitem(last=False)

    def add_line(self, line: str, t_utc_ms: int) -> None:
        """Take note of a line of the director's log where it is a warning or an error."""
        if match := _LINE.fullmatch(line):
            self.add(match[2], "error" if match[1] == "ERROR" else "warning", match[2], t_utc_ms)

    def latest(self) -> list[Notice]:
        """Get the warnings, the newest first; one that came again keeps its place."""
        return sorted(self._found.values(), key=lambda each: -each.id)
