"""What the client measured of the clocks, told to the director's operator; an extension, agreed on by hello.

    > wattrig,clock,<offset_ms>,<uncertainty_ms>      < OK     director's clock minus the client's

The director shows it and goes by nothing of it: the record is the client's.
"""

import re
from collections.abc import Sequence

_OFFSET = re.compile(r"-?\d{1,15}\.\d{6}", re.ASCII)


def clock_line(offset_ms: float, uncertainty_ms: float) -> str:
    """Write the command."""
    return f"wattrig,clock,{offset_ms:.6f},{uncertainty_ms:.6f}"


def read_clock(words: Sequence[str]) -> tuple[float, float] | None:
    """Read (offset, uncertainty) in ms from what follows `wattrig,clock`; None where it is no such pair."""
    if len(words) != 2 or not all(map(_OFFSET.fullmatch, words)):
        return None
    offset_ms, uncertainty_ms = map(float, words)
    return (offset_ms, uncertainty_ms) if uncertainty_ms >= 0 else None
