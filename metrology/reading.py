"""Readings of one moment and what they are worth.

PTDaemon encodes a reading that is not good in the numbers themselves. The code was recovered from 1,351 such
samples in published sessions, none of which falls outside it:

- power and current -1: the analyzer gave no usable reading (NaN, infinity, 9.91E+37), as during a range change; the
  other two are -1 as well, or, from a WT210 that still measured the voltage, the true voltage and -1;
- all four fields -2: no reading came in this interval, the sample was missed;
- power and current -(x + 3), voltage and power factor true: the current peak went over what the range's crest
  factor allows, and the true (clipped, so at least that large) value is x.
"""

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

BAD_VALUE = -1.0
"""PTDaemon's mark for a reading that could not be used; source: published spl.txt files."""
MISSED_VALUE = -2.0
"""PTDaemon's mark for a missed sample; source: published spl.txt files beside `WARNING: Missed 1 samples`."""
PEAK_OFFSET = 3.0
"""A value x over the peak is written -(x + 3); source: W = V A PF holds for all 632 published samples so decoded."""


class Validity(enum.Enum):
    """What a reading is worth."""

    GOOD = "good"
    BAD = "bad"
    MISSED = "missed"
    PEAK_OVER = "peak over range"


@dataclass(frozen=True, slots=True)
class Reading:
    """One channel, or the sum of all channels, at one moment: true values, never sentinels.

    Fields are in watts, volts (rms), amperes (rms) and as a ratio; NaN where nothing was measured.
    """

    power_w: float
    voltage_v: float
    current_a: float
    power_factor: float
    validity: Validity = Validity.GOOD

    @property
    def usable(self) -> bool:
        """Tell whether the values can be averaged: good ones alone."""
        return self.validity is Validity.GOOD

    def fields(self) -> tuple[float, float, float, float]:
        """Get (power, voltage, current, power factor) as PTDaemon writes them, with its sentinels."""
        if self.validity is Validity.BAD:
            return (BAD_VALUE,) * 4
        if self.validity is Validity.MISSED:
            return (MISSED_VALUE,) * 4
        if self.validity is Validity.PEAK_OVER:
            return (
                -(self.power_w + PEAK_OFFSET),
                self.voltage_v,
                -(self.current_a + PEAK_OFFSET),
                self.power_factor,
            )
        return (self.power_w, self.voltage_v, self.current_a, self.power_factor)


BAD_READING = Reading(math.nan, math.nan, math.nan, math.nan, Validity.BAD)
MISSED_READING = Reading(math.nan, math.nan, math.nan, math.nan, Validity.MISSED)


def decode(power_w: float, voltage_v: float, current_a: float, power_factor: float) -> Reading:
    """Get the reading behind four numbers in PTDaemon's encoding.

    A sum line of PTDaemon 1.9.2 has true watts and -1 for the other three: such a reading is good, its other
    fields NaN. Non-finite numbers are a bad reading.
    """
    values = (power_w, voltage_v, current_a, power_factor)
    if not all(math.isfinite(value) for value in values) or power_w == current_a == BAD_VALUE:
        return BAD_READING
    if values == (MISSED_VALUE,) * 4:
        return MISSED_READING
    if power_w <= -PEAK_OFFSET and current_a <= -PEAK_OFFSET:
        return Reading(-power_w - PEAK_OFFSET, voltage_v, -current_a - PEAK_OFFSET, power_factor, Validity.PEAK_OVER)
    if (voltage_v, current_a, power_factor) == (BAD_VALUE,) * 3:
        return Reading(power_w, math.nan, math.nan, math.nan) if power_w >= 0 else BAD_READING
    return Reading(*values)


def mean_reading(readings: Sequence[Reading]) -> Reading:
    """Combine readings of one channel over spans that are equally long and follow each other.

    Power is averaged; volts and amperes are rms values, so their squares are. A reading without values makes the
    mean bad, one over the peak makes it over the peak.
    """
    if any(reading.validity in (Validity.BAD, Validity.MISSED) for reading in readings):
        return BAD_READING
    count = len(readings)
    power_w = math.fsum(reading.power_w for reading in readings) / count
    voltage_v = math.sqrt(math.fsum(reading.voltage_v**2 for reading in readings) / count)
    current_a = math.sqrt(math.fsum(reading.current_a**2 for reading in readings) / count)
    apparent_va = voltage_v * current_a
    peak_over = any(reading.validity is Validity.PEAK_OVER for reading in readings)
    return Reading(
        power_w,
        voltage_v,
        current_a,
        power_w / apparent_va if apparent_va > 0 else 0.0,
        Validity.PEAK_OVER if peak_over else Validity.GOOD,
    )


@dataclass(frozen=True, slots=True)
class Sample:
    """What an analyzer showed at one moment.

    Attributes:
        t_utc_ns: when the reading came, UTC on the director's clock, nanoseconds since 1970.
        total: the sum of all channels; the only channel of a one-channel analyzer.
        channels: each channel of a multichannel analyzer, in order; empty for one channel.
    """

    t_utc_ns: int
    total: Reading
    channels: tuple[Reading, ...] = ()
