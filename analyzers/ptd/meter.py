"""The instrument as the daemon holds it: one caller at a time, ranges checked and settled, loss noticed."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from analyzers.driver import Driver, Instrument, Measured
from analyzers.transport import Transport
from metrology.errors import InstrumentError, InstrumentLostError
from metrology.ranges import Range

GOOD_READINGS = 2
"""A range has settled after so many good readings in it: the first update after a change may still hold both."""
SETTLING_S = 3.0
"""Longest wait for them: 12 updates of the WT300 family at 250 ms. Without load some analyzers never show one."""
UPDATE_TIMEOUT_S = 2.0
"""Longest wait for one update outside a measurement: 8 updates at 250 ms."""


class Meter:
    """A connected instrument.

    Args:
        driver: speaks to it.
        instrument: what the driver learned when it connected.
        clock: monotonic time in seconds.
    """

    def __init__(self, driver: Driver, instrument: Instrument, clock: Callable[[], float] = time.monotonic) -> None:
        self._driver = driver
        self._clock = clock
        self._lock = threading.Lock()
        self.instrument = instrument
        self.model = driver.family.title.split()[-1]

    @classmethod
    def connect(cls, driver: Driver, transport: Transport) -> "Meter":
        """Open the driver; the port is freed if that fails.

        Raises:
            InstrumentError: nobody answers, or not the instrument expected.
        """
        try:
            return cls(driver, driver.open(transport))
        except InstrumentError:
            transport.close()
            raise

    @contextmanager
    def _held(self) -> Iterator[Driver]:
        """Hold the instrument; find out, when something fails, whether it still answers.

        Raises:
            InstrumentLostError: it does not.
            InstrumentError: it does, but refused what was asked.
        """
        with self._lock:
            try:
                yield self._driver
            except InstrumentError as problem:
                self._probe(problem)
                raise

    def _probe(self, problem: InstrumentError) -> None:
        try:
            self._driver.ranges()
        except InstrumentError:
            raise InstrumentLostError(problem.message, problem.hint) from problem

    def ranges(self) -> tuple[Range, Range]:
        """Get (current range in A, voltage range in V); errors as in `set_range`."""
        with self._held() as driver:
            return driver.ranges()

    def scales(self, quantity: str) -> tuple[float, ...]:
        """Get the full scales of "V" or "A", ascending."""
        return self.instrument.voltage_ranges_v if quantity == "V" else self.instrument.current_ranges_a

    def set_range(self, quantity: str, full_scale: float | None) -> tuple[Range, bool]:
        """Set a range (None: automatic) and wait until readings in it are good.

        Returns:
            The range in force, and whether good readings came within `SETTLING_S`.

        Raises:
            InstrumentError: the instrument did not take the range.
            InstrumentLostError: it does not answer any more.
        """
        with self._held() as driver:
            before = _of(driver.ranges(), quantity)
            if _is_set(before, full_scale):
                return before, True
            driver.set_range(quantity, full_scale)
            after = _of(driver.ranges(), quantity)
            if not _is_set(after, full_scale):
                wanted = _words(Range(full_scale is None, full_scale), quantity)
                raise InstrumentError(
                    f"the {quantity} range was set to {wanted}, and the instrument says {_words(after, quantity)}"
                )
            return after, self._settle(driver)

    def _settle(self, driver: Driver) -> bool:
        good = 0
        deadline_s = self._clock() + SETTLING_S
        while good < GOOD_READINGS and self._clock() < deadline_s:
            measured = driver.read(UPDATE_TIMEOUT_S)
            usable = all(reading.usable for reading in (measured.total, *measured.channels))
            good = good + 1 if usable else 0
        return good == GOOD_READINGS

    def begin(self, interval_ms: int) -> tuple[Range, Range]:
        """Get ready to be read every `interval_ms`; get the ranges in force. Errors as in `set_range`."""
        with self._held() as driver:
            ranges = driver.ranges()
            driver.begin(interval_ms)
            return ranges

    def read(self, timeout_s: float) -> Measured:
        """Wait for the next update and get it.

        Raises:
            InstrumentError: none came in time, or the line failed.
        """
        with self._lock:
            return self._driver.read(timeout_s)

    def end(self) -> None:
        """Leave the measuring state; errors as in `set_range`."""
        with self._held() as driver:
            driver.end()

    def close(self) -> None:
        """Free the instrument, which may be gone by now."""
        with self._lock, suppress(InstrumentError):
            self._driver.close()


def _of(ranges: tuple[Range, Range], quantity: str) -> Range:
    return ranges[0] if quantity == "A" else ranges[1]


def _is_set(setting: Range, full_scale: float | None) -> bool:
    if full_scale is None or setting.auto or setting.full_scale is None:
        return setting.auto and full_scale is None
    return math.isclose(setting.full_scale, full_scale, rel_tol=1e-6)


def _words(setting: Range, quantity: str) -> str:
    return "automatic" if setting.auto else f"{setting.full_scale} {quantity}"
