"""The one interface between the daemon and a power analyzer: a driver is one file that implements it.

A driver declares what the instrument is (ranges, accuracy, channels) and speaks its dialogue. Range selection,
sampling, sentinels, uncertainty, logging and the TCP protocol are shared (`analyzers.ptd`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from analyzers.transport import Transport
from metrology.ranges import Range
from metrology.reading import BAD_READING, Reading
from metrology.uncertainty import Accuracy

PUBLISHED_LOGS, MANUAL = "published logs", "manual"
"""What `Family.verified` says of a dialogue seen in logs of real sessions, and of one written after a manual."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks of an instrument.

    Attributes:
        channels: physical channels to read, ascending from 1; a family that is not `multichannel` gets one.
        dc: measure direct current, which the type says too.
        readout: "ascii" or "binary", how values are read within a run; None for what the line needs.
    """

    channels: tuple[int, ...] = (1,)
    dc: bool = False
    readout: str | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """What is fixed for a PTDaemon device type.

    Attributes:
        device_type: PTDaemon's number; ours beyond its list start at 9000.
        title: for people, "Yokogawa WT310".
        idn: regular expression that the instrument's `*IDN?` must match.
        source: where commands, ranges and accuracy come from.
        interfaces: ways to connect it, of "serial", "usbtmc", "gpib", "vxi11" and "socket".
        socket_port: TCP port of its raw socket; None where it has none.
        multichannel: whether several channels and their sum are told (`-c FIRST,COUNT` or `-c COUNT`).
        channels: most physical channels that a model of it has.
        dc: whether this type measures direct current, as PTDaemon's types from 500 on do.
        baud: bits per second on a serial line unless -B says otherwise.
        terminator: what ends a message to it on a serial line or a raw socket.
        binary: whether it tells values as a block of floats too, where that is asked for or a line needs it.
        verified: what its dialogue was checked against: `PUBLISHED_LOGS`, `MANUAL`, or "unverified: ...".
    """

    device_type: int
    title: str
    idn: str
    source: str
    interfaces: tuple[str, ...] = ("serial",)
    socket_port: int | None = None
    multichannel: bool = False
    channels: int = 1
    dc: bool = False
    baud: int = 9600
    terminator: str = "\r\n"
    binary: bool = False
    verified: str = MANUAL


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
        channels: 0 for a single channel, else the number of channels read (1 or more on a multichannel type).
    """

    name: str
    idn: str
    voltage_ranges_v: tuple[float, ...]
    current_ranges_a: tuple[float, ...]
    accuracy: Accuracy
    crest_factor: int = 3
    frequency: bool = False
    channels: int = 0


Ranges = tuple[Range, Range]
"""The current range in A and the voltage range in V of a channel."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One answer of the instrument: its readings, when it came, and its raw text for the log.

    Attributes:
        t_utc_ns: when the first byte of the answer came, UTC nanoseconds.
        t_mono_ns: the same on the monotonic clock.
        total: the sum, or the only channel.
        channels: each channel; empty for one.
        raw: the answer as it came.
        current_range_a, voltage_range_v: full scales in force when the reading was taken, where the instrument tells.
        channel_ranges: the same as (A, V) for each channel where channels may differ; empty where they cannot.
        missed: how many samples before this one were lost; only a driver knows how its instrument loses them.
    """

    t_utc_ns: int
    t_mono_ns: int
    total: Reading
    channels: tuple[Reading, ...]
    raw: str
    current_range_a: float | None = None
    voltage_range_v: float | None = None
    channel_ranges: tuple[tuple[float | None, float | None], ...] = ()
    missed: int = 0


class Driver(Protocol):
    """A connected instrument. Not thread-safe: the daemon holds the instrument lock around every call.

    All methods raise `InstrumentError` where the instrument fails, with what was sent and what came back. A `channel`
    counts those that are read, from 1 on; with one channel it is always 0.
    """

    family: Family

    def open(self, transport: Transport, wanted: Wanted) -> Instrument:
        """Connect: identify, set the instrument up, and learn what it is.

        Raises:
            ConfigError: it has not what is wanted.
        """

    def ranges(self, channel: int = 0) -> Ranges:
        """Get (current range in A, voltage range in V) of a channel; of the first one for 0."""

    def set_range(self, quantity: str, full_scale: float | None, channel: int = 0) -> None:
        """Set the range of "A" or "V" to a full scale that the instrument has, or to automatic with None.

        Of a channel, or of all that are read for 0.
        """

    def begin(self, interval_ms: int) -> None:
        """Get ready to be read every `interval_ms`: each reading then is the mean of its whole interval.

        A driver for serial lines calls `transport.check_pace` with its bytes for one update and the update period.
        """

    def read(self, timeout_s: float) -> Measured:
        """Wait for the instrument's next update and get it; raises `InstrumentError` after `timeout_s`."""

    def end(self) -> None:
        """Leave the measuring state that `begin` made."""

    def close(self) -> None:
        """Give the instrument back to its front panel and free the port."""


def sum_reading(channels: Sequence[Reading]) -> Reading:
    """Combine channels as PTDaemon 1.10 and later do: sum of watts, mean of volts and of amperes.

    The power factor is P / sqrt(P^2 + Q^2) with the sums of active and of reactive power, as in published samples: to
    the last digit of the channels', 5e-5, in 1,334 of 1,334 of a WT333E. No total of the instrument's own is asked
    for, which depends on how its inputs are wired. A channel that is not usable makes the sum bad.
    """
    if not all(channel.usable for channel in channels):
        return BAD_READING
    power_w = sum(channel.power_w for channel in channels)
    apparent_va = math.hypot(power_w, sum(map(_reactive_var, channels)))
    return Reading(
        power_w,
        sum(channel.voltage_v for channel in channels) / len(channels),
        sum(channel.current_a for channel in channels) / len(channels),
        power_w / apparent_va if apparent_va > 0 else 0.0,
    )


def _reactive_var(channel: Reading) -> float:
    cosine = min(1.0, abs(channel.power_factor))
    return abs(channel.power_w) * math.sqrt(1 - cosine * cosine) / cosine if cosine > 0 else 0.0
