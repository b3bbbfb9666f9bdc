"""The one interface between the daemon and a power analyzer: a driver is one file that implements it.

A driver declares what the instrument is (ranges, accuracy, channels) and speaks its dialogue. Range selection,
sampling, sentinels, uncertainty, logging and the TCP protocol are shared (`analyzers.ptd`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from analyzers.transport import Transport
from metrology.ranges import Range
from metrology.reading import BAD_READING, Reading
from metrology.uncertainty import Accuracy


@dataclass(frozen=True, slots=True)
class Family:
    """What is fixed for a PTDaemon device type.

    Attributes:
        device_type: PTDaemon's number; ours beyond its list start at 9000.
        title: for people, "Yokogawa WT310".
        idn: regular expression that the instrument's `*IDN?` must match.
        source: where commands, ranges and accuracy come from.
    """

    device_type: int
    title: str
    idn: str
    source: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """What a driver learned when it connected.

    Attributes:
        name: PTDaemon's driver name for the model found, `YokogawaWT310E`.
        idn: `*IDN?` as answered.
        voltage_ranges_v, current_ranges_a: full scales at the crest factor set, ascending.
        accuracy: accuracy terms of the model found.
        crest_factor: 3 or 6.
        frequency: whether it measures frequency (field 8 of Identify).
        channels: 0 for a single channel, else the number of channels read.
    """

    name: str
    idn: str
    voltage_ranges_v: tuple[float, ...]
    current_ranges_a: tuple[float, ...]
    accuracy: Accuracy
    crest_factor: int = 3
    frequency: bool = False
    channels: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """One answer of the instrument: its readings, when it came, and its raw text for the log.

    Attributes:
        t_utc_ns: when the first byte of the answer came, UTC nanoseconds.
        t_mono_ns: the same on the monotonic clock.
        total: the sum, or the only channel.
        channels: each channel; empty for one.
        raw: the answer as it came.
        current_range_a, voltage_range_v: ranges in force when the reading was taken, where the instrument tells.
    """

    t_utc_ns: int
    t_mono_ns: int
    total: Reading
    channels: tuple[Reading, ...]
    raw: str
    current_range_a: float | None = None
    voltage_range_v: float | None = None


class Driver(Protocol):
    """A connected instrument. Not thread-safe: the daemon holds the instrument lock around every call.

    All methods raise `InstrumentError` where the instrument fails, with what was sent and what came back.
    """

    family: Family

    def open(self, transport: Transport) -> Instrument:
        """Connect: identify, set the instrument up, and learn what it is."""

    def ranges(self) -> tuple[Range, Range]:
        """Get (current range in A, voltage range in V)."""

    def set_range(self, quantity: str, full_scale: float | None) -> None:
        """Set the range of "A" or "V" to a full scale that the instrument has, or to automatic with None."""

    def begin(self, interval_ms: int) -> None:
        """Get ready to be read every `interval_ms`: each reading then is the mean of its whole interval."""

    def read(self, timeout_s: float) -> Measured:
        """Wait for the instrument's next update and get it; raises `InstrumentError` after `timeout_s`."""

    def end(self) -> None:
        """Leave the measuring state that `begin` made."""

    def close(self) -> None:
        """Give the instrument back to its front panel and free the port."""


def sum_reading(channels: Sequence[Reading]) -> Reading:
    """Combine channels as PTDaemon 1.10 and later do: sum of watts, mean of volts and of amperes.

    The power factor is the sum of power over the sum of apparent power where the instrument gives no total of its
    own. A channel that is not usable makes the sum bad.
    """

    if not all(channel.usable for channel in channels):
        return BAD_READING
    power_w = sum(channel.power_w for channel in channels)
    apparent_va = sum(channel.voltage_v * channel.current_a for channel in channels)
    return Reading(
        power_w,
        sum(channel.voltage_v for channel in channels) / len(channels),
        sum(channel.current_a for channel in channels) / len(channels),
        power_w / apparent_va if apparent_va > 0 else 0.0,
    )
