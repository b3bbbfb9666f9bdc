"""What the ranges of a measurement leave: room for more current, for its peaks, and how sure the power will be."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from metrology.uncertainty import LIMIT

PULSE_CREST = 4 * math.sqrt(2) / math.pi
"""Crest factor times power factor of a current in pulses, as supplies without power factor correction draw it.

For half sines of width d (a part of the half period) about the peak of the voltage: rms is I sqrt(d / 2), power is
sqrt(2) V I 2 d / pi while d is small, so that the power factor is 4 sqrt(d) / pi and the crest factor sqrt(2 / d)."""
SMALL_SHARE = 0.1
"""Below this part of a range, a range term of 0.1 % of it is 1 % of the reading by itself."""


@dataclass(frozen=True, slots=True)
class Headroom:
    """Ranges against what the ranging run showed of the load.

    Attributes:
        voltage_range_v, current_range_a: full scales, rms.
        voltage_v, current_a: largest of the ranging run, rms.
        power_w: mean power.
        power_factor: mean power factor.
        uncertainty: expected in these ranges, as a fraction; None where the analyzer's terms are not known.
        crest_factor: what the analyzer allows of its ranges, 3 or 6.
    """

    voltage_range_v: float
    current_range_a: float
    voltage_v: float
    current_a: float
    power_w: float
    power_factor: float
    uncertainty: float | None = None
    crest_factor: int = 3

    @property
    def current_left(self) -> float:
        """Get the part of the current range that the largest current left free."""
        return 1 - self.current_a / self.current_range_a

    @property
    def crest_room(self) -> float:
        """Get how many times its rms value the largest current may peak at and still be measured whole."""
        return self.crest_factor * self.current_range_a / self.current_a

    @property
    def likely_crest(self) -> float:
        """Get the crest factor of the current if all that lowers its power factor is that it comes in pulses."""
        return PULSE_CREST / self.power_factor if self.power_factor > 0 else math.inf


def told(found: Headroom) -> str:
    """Say it in a line."""
    sure = f"uncertainty about {found.uncertainty:.2%}" if found.uncertainty is not None else "uncertainty unknown"
    return (
        f"ranges {found.voltage_range_v:g} V and {found.current_range_a:g} A for up to {found.voltage_v:.1f} V and "
        f"{found.current_a:.4g} A: {found.current_left:.0%} of the current range is left, which holds peaks up to "
        f"{found.crest_room:.1f} times that; {sure}"
    )


def advice(found: Headroom) -> Iterator[str]:
    """Say what goes wrong or may, and what can be done; nothing where all is well."""
    if found.uncertainty is not None and found.uncertainty > LIMIT:
        yield f"the uncertainty, about {found.uncertainty:.2%}, is above the limit of {LIMIT:.0%}: {_why(found)}"
    if found.crest_room < found.likely_crest:
        larger_a = found.current_a * found.likely_crest / found.crest_factor
        yield (
            f"at a power factor of {found.power_factor:.2f} the current may peak at {found.likely_crest:.1f} times "
            f"its rms value, and the range holds {found.crest_room:.1f}: peaks cut off make the power too low; set "
            f"the analyzer to crest factor 6, fix a range of {larger_a:.2g} A or more where the round lets you "
            f"(wattrig client -A {larger_a:.2g} -V {found.voltage_v:.0f}), or take a supply with power factor "
            "correction"
        )


def _why(found: Headroom) -> str:
    share = found.current_a / found.current_range_a
    if share < SMALL_SHARE:
        return (
            f"the load uses {share:.1%} of the current range, the smallest that fits; take an analyzer with smaller "
            "ranges, or measure several machines together"
        )
    return (
        f"{found.power_w:.4g} W at a power factor of {found.power_factor:.2f} is little for these ranges; load the "
        "machine more, or take a supply with power factor correction"
    )
