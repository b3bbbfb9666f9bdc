"""What one element of a simulated meter measures: ranges, updates, automatic ranges, integration.

Time comes in as an argument, in seconds since the start; nothing here waits. Each update shows the true mean of the
load over the whole update period, on a mains supply of fixed voltage, power factor and waveform.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from analyzers.simulated import status as bits
from analyzers.simulated.integration import Integration
from analyzers.simulated.load import Load
from analyzers.simulated.numbers import NO_DATA, OVER_RANGE
from analyzers.simulated.status import Status

VOLTAGE_RANGES_V = (15.0, 30.0, 60.0, 150.0, 300.0, 600.0)
CURRENT_RANGES_A = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Full scales of the WT310E at crest factor 3; half of them at 6 (data sheet and yoko-tool)."""
FIRST_RATE_MS = 250
RMS_UP, RMS_UP_6A = 1.3, 2.6
"""An automatic range goes up when the rms value is over this share of it (GPM-8310's copy of the rule)."""
RMS_DOWN = 0.3
"""An automatic range goes down when the rms value is under this share of it; from memory of the manual."""
RMS_SHOWN, RMS_SHOWN_6A = 1.4, 2.8
"""Above this share of the range the value is over range; from memory of the manual."""

WIDE = ("6A", "A6")
"""Crest factor 6 with wider automatic ranges, as the WT310E and the WT1800E call it."""


@dataclass(frozen=True, slots=True)
class Mains:
    """The supply between analyzer and load.

    Attributes:
        voltage_v: rms voltage, sinusoidal.
        power_factor: of the load, 0 (excluded) to 1.
        crest: peak over rms of the load's current.
        frequency_hz: mains frequency.
    """

    voltage_v: float = 230.0
    power_factor: float = 0.95
    crest: float = 1.6
    frequency_hz: float = 50.0


@dataclass(slots=True)
class Channel:
    """The range of one quantity: an index into the full scales, and whether the instrument chooses it."""

    ranges: tuple[float, ...]
    index: int
    auto: bool = True

    def choose(self, rms: float, peak: float, scale: float, up: float, peak_up: float) -> int:
        """Get the index that an automatic range goes to next; `scale` is 0.5 at crest factor 6.

        Up by one, since a value over range is not known; down at once to the range that fits.
        """
        here = self.ranges[self.index] * scale
        if rms > up * here or peak > peak_up * here:
            return min(self.index + 1, len(self.ranges) - 1)
        index = self.index
        while (
            index and rms < RMS_DOWN * self.ranges[index] * scale and peak < peak_up * self.ranges[index - 1] * scale
        ):
            index -= 1
        return index


@dataclass(frozen=True, slots=True)
class Values:
    """What the display shows; NaN is no data, infinity is over range."""

    voltage_v: float = NO_DATA
    current_a: float = NO_DATA
    power_w: float = NO_DATA
    power_factor: float = NO_DATA
    frequency_hz: float = NO_DATA


@dataclass(frozen=True, slots=True)
class Update:
    """The truth about one update period: when it ended, all energy drawn until then, mean power over the period."""

    t_s: float
    energy_j: float
    power_w: float


@dataclass(slots=True)
class Meter:
    """The measuring part of the instrument.

    Attributes:
        load, mains, status: what is measured, and where condition and events are reported.
        crest_factor: "3", "6", or one of `WIDE`.
        voltage, current: the ranges.
        values: what is shown now.
        alone: whether it chooses automatic ranges by itself; otherwise others share them, see `choose_together`.
    """

    load: Load
    mains: Mains
    status: Status
    crest_factor: str = "3"
    voltage: Channel = field(default_factory=lambda: Channel(VOLTAGE_RANGES_V, len(VOLTAGE_RANGES_V) - 1))
    current: Channel = field(default_factory=lambda: Channel(CURRENT_RANGES_A, len(CURRENT_RANGES_A) - 1))
    integration: Integration = field(default_factory=Integration)
    values: Values = field(default_factory=Values)
    rate_ms: int = FIRST_RATE_MS
    alone: bool = True
    _measured: tuple[float, float] | None = None
    _start_s: float = 0.0
    _updates: int = 0
    _energy_j: float = 0.0
    _settling: bool = True

    @property
    def scale(self) -> float:
        """Get what the full scales are multiplied by: crest factor 6 halves them."""
        return 1.0 if self.crest_factor == "3" else 0.5

    @property
    def range_v(self) -> float:
        """Get the full scale of voltage in force."""
        return self.voltage.ranges[self.voltage.index] * self.scale

    @property
    def range_a(self) -> float:
        """Get the full scale of current in force."""
        return self.current.ranges[self.current.index] * self.scale

    @property
    def next_update_s(self) -> float:
        """Get when the running update period ends; counted from its start, so that lateness never adds up."""
        return self._start_s + (self._updates + 1) * self.rate_ms / 1000

    def set_rate(self, rate_ms: int, t_s: float) -> None:
        """Set the update period, which starts anew."""
        self.rate_ms = rate_ms
        self._start_s, self._updates, self._energy_j = t_s, 0, self.load.energy_j(t_s)

    def range_changed(self) -> None:
        """Show no data until a whole update period has passed in the new range."""
        self._settling, self._measured, self.values = True, None, Values()

    def update(self) -> Update:
        """End the running update period."""
        t_s = self.next_update_s
        energy_j = self.load.energy_j(t_s)
        power_w = (energy_j - self._energy_j) / (self.rate_ms / 1000)
        self._updates, self._energy_j = self._updates + 1, energy_j
        self.integration.count(t_s, energy_j)
        self._show(power_w)
        return Update(t_s, energy_j, power_w)

    def _show(self, power_w: float) -> None:
        voltage_v = self.mains.voltage_v
        current_a = abs(power_w) / (voltage_v * self.mains.power_factor)
        settled, self._settling = not self._settling, False
        condition = bits.INTEGRATING if self.integration.state == "STARt" else 0
        if settled:
            condition |= self._judge(voltage_v, current_a)
            self.values = self._displayed(power_w, voltage_v, current_a)
            self._measured = voltage_v, current_a
            if self.alone:
                choose_together([self])
        # UPD rises and falls at this very moment: a command that waits for its fall goes on right at the edge.
        self.status.change(condition | bits.UPDATING)
        self.status.change(condition)

    @property
    def _peak_limit(self) -> float:
        return 3.0 if self.crest_factor == "3" else 6.0

    def _over_range(self, voltage_v: float, current_a: float) -> tuple[bool, bool]:
        shown = RMS_SHOWN_6A if self.crest_factor in WIDE else RMS_SHOWN
        return voltage_v > shown * self.range_v, current_a > shown * self.range_a

    def _judge(self, voltage_v: float, current_a: float) -> int:
        over = any(self._over_range(voltage_v, current_a))
        voltage_peak = voltage_v * math.sqrt(2) > self._peak_limit * self.range_v
        current_peak = current_a * self.mains.crest > self._peak_limit * self.range_a
        return over * bits.OVER_RANGE + voltage_peak * bits.VOLTAGE_PEAK_OVER + current_peak * bits.CURRENT_PEAK_OVER

    def _displayed(self, power_w: float, voltage_v: float, current_a: float) -> Values:
        over_v, over_a = self._over_range(voltage_v, current_a)
        over = over_v or over_a
        return Values(
            OVER_RANGE if over_v else voltage_v,
            OVER_RANGE if over_a else current_a,
            OVER_RANGE if over else power_w,
            OVER_RANGE if over or not power_w else math.copysign(self.mains.power_factor, power_w),
            self.mains.frequency_hz,
        )

    def wanted_ranges(self) -> list[int]:
        """Get the indices of voltage and current range to go to next: others than now where ranges are automatic."""
        if self._measured is None:
            return [self.voltage.index, self.current.index]
        up = RMS_UP_6A if self.crest_factor in WIDE else RMS_UP
        crests = math.sqrt(2), self.mains.crest
        return [
            channel.choose(rms, rms * crest, self.scale, up, self._peak_limit) if channel.auto else channel.index
            for channel, rms, crest in zip((self.voltage, self.current), self._measured, crests, strict=True)
        ]


def choose_together(meters: Sequence[Meter]) -> None:
    """Have meters that share their ranges go to the widest that one of them wants."""
    chosen = [max(indices) for indices in zip(*(meter.wanted_ranges() for meter in meters), strict=True)]
    if chosen == [meters[0].voltage.index, meters[0].current.index]:
        return
    for meter in meters:
        meter.voltage.index, meter.current.index = chosen
        meter.range_changed()
