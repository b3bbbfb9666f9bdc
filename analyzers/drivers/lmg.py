"""ZES ZIMMER LMG610, LMG640, LMG670 and their successors LMG611, LMG641, LMG671.

Source: the public drivers lmgtools, metricq-source-lmg and that of the SunSpec test platform, which speak the short
dialect (`*zlang short`) to these meters; the programming manual is not public. PTDaemon's number for the LMG600
series is not known either, so that ours are used.

How a sample becomes the mean of its whole interval: the meter measures in cycles without gaps between them, and
`cycl` is set to the interval. `actn;...` says what to answer at the end of each cycle, and from `cont on` on the
meter does so by itself, one line a cycle. Each line tells how long its cycle was (`durnorm1?`); a line from a cycle
of another length, which was running when `cycl` was set, is thrown away. A cycle ends with a period of the signal,
so that it may last up to a period longer than asked for.

Not verified with an instrument: how the meter writes values over range (what is not a number or from 9.9E+37 on is
taken for bad), `durnorm` in seconds, `cyclmod 0`, how it numbers a channel of its own (1 to 7), and from memory of
the data sheet: ranges, their peaks, accuracy.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from analyzers.driver import Family, Instrument, Measured, Wanted, sum_reading
from analyzers.drivers.dialogue import Dialogue
from analyzers.drivers.yokogawa_values import LARGEST_VALUE, parse_full_scale
from analyzers.transport import Transport
from metrology import datasheet
from metrology.errors import ConfigError, InstrumentError
from metrology.ranges import Range
from metrology.reading import BAD_READING, Reading, Validity

VOLTAGE_PEAKS_V = {
    3.0: 6.0, 6.0: 12.0, 12.5: 25.0, 25.0: 50.0, 60.0: 100.0,
    130.0: 200.0, 250.0: 400.0, 400.0: 800.0, 600.0: 1600.0, 1000.0: 3200.0,
}  # fmt: skip
CURRENT_PEAKS_A = {
    0.005: 0.014, 0.01: 0.028, 0.02: 0.056, 0.04: 0.112, 0.08: 0.224, 0.15: 0.469, 0.3: 0.938,
    0.6: 1.875, 1.2: 3.75, 2.5: 7.5, 5.0: 15.0, 10.0: 30.0, 20.0: 60.0, 32.0: 120.0,
}  # fmt: skip
"""The largest peak value that each range, named by its rms value, measures: channel type A1; from memory."""
CHANNELS = {"1": 1, "4": 4, "7": 7}
"""Channels of a model, by the second digit of its number."""
ITEMS = ("utrms", "itrms", "p", "pf", "ucf", "icf", "urng", "irng")
"""What is told of each channel; crest factors and ranges since a peak over range means a waveform that was cut
off."""
IDLE_CYCLE_S = 0.25
"""Cycle outside a run, so that a new range is settled soon."""
TOLERANCE = 0.2
"""How far the length of a cycle may be from what was asked for; a period at 16.7 Hz is 60 ms."""
NO_ERROR = "0,"


class LMG600:
    """Driver of our device type 9000: one channel of an LMG600.

    Args:
        clock: monotonic time in seconds.
    """

    family: Family = Family(
        9000,
        "ZES ZIMMER LMG600",
        r"ZES.*,LMG6[147][01],.*",
        "public drivers: lmgtools, metricq-source-lmg, SunSpec's",
        interfaces=("socket", "vxi11", "gpib"),
        socket_port=5025,
        channels=7,
        terminator="\n",
        verified="unverified: public drivers",
    )

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._talk: Dialogue
        self._channels: tuple[int, ...] = (1,)
        self._cycle_s = IDLE_CYCLE_S
        self._running = False
        self._streaming = False
        self._lost = 0

    def open(self, transport: Transport, wanted: Wanted) -> Instrument:
        """Connect; see `Driver.open`."""
        self._talk, self._channels = Dialogue(transport, self.family), wanted.channels
        transport.clear()
        for message in ("*zlang short", "cont off"):  # a program that died may have left it telling
            self._talk.write(message)
        identity = self._talk.identify()
        model = identity.split(",")[1]
        if max(wanted.channels) > CHANNELS[model[4]]:
            raise ConfigError(
                f"got channel {max(wanted.channels)}, but the {model} has {CHANNELS[model[4]]}",
                "give -c the channels that the analyzer has",
            )
        self._talk.write("*cls")
        self._set(f"frmt ascii;cyclmod 0;cycl {IDLE_CYCLE_S:g}", "the set-up")
        items = ";".join(f"{item}{channel}?" for channel in wanted.channels for item in ITEMS)
        self._talk.write(f"actn;durnorm{wanted.channels[0]}?;{items}")
        self._check("choosing what to tell")
        return Instrument(
            name=model if not self.family.multichannel else f"{model}_multichannel",
            idn=identity,
            voltage_ranges_v=tuple(VOLTAGE_PEAKS_V),
            current_ranges_a=tuple(CURRENT_PEAKS_A),
            accuracy=datasheet.LMG600.accuracy,
            channels=len(wanted.channels) if self.family.multichannel else 0,
        )

    def ranges(self, channel: int = 0) -> tuple[Range, Range]:
        """Get the current range in A and the voltage range in V; see `Driver.ranges`."""
        self._hush()
        number = self._channels[max(0, channel - 1)]
        question = f"irng{number}?;iauto{number}?;urng{number}?;uauto{number}?"
        answer = self._talk.ask(question)
        try:
            current_a, current_auto, voltage_v, voltage_auto = answer.split(";")
            current = Range(float(current_auto) != 0, parse_full_scale(current_a))
            return current, Range(float(voltage_auto) != 0, parse_full_scale(voltage_v))
        except ValueError as problem:
            raise self._talk.garbled(answer, question) from problem

    def set_range(self, quantity: str, full_scale: float | None, channel: int = 0) -> None:
        """Set a range; see `Driver.set_range`."""
        name = "i" if quantity == "A" else "u"
        for number in self._channels[channel - 1 : channel] if channel else self._channels:
            fixed = f"{name}auto{number} 0;{name}rng{number} {full_scale:g}" if full_scale else ""
            self._set(fixed or f"{name}auto{number} 1", f"setting the {quantity} range")

    def begin(self, interval_ms: int) -> None:
        """Set the cycle to the interval, and have the meter tell each cycle's values from now on."""
        self._set_cycle(interval_ms / 1000)
        self._running = True
        self._lost = 0
        self._tell()

    def read(self, timeout_s: float) -> Measured:
        """Wait for the end of the next cycle; see `Driver.read`.

        Within a run a reader that comes late gets the cycles it has missed, one after another: lost is only a line
        that makes no sense, or that tells of a cycle of another length.
        """
        deadline_s = self._clock() + timeout_s
        self._tell()
        while (measured := self._line(deadline_s)) is None:
            pass
        if not self._running:
            self._hush()
        return measured

    def _line(self, deadline_s: float) -> Measured | None:
        """Receive a line; None if it tells of a cycle of another length."""
        remaining_s = deadline_s - self._clock()
        if remaining_s <= 0:
            raise InstrumentError(
                f"the {self.family.title} had no cycle of {self._cycle_s:g} s in time",
                "does it measure with a fixed cycle time, and in the group of the channel?",
            )
        answer, t_utc_ns, t_mono_ns = self._talk.line.read(remaining_s)
        try:
            duration, *values = answer.split(";")
            duration_s = float(duration)
            readings, ranges = _parse(values, len(self._channels))
        except ValueError as problem:
            self._lost += 1
            raise self._talk.garbled(answer, "cont on") from problem
        if not abs(duration_s - self._cycle_s) <= TOLERANCE * self._cycle_s:
            self._lost += 1
            return None
        missed, self._lost = self._lost, 0
        if not self.family.multichannel:
            return Measured(t_utc_ns, t_mono_ns, readings[0], (), answer, *ranges[0], missed=missed)
        return Measured(t_utc_ns, t_mono_ns, sum_reading(readings), readings, answer, *ranges[0], ranges, missed)

    def end(self) -> None:
        """Go back to short cycles."""
        self._running = False
        self._set_cycle(IDLE_CYCLE_S)

    def close(self) -> None:
        """Give the instrument back to its front panel and free the port."""
        try:
            self._talk.write("cont off;gtl")
        finally:
            self._talk.line.close()

    def _set_cycle(self, cycle_s: float) -> None:
        self._set(f"cycl {cycle_s:g}", "setting the cycle")
        self._cycle_s = cycle_s

    def _tell(self) -> None:
        """Have it tell the values of each cycle."""
        if not self._streaming:
            self._talk.write("cont on")
            self._streaming = True

    def _hush(self) -> None:
        """Have it tell no more, and throw away what it has told."""
        if self._streaming:
            self._talk.write("cont off")
            self._talk.catch_up()
            self._streaming = False

    def _set(self, message: str, doing: str) -> None:
        self._hush()
        self._talk.write(message)
        self._check(doing)

    def _check(self, doing: str) -> None:
        answer = self._talk.ask("errall?")
        if not answer.startswith(NO_ERROR):
            raise InstrumentError(f"the {self.family.title} answered {doing} with error {answer[:80]}")


class LMG600Multichannel(LMG600):
    """Driver of our device type 9001: several channels of an LMG600, each on its own."""

    family: Family = replace(
        LMG600.family, device_type=9001, title="ZES ZIMMER multichannel LMG600", multichannel=True
    )


def _parse(texts: Sequence[str], channels: int) -> tuple[tuple[Reading, ...], tuple[tuple[float, float], ...]]:
    """Get the readings, and (current range in A, voltage range in V), of each channel."""
    if len(texts) != len(ITEMS) * channels:
        raise ValueError(f"got {len(texts)} values, expected {len(ITEMS) * channels}")
    parts = [texts[first : first + len(ITEMS)] for first in range(0, len(texts), len(ITEMS))]
    ranges = tuple((parse_full_scale(part[7]), parse_full_scale(part[6])) for part in parts)
    readings = (_reading(list(map(float, part[:6])), *pair) for part, pair in zip(parts, ranges, strict=True))
    return tuple(readings), ranges


def _reading(values: Sequence[float], current_range_a: float, voltage_range_v: float) -> Reading:
    voltage_v, current_a, power_w, power_factor, voltage_crest, current_crest = values
    if power_w == 0.0 and not abs(power_factor) < LARGEST_VALUE:
        power_factor = 0.0  # without current there is none
    if not all(abs(value) < LARGEST_VALUE for value in (voltage_v, current_a, power_w, power_factor)):
        return BAD_READING
    clipped = _clipped(voltage_v * voltage_crest, VOLTAGE_PEAKS_V, voltage_range_v) or _clipped(
        current_a * current_crest, CURRENT_PEAKS_A, current_range_a
    )
    return Reading(power_w, voltage_v, current_a, power_factor, Validity.PEAK_OVER if clipped else Validity.GOOD)


def _clipped(peak: float, peaks: Mapping[float, float], full_scale: float) -> bool:
    """Tell whether a peak is as large as its range measures; a range or crest factor not known tells nothing."""
    return full_scale in peaks and peak >= peaks[full_scale]
