"""What is known of an analyzer, or of all together: the latest reading, the curve, and samples counted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from console.live.model import Counts
from console.live.pyramid import Pyramid
from evidence.ptd_output import Told
from metrology.reading import Reading, Sample, Validity
from metrology.uncertainty import LIMIT


@dataclass(slots=True)
class Tally:
    """Samples counted."""

    samples: int = 0
    bad: int = 0
    missed: int = 0
    above_limit: int = 0

    def add(self, reading: Reading, uncertainty: float | None) -> None:
        """Count a sample."""
        self.samples += 1
        self.missed += reading.validity is Validity.MISSED
        self.bad += reading.validity in (Validity.BAD, Validity.PEAK_OVER)
        self.above_limit += uncertainty is not None and uncertainty > LIMIT

    def record(self) -> Counts:
        """Get it as a record."""
        return Counts(samples=self.samples, bad=self.bad, missed=self.missed, above_limit=self.above_limit)


@dataclass(slots=True)
class Meter:
    """What is known of an analyzer, or of all together.

    Attributes:
        ever: samples since the director was started.
        fresh: a sample came since the last sum.
    """

    pyramid: Pyramid
    counts: Tally = field(default_factory=Tally)
    ever: Tally = field(default_factory=Tally)
    told: Told | None = None
    latest: Sample | None = None
    uncertainty: float | None = None
    fresh: bool = False


def headroom(values: Sequence[float], full_scale: float | None) -> float | None:
    """Get the part of a range that the largest value leaves; None where either is unknown."""
    known = [value for value in values if math.isfinite(value)]
    return 1 - max(known) / full_scale if full_scale and known else None


def sum_of(samples: Sequence[Sample]) -> Reading:
    """Add analyzers up: watts, and amperes of all channels, summed, volts averaged; not good where one is not.

    The sum that a multichannel analyzer tells has the mean of its channels' currents, so the channels are taken.
    """
    totals = [sample.total for sample in samples]
    if len(totals) == 1:
        return totals[0]
    channels = [channel for sample in samples for channel in sample.channels or (sample.total,)]
    worst = next((reading.validity for reading in totals if not reading.usable), Validity.GOOD)
    power_w = math.fsum(reading.power_w for reading in totals)
    current_a = math.fsum(reading.current_a for reading in channels)
    apparent_va = math.fsum(reading.voltage_v * reading.current_a for reading in channels)
    voltage_v = math.fsum(reading.voltage_v for reading in channels) / len(channels)
    factor = power_w / apparent_va if apparent_va > 0 else math.nan
    return Reading(power_w, voltage_v, current_a, factor, worst)
