"""Uncertainty of a power reading from the accuracy of the analyzer.

The model is `u = a + b R/S + c tan(phi) + d V^2 + e I^2` as a fraction of the reading, with R the product of the
voltage and the current range in VA, S the apparent power V I in VA (or the active power P, `per_active`), and
tan(phi) = sqrt(1 - PF^2)/PF. It is PTDaemon's own model, recovered from published logs: for the WT310E the printed
percentages of 162,558 of 162,558 warnings follow from it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from metrology.reading import Reading, Validity

LIMIT = 0.01
"""Largest uncertainty accepted, as a fraction: SPEC and MLPerf ask for 1 % at most (check.py, PTDaemon warnings)."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Accuracy terms of an analyzer.

    Attributes:
        reading: a, part of the reading.
        range: b, part of the range; doubled at crest factor 6.
        phase: c, influence of the power factor, part of the reactive power.
        self_heating_voltage: d, per square volt.
        self_heating_current: e, per square ampere.
        per_active: relate the range term to active power P instead of apparent power S.
        upper_reading: takes the place of a and b from half of the range on; None where they hold everywhere. Hioki's
            data sheets are written so.
    """

    reading: float
    range: float
    phase: float
    self_heating_voltage: float = 0.0
    self_heating_current: float = 0.0
    per_active: bool = False
    upper_reading: float | None = None


def power_uncertainty(
    accuracy: Accuracy, reading: Reading, range_va: float | None, crest_factor: int = 3
) -> float | None:
    """Get the uncertainty of a power reading as a fraction of it; None where it cannot be known.

    Args:
        accuracy: the terms of the analyzer.
        reading: the reading; only a good one has a known uncertainty.
        range_va: voltage range times current range in VA; None while a range is automatic or unknown.
        crest_factor: 3, or 6 which doubles the range term (data sheets of the WT300 family).
    """
    if range_va is None or reading.validity is not Validity.GOOD or reading.power_w <= 0:
        return None
    apparent_va = reading.voltage_v * reading.current_a
    base = reading.power_w if accuracy.per_active else apparent_va
    cosine = min(1.0, abs(reading.power_factor))
    if not base > 0 or not cosine > 0:
        return None
    range_term = accuracy.range * (2 if crest_factor == 6 else 1)
    if accuracy.upper_reading is not None and base >= range_va / 2:
        basic = accuracy.upper_reading
    else:
        basic = accuracy.reading + range_term * range_va / base
    return (
        basic
        + accuracy.phase * math.sqrt(1 - cosine * cosine) / cosine
        + accuracy.self_heating_voltage * reading.voltage_v**2
        + accuracy.self_heating_current * reading.current_a**2
    )


def sum_uncertainty(parts: Sequence[tuple[float | None, float]]) -> float | None:
    """Get the uncertainty of a sum of channels, as PTDaemon does: weighted by power, linear, not root-sum-square.

    Args:
        parts: (uncertainty as a fraction, power in watts) of each channel.
    """
    total_w = sum(power_w for _, power_w in parts)
    if not total_w > 0:
        return None
    weighted = 0.0
    for uncertainty, power_w in parts:
        if uncertainty is None:
            if power_w == 0:
                continue
            return None
        weighted += uncertainty * power_w
    return weighted / total_w


def combined_uncertainty(parts: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """Get the uncertainty of the sum of several meters as fractions of it: at worst, and if errors are independent.

    At worst all meters err by their whole limit and to the same side: the parts add up, U = sum of u P. That holds
    whatever they share: a calibration, a reference, a room. Where they share nothing their errors are independent,
    and the squares add up, U^2 = sum of (u P)^2; source: JCGM 100:2008 (GUM), 5.1.2 and 5.2.2. None where the power
    is nothing, or a part is no number.

    Args:
        parts: (uncertainty as a fraction, mean power in watts) of each meter.
    """
    total_w = math.fsum(power_w for _, power_w in parts)
    limits_w = [uncertainty * power_w for uncertainty, power_w in parts]
    if not total_w > 0 or not all(math.isfinite(limit_w) for limit_w in limits_w):
        return None
    return math.fsum(limits_w) / total_w, math.hypot(*limits_w) / total_w


@dataclass(slots=True)
class UncertaintyTally:
    """Counts of uncertainties over a run, as the reply to `Uncertainty` gives them."""

    minimum: float = 1e7
    maximum: float = 0.0
    above: int = 0
    within: int = 0
    unknown: int = 0
    _sum: float = field(default=0.0, repr=False)

    def add(self, uncertainty: float | None) -> None:
        """Count one sample's uncertainty (fraction, None if unknown)."""
        if uncertainty is None:
            self.unknown += 1
            return
        if uncertainty > LIMIT:
            self.above += 1
        else:
            self.within += 1
        self._sum += uncertainty
        self.minimum = min(self.minimum, uncertainty)
        self.maximum = max(self.maximum, uncertainty)

    @property
    def mean(self) -> float | None:
        """Mean of the known uncertainties as a fraction; None if none is known."""
        known = self.above + self.within
        return self._sum / known if known else None

    @property
    def total(self) -> int:
        """Number of samples counted."""
        return self.above + self.within + self.unknown
