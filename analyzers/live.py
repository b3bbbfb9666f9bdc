"""Reading an instrument without a daemon: what each sample shows, how much of its ranges it uses, and how well."""

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from analyzers.driver import Driver, Instrument, Measured, Ranges, Wanted
from analyzers.place import Place
from metrology.errors import InstrumentError, WattrigError
from metrology.reading import Reading
from metrology.uncertainty import power_uncertainty, sum_uncertainty

PATIENCE_S = 3.0
"""How much longer than its interval a sample may take, as `wattrig-ptd` waits too."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One channel, or the sum of all, in one sample.

    Attributes:
        t_utc_ns: when it came.
        name: "" for the only channel, "1", "2" and so on, or "sum".
        reading: what was read.
        voltage_range_v, current_range_a: full scales in force; None for a sum, or where they are unknown.
        auto: whether one of the ranges is automatic, so that the uncertainty is unknown.
        uncertainty: of the power, as a fraction; None where it cannot be known.
    """

    t_utc_ns: int
    name: str
    reading: Reading
    voltage_range_v: float | None
    current_range_a: float | None
    auto: bool
    uncertainty: float | None

    @property
    def voltage_share(self) -> float | None:
        """Get the part of the voltage range that is used."""
        return _share(self.reading, self.reading.voltage_v, self.voltage_range_v)

    @property
    def current_share(self) -> float | None:
        """Get the part of the current range that is used."""
        return _share(self.reading, self.reading.current_a, self.current_range_a)


def _share(reading: Reading, value: float, full_scale: float | None) -> float | None:
    return value / full_scale if full_scale and reading.usable else None


class Watch:
    """An instrument that is read; a context that gives it back at the end.

    Args:
        driver: speaks to it.
        place: where it is.
        wanted: what it is asked to be.

    Raises:
        InstrumentError: it is not there, or not what is expected.
        ConfigError: it has not what is wanted.
    """

    def __init__(self, driver: Driver, place: Place, wanted: Wanted) -> None:
        self._driver = driver
        self._numbers = wanted.channels
        transport = place.open(driver.family)
        try:
            self.instrument: Instrument = driver.open(transport, wanted)
        except WattrigError:
            transport.close()
            raise

    def __enter__(self) -> "Watch":
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the instrument back, which may be gone by now."""
        with suppress(InstrumentError):
            self._driver.close()

    @property
    def ranges(self) -> list[Ranges]:
        """Ask for the ranges of each channel, or of the only one."""
        return [self._driver.ranges(channel) for channel in range(1, self.instrument.channels + 1) or (0,)]

    def samples(self, interval_ms: int) -> Generator[list[Shown]]:
        """Get one sample after another, for ever: the only channel, or the sum and each channel.

        Raises:
            InstrumentError: the interval cannot be had, or no sample came in time.
        """
        ranges = self.ranges
        self._driver.begin(interval_ms)
        try:
            while True:
                measured = self._driver.read(interval_ms / 1000 + PATIENCE_S)
                yield shown(measured, self.instrument, ranges, self._numbers)
        finally:
            with suppress(InstrumentError):
                self._driver.end()


def shown(
    measured: Measured, instrument: Instrument, ranges: Sequence[Ranges], numbers: Sequence[int]
) -> list[Shown]:
    """Get what a sample shows.

    Args:
        measured: the sample.
        instrument: whose it is.
        ranges: those before it, whose full scales the sample may tell anew.
        numbers: the physical channels that are read.
    """
    if not instrument.channels:
        return [_channel(measured, "", measured.total, instrument, ranges[0], _told(measured, 0))]
    channels = [
        _channel(measured, str(numbers[at]), reading, instrument, ranges[at], _told(measured, at))
        for at, reading in enumerate(measured.channels)
    ]
    together = sum_uncertainty([(each.uncertainty, each.reading.power_w) for each in channels])
    auto = any(each.auto for each in channels)
    return [Shown(measured.t_utc_ns, "sum", measured.total, None, None, auto, together), *channels]


def _told(measured: Measured, at: int) -> tuple[float | None, float | None]:
    """Get the full scales (A, V) that a sample tells of a channel."""
    if measured.channel_ranges:
        return measured.channel_ranges[at]
    return measured.current_range_a, measured.voltage_range_v


def _channel(
    measured: Measured,
    name: str,
    reading: Reading,
    instrument: Instrument,
    ranges: Ranges,
    told: tuple[float | None, float | None],
) -> Shown:
    current_a = told[0] or ranges[0].full_scale
    voltage_v = told[1] or ranges[1].full_scale
    auto = ranges[0].auto or ranges[1].auto
    product_va = None if auto or current_a is None or voltage_v is None else current_a * voltage_v
    uncertainty = power_uncertainty(instrument.accuracy, reading, product_va, instrument.crest_factor)
    return Shown(measured.t_utc_ns, name, reading, voltage_v, current_a, auto, uncertainty)
