"""The instrument as the daemon holds it: one caller at a time, ranges checked and settled, loss noticed."""

import math
import re
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TypeVar

from analyzers.driver import Driver, Instrument, Measured, Ranges, Wanted
from analyzers.transport import Transport
from metrology.errors import InstrumentError, InstrumentLostError, WattrigError
from metrology.ranges import Range

GOOD_READINGS = 2
"""A range has settled after so many good readings in it: the first update after a change may still hold both."""
SETTLING_S = 3.0
"""Longest wait for them: 12 updates of the WT300 family at 250 ms. Without load some analyzers never show one."""
UPDATE_TIMEOUT_S = 2.0
"""Longest wait for one update outside a measurement: 8 updates at 250 ms."""
WANTED = Wanted()
Result = TypeVar("Result")
_MODEL = re.compile(r"[A-Z]+-?\d+\w*")


class Meter:
    """A connected instrument.

    Args:
        driver: speaks to it.
        instrument: what the driver learned when it connected.
        wanted: what it was asked to be.
        clock: monotonic time in seconds.
        reopen: opens the line again, for an instrument that is lost while nothing is measured; None for never.
        say: hears of that.

    Attributes:
        accuracy: the terms by which readings are judged; those that the driver declares, unless others are set.
    """

    def __init__(
        self,
        driver: Driver,
        instrument: Instrument,
        wanted: Wanted = WANTED,
        clock: Callable[[], float] = time.monotonic,
        reopen: Callable[[], Transport] | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._driver = driver
        self._clock, self._reopen, self._say = clock, reopen, say
        self._lock = threading.Lock()
        self._set: dict[tuple[str, int], Range] = {}
        self.instrument = instrument
        self.accuracy = instrument.accuracy
        self.wanted = wanted
        match = _MODEL.search(driver.family.title)
        self.model = match[0] if match else driver.family.title.split()[0]

    @classmethod
    def connect(
        cls,
        driver: Driver,
        transport: Transport,
        wanted: Wanted = WANTED,
        reopen: Callable[[], Transport] | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> "Meter":
        """Open the driver; the port is freed if that fails.

        Raises:
            InstrumentError: nobody answers, or not the instrument expected.
            ConfigError: it has not what is wanted.
        """
        return cls(driver, _opened(driver, transport, wanted), wanted, reopen=reopen, say=say)

    def _idle(self, action: Callable[[Driver], Result]) -> Result:
        """Do something while nothing is measured; connect to the instrument once again if it was lost meanwhile.

        Raises:
            InstrumentLostError: it does not answer.
            InstrumentError: it does, but refused what was asked.
        """
        with self._lock:
            try:
                return action(self._driver)
            except InstrumentError as problem:
                if self._answers():
                    raise
                self._reconnect(problem)
            try:
                return action(self._driver)
            except InstrumentError as problem:
                raise InstrumentLostError(problem.message, problem.hint) from problem

    def _answers(self) -> bool:
        try:
            self._driver.ranges()
        except InstrumentError:
            return False
        return True

    def _reconnect(self, problem: InstrumentError) -> None:
        """Open the same instrument again and set its ranges as they were set; never within a measurement."""
        lost = InstrumentLostError(problem.message, problem.hint)
        if self._reopen is None:
            raise lost from problem
        with suppress(InstrumentError):
            self._driver.close()
        try:
            found = _opened(self._driver, self._reopen(), self.wanted)
            if found == self.instrument:
                for (quantity, channel), setting in self._set.items():
                    self._driver.set_range(quantity, None if setting.auto else setting.full_scale, channel)
        except WattrigError:
            raise lost from problem
        if found != self.instrument:
            raise InstrumentLostError(f"{found.idn!r} answers where {self.instrument.idn!r} did before") from problem
        self._say(f"WARNING: Connected to the instrument again, after: {problem.message}")

    @property
    def channels(self) -> range:
        """Get the numbers by which the driver knows the channels that are read: from 1, or 0 alone."""
        return range(1, self.instrument.channels + 1) if self.instrument.channels else range(1)

    def ranges(self) -> list[Ranges]:
        """Get the ranges of each channel, or of the only one; errors as in `set_range`."""
        return self._idle(self._ranges)

    def _ranges(self, driver: Driver) -> list[Ranges]:
        return [driver.ranges(channel) for channel in self.channels]

    def scales(self, quantity: str) -> tuple[float, ...]:
        """Get the full scales of "V" or "A", ascending."""
        return self.instrument.voltage_ranges_v if quantity == "V" else self.instrument.current_ranges_a

    def set_range(self, quantity: str, full_scale: float | None, channel: int = 0) -> tuple[Range, bool]:
        """Set a range (None: automatic) of a channel (0: of all) and wait until readings in it are good.

        Returns:
            The range in force, and whether good readings came within `SETTLING_S`.

        Raises:
            InstrumentError: the instrument did not take the range.
            InstrumentLostError: it does not answer any more.
        """
        asked = [channel] if channel else self.channels

        def change(driver: Driver) -> tuple[Range, bool]:
            settings = self._settings(driver, quantity)
            settled = all(_is_set(settings[each], full_scale) for each in asked)
            if not settled:
                driver.set_range(quantity, full_scale, channel)
                settings = self._settings(driver, quantity)
                _check((settings[each] for each in asked), full_scale, quantity)
                settled = self._settle(driver)
            # Of all channels: some instruments have one range for all of them.
            self._set |= {(quantity, each): setting for each, setting in settings.items()}
            return settings[asked[0]], settled

        return self._idle(change)

    def _settings(self, driver: Driver, quantity: str) -> dict[int, Range]:
        return {channel: _of(driver.ranges(channel), quantity) for channel in self.channels}

    def _settle(self, driver: Driver) -> bool:
        good = 0
        deadline_s = self._clock() + SETTLING_S
        while good < GOOD_READINGS and self._clock() < deadline_s:
            measured = driver.read(UPDATE_TIMEOUT_S)
            usable = all(reading.usable for reading in (measured.total, *measured.channels))
            good = good + 1 if usable else 0
        return good == GOOD_READINGS

    def begin(self, interval_ms: int) -> list[Ranges]:
        """Get ready to be read every `interval_ms`; get the ranges in force. Errors as in `set_range`."""

        def start(driver: Driver) -> list[Ranges]:
            ranges = self._ranges(driver)
            for (quantity, channel), setting in self._set.items():
                full_scale = None if setting.auto else setting.full_scale
                _check([_of(ranges[max(0, channel - 1)], quantity)], full_scale, quantity)
            driver.begin(interval_ms)
            return ranges

        return self._idle(start)

    def read(self, timeout_s: float) -> Measured:
        """Wait for the next update and get it.

        Raises:
            InstrumentError: none came in time, or the line failed.
        """
        with self._lock:
            return self._driver.read(timeout_s)

    def end(self) -> None:
        """Leave the measuring state; raises `InstrumentLostError` where the instrument does not."""
        try:
            with self._lock:
                self._driver.end()
        except InstrumentError as problem:
            raise InstrumentLostError(problem.message, problem.hint) from problem

    def close(self) -> None:
        """Free the instrument, which may be gone by now."""
        with self._lock, suppress(InstrumentError):
            self._driver.close()


def _opened(driver: Driver, transport: Transport, wanted: Wanted) -> Instrument:
    try:
        return driver.open(transport, wanted)
    except WattrigError:
        transport.close()
        raise


def _of(ranges: Ranges, quantity: str) -> Range:
    return ranges[0] if quantity == "A" else ranges[1]


def _is_set(setting: Range, full_scale: float | None) -> bool:
    if full_scale is None or setting.auto or setting.full_scale is None:
        return setting.auto and full_scale is None
    return math.isclose(setting.full_scale, full_scale, rel_tol=1e-6)


def _check(settings: Iterable[Range], full_scale: float | None, quantity: str) -> None:
    for setting in settings:
        if not _is_set(setting, full_scale):
            wanted = _words(Range(full_scale is None, full_scale), quantity)
            raise InstrumentError(
                f"the {quantity} range was set to {wanted}, and the instrument says {_words(setting, quantity)}"
            )


def _words(setting: Range, quantity: str) -> str:
    return "automatic" if setting.auto else f"{setting.full_scale} {quantity}"
