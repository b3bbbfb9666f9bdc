"""Faults on request: which, from when, for how long.

Their time is in seconds since a program first spoke to the instrument, so that it does not matter how long everything
takes to start.
"""

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from metrology.errors import ConfigError

SHOWN = {"nan": "NAN", "inf": "INF", "9.91e37": "9.91E+37"}
"""Faults of the values: every measured one is read so."""
KINDS = (*SHOWN, "unit", "garbage", "half", "slow", "mute", "reset", "unplug")
WRONG_UNIT = 1000.0
"""While the unit is wrong, ranges are told in thousandths: 500 for 0.5 A."""
LATE_S = 3.0
"""How late answers leave while the instrument is slow."""
_FAULT = re.compile(
    rf"({'|'.join(map(re.escape, KINDS))})@(\d{{1,6}}(?:\.\d{{1,6}})?)(?:\+(\d{{1,6}}(?:\.\d{{1,6}})?))?"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its kind, one of `KINDS`, and when it begins and ends, seconds since the instrument's first use."""

    kind: str
    from_s: float
    until_s: float = math.inf


def parse_fault(text: str) -> Fault:
    """Read `KIND@SECONDS` or `KIND@SECONDS+DURATION`.

    Raises:
        ConfigError: it is something else.
    """
    match = _FAULT.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"got --fault {text[:40]!r}, expected KIND@SECONDS or KIND@SECONDS+DURATION",
            f"take one of {', '.join(KINDS)}, as in 'nan@10+2' or 'unplug@30'",
        )
    from_s = float(match[2])
    return Fault(match[1], from_s, from_s + float(match[3] or math.inf))


class Faults:
    """All faults of a run; until the first use their time is minus infinity."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._faults = tuple(faults)

    def active(self, kind: str, now_s: float) -> bool:
        """Tell whether such a fault is on."""
        return any(fault.kind == kind and fault.from_s <= now_s < fault.until_s for fault in self._faults)

    def begun(self, kind: str, now_s: float) -> int:
        """Count the faults of a kind that have begun."""
        return sum(fault.kind == kind and fault.from_s <= now_s for fault in self._faults)

    def next_s(self, now_s: float) -> float:
        """Get when the next one begins or ends; infinity for never."""
        edges = (edge_s for fault in self._faults for edge_s in (fault.from_s, fault.until_s))
        return min((edge_s for edge_s in edges if edge_s > now_s), default=math.inf)

    def shown(self, now_s: float) -> str | None:
        """Get what stands for every measured value; None for the truth."""
        return next((text for kind, text in SHOWN.items() if self.active(kind, now_s)), None)

    def spoil(self, answer: bytes, line_end: bytes, now_s: float) -> tuple[bytes, float]:
        """Get what leaves instead of an answer, and how late, seconds."""
        late_s = LATE_S if self.active("slow", now_s) else 0.0
        if self.active("half", now_s):
            return answer[: len(answer) // 2], late_s
        if self.active("garbage", now_s):
            answer = os.urandom(len(answer))
        return answer + line_end, late_s
