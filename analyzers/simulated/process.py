"""The simulator as a process: it waits for bytes, update edges and the signal to end, whichever comes first."""

import contextlib
import math
import select
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TextIO

from analyzers.simulated.commands import COMMANDS
from analyzers.simulated.language import Interpreter
from analyzers.simulated.line import Port, Wire
from analyzers.simulated.load import Load
from analyzers.simulated.meter import Mains, Meter, Update
from analyzers.simulated.status import Status
from analyzers.simulated.wt310e import Wt310e
from metrology.errors import ConfigError

LINE_END = "\r\n"
"""What ends an answer on RS-232 (IM WT310E-17EN); LF alone ends a message too."""
TRUTH_HEADING = "t_utc_ns,energy_j,power_w\n"


def seconds_clock() -> Callable[[], float]:
    """Make a clock of seconds since now on the monotonic clock."""
    start_ns = time.monotonic_ns()
    return lambda: (time.monotonic_ns() - start_ns) / 1e9


class Truth:
    """The file of what was truly drawn: one row for each update, written when the update ends.

    Args:
        path: where; an existing file is overwritten. None for no file.
        clock: seconds since the start.

    Raises:
        ConfigError: the file cannot be written.
    """

    def __init__(self, path: Path | None, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._file: TextIO | None = None
        if path is None:
            return
        try:
            self._file = path.open("w", encoding="ascii", buffering=1)
        except OSError as problem:
            raise ConfigError(f"the file of true energy '{path}' cannot be written: {problem}") from problem
        self._file.write(TRUTH_HEADING)

    def note(self, update: Update) -> None:
        """Write the row of an update: when it ended, all energy until then, mean power over the update."""
        if self._file is not None:
            t_utc_ns = time.time_ns() - round((self._clock() - update.t_s) * 1e9)
            self._file.write(f"{t_utc_ns},{update.energy_j:.9f},{update.power_w:.9f}\n")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


class Simulator:
    """A simulated WT310E on a port of its own.

    Args:
        load, mains: what it measures.
        clock: seconds since the start, the time of `load`.
        baud: speed of the line; 0 for no delay.
        truth: where the true energy is written.
        mute_after_s: when it falls silent, as an instrument does whose cable is pulled.
    """

    def __init__(
        self,
        load: Load,
        mains: Mains,
        clock: Callable[[], float],
        baud: int,
        truth: Truth,
        mute_after_s: float = math.inf,
    ) -> None:
        self.port = Port()
        self._clock, self._truth, self._mute_after_s = clock, truth, mute_after_s
        self._meter = Meter(load, mains, Status())
        self._meter.set_rate(self._meter.rate_ms, clock())
        self._interpreter = Interpreter(Wt310e(self._meter, clock), self._meter.status, COMMANDS)
        self._running: Generator[None, None, str] | None = None
        self._wire = Wire(baud)

    def serve(self, stop_fd: int) -> None:
        """Run until something can be read from `stop_fd`."""
        while True:
            self._advance(self._clock())
            due_s = min(self._meter.next_update_s, self._wire.next_s(listening=self._running is None))
            ready, _, _ = select.select([self.port.fd, stop_fd], [], [], max(0.0, due_s - self._clock()))
            if stop_fd in ready:
                return
            if self.port.fd in ready:
                self._take_in(self.port.read())

    def _take_in(self, data: bytes) -> None:
        now_s = self._clock()
        if now_s < self._mute_after_s:
            self._wire.receive(data, now_s)

    def _advance(self, now_s: float) -> None:
        while self._meter.next_update_s <= now_s:
            self._truth.note(self._meter.update())
            self._continue(now_s)
        while self._running is None and (message := self._wire.message(now_s)) != b"":
            self._begin(message, now_s)
        data = self._wire.outgoing(now_s)
        if data and now_s < self._mute_after_s:
            self.port.write(data)

    def _begin(self, message: bytes | None, now_s: float) -> None:
        if message is None:
            return self._meter.status.fail(363)
        self._running = self._interpreter.run(message.decode("ascii", errors="replace"))
        return self._continue(now_s)

    def _continue(self, now_s: float) -> None:
        if self._running is None:
            return
        try:
            next(self._running)
        except StopIteration as finished:
            self._running = None
            if finished.value:
                self._wire.send((finished.value + LINE_END).encode("latin-1", errors="replace"), now_s)

    def close(self) -> None:
        """Give the port back and close the file of true energy."""
        with contextlib.closing(self.port):
            self._truth.close()
