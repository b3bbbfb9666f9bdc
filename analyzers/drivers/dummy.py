"""PTDaemon's device type 0: an analyzer that needs no instrument and always shows the same, for trying things out."""

import time
from collections.abc import Callable
from dataclasses import replace

from analyzers.driver import PUBLISHED_LOGS, Family, Instrument, Measured, Wanted
from analyzers.transport import Transport
from metrology.errors import InstrumentError
from metrology.ranges import Range, smallest_range
from metrology.reading import Reading
from metrology.uncertainty import Accuracy

SHOWN = Reading(23.31, 120.0, 0.19425, 1.0)
"""What PTDaemon's own dummy shows; source: published samples of it."""
UPDATE_MS = 100
"""Time between readings outside a measurement."""


class NoLine:
    """The line to an instrument that is not there."""

    byte_s = 0.0

    def write(self, message: str) -> None:
        """Refuse: nobody listens."""
        raise InstrumentError(f"there is no instrument to send {message!r} to")

    def read(self, timeout_s: float) -> tuple[str, int, int]:
        """Refuse: nobody answers."""
        raise InstrumentError("there is no instrument to read from")

    def read_block(self, timeout_s: float) -> tuple[bytes, str, int, int]:
        """Refuse: nobody answers."""
        raise InstrumentError("there is no instrument to read from")

    def clear(self) -> None:
        """Do nothing: nothing ever comes."""

    def close(self) -> None:
        """Do nothing: no port is held."""


class Dummy:
    """The dummy; it says of itself that it is simulated, so that no result of it can pass for a measurement.

    Args:
        clock: monotonic time in nanoseconds.
        sleep: waits so many seconds.
    """

    family: Family = Family(
        0,
        "Dummy (testing only)",
        "wattrig,DUMMY,.*",
        "the dummy of PTDaemon in published logs",
        interfaces=(),
        verified=PUBLISHED_LOGS,
    )

    def __init__(
        self, clock: Callable[[], int] = time.monotonic_ns, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._interval_ns = UPDATE_MS * 1_000_000
        self._next_ns = 0
        self._ranges = {"A": Range(False, 1.0), "V": Range(False, 150.0)}

    def open(self, transport: Transport, wanted: Wanted) -> Instrument:
        """Tell what it pretends to be; the line is not used."""
        self._grid(UPDATE_MS)
        return Instrument(
            name="Dummy",
            idn="wattrig,DUMMY,SIMULATED,1.0",
            voltage_ranges_v=(150.0, 300.0),
            current_ranges_a=(1.0, 10.0),
            accuracy=Accuracy(0.001, 0.0005, 0.002),
        )

    def _grid(self, interval_ms: int) -> None:
        self._interval_ns = interval_ms * 1_000_000
        self._next_ns = self._clock() + self._interval_ns

    def ranges(self, channel: int = 0) -> tuple[Range, Range]:
        """Get (current range in A, voltage range in V)."""
        return self._ranges["A"], self._ranges["V"]

    def set_range(self, quantity: str, full_scale: float | None, channel: int = 0) -> None:
        """Set a range; on automatic it stays at the smallest that fits."""
        shown, scales = (SHOWN.current_a, (1.0, 10.0)) if quantity == "A" else (SHOWN.voltage_v, (150.0, 300.0))
        self._ranges[quantity] = Range(full_scale is None, full_scale or smallest_range(shown, scales))

    def begin(self, interval_ms: int) -> None:
        """Start to update every `interval_ms`."""
        self._grid(interval_ms)

    def read(self, timeout_s: float) -> Measured:
        """Wait for the next update, which is on a grid of its own, and get it."""
        now_ns = self._clock()
        missed = max(0, (now_ns - self._next_ns) // self._interval_ns + 1)
        self._next_ns += missed * self._interval_ns
        self._sleep((self._next_ns - now_ns) / 1e9)
        self._next_ns += self._interval_ns
        return Measured(time.time_ns(), self._clock(), SHOWN, (), "23.31,120.0,0.19425,1.0", missed=missed)

    def end(self) -> None:
        """Go back to updates outside a measurement."""
        self._grid(UPDATE_MS)

    def close(self) -> None:
        """Do nothing: nothing is held."""


class DummyDC(Dummy):
    """PTDaemon's device type 500: the dummy, asked as an analyzer of direct current is."""

    family: Family = replace(Dummy.family, device_type=500, title="Dummy DC (testing only)", dc=True)
