"""The simulators of a process: they wait for bytes, update edges, faults and their end, whatever comes first."""

import contextlib
import math
import select
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TextIO

from analyzers.simulated.device import Device
from analyzers.simulated.faults import WRONG_UNIT, Faults
from analyzers.simulated.fronts import Front
from analyzers.simulated.line import Wire
from analyzers.simulated.meter import Update
from metrology.errors import ConfigError

LONGEST_WAIT_S = 60.0
"""`select` takes no infinity, which is when an instrument without updates has something to do by itself."""
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
    """A simulated instrument behind a front.

    Args:
        switch_on: makes the instrument as it is when it is switched on; a reset makes it anew.
        front: how programs reach it.
        clock: seconds since the start.
        baud: speed of the line; 0 for no delay.
        truth: where the true energy is written.
        faults: what goes wrong, and when.
    """

    def __init__(
        self,
        switch_on: Callable[[], Device],
        front: Front,
        clock: Callable[[], float],
        baud: int,
        truth: Truth,
        faults: Faults,
    ) -> None:
        self._switch_on, self._front, self._clock, self._baud = switch_on, front, clock, baud
        self._truth, self._faults = truth, faults
        self._first_use_s = math.inf
        self._resets = 0
        self._plugged = True
        self._start()

    def _start(self) -> None:
        self._device = self._switch_on()
        self._running: Generator[None, None, str] | None = None
        self._wire = Wire(self._baud)

    @property
    def title(self) -> str:
        """Name the instrument, for people."""
        return self._device.title

    @property
    def due_s(self) -> float:
        """Get when it has something to do by itself."""
        return min(
            self._device.next_update_s,
            self._wire.next_s(listening=self._running is None),
            self._first_use_s + self._faults.next_s(self._clock() - self._first_use_s),
            self._front.due_s(),
        )

    def descriptors(self) -> list[int]:
        """Get what to wait on for input."""
        return self._front.descriptors()

    def step(self) -> None:
        """Take in what has come, and do all whose time has come."""
        self._take_in(self._clock())
        now_s = self._clock()
        self._suffer(now_s)
        self._advance(now_s)

    def _suffer(self, now_s: float) -> None:
        """Have the faults whose time has come."""
        used_s = now_s - self._first_use_s
        if (resets := self._faults.begun("reset", used_s)) > self._resets:
            self._resets = resets
            self._start()
        self._device.spoiled = self._faults.shown(used_s)
        self._device.range_unit = WRONG_UNIT if self._faults.active("unit", used_s) else 1.0
        if (plugged := not self._faults.active("unplug", used_s)) != self._plugged:
            self._plugged = plugged
            (self._front.plug if plugged else self._front.unplug)()

    def _take_in(self, now_s: float) -> None:
        data = self._front.receive(now_s)
        if data:
            self._first_use_s = min(self._first_use_s, now_s)
        if data and not self._is_mute(now_s):
            self._wire.receive(data, now_s)

    def _is_mute(self, now_s: float) -> bool:
        return self._faults.active("mute", now_s - self._first_use_s)

    def _advance(self, now_s: float) -> None:
        while self._device.next_update_s <= now_s:
            self._truth.note(self._device.update())
            self._continue(now_s)
            self._send(self._device.tell(), now_s)
        while self._running is None and (message := self._wire.message(now_s)) != b"":
            self._begin(message, now_s)
        data = self._wire.outgoing(now_s)
        if data and not self._is_mute(now_s):
            self._front.send(data)

    def _begin(self, message: bytes | None, now_s: float) -> None:
        if message is None:
            return self._device.overrun()
        self._running = self._device.run(message.decode("ascii", errors="replace"))
        return self._continue(now_s)

    def _continue(self, now_s: float) -> None:
        if self._running is None:
            return
        try:
            next(self._running)
        except StopIteration as finished:
            self._running = None
            self._send(finished.value, now_s)

    def _send(self, text: str, now_s: float) -> None:
        if text:
            answer = text.encode("latin-1", errors="replace")
            data, late_s = self._faults.spoil(answer, self._front.line_end, now_s - self._first_use_s)
            self._wire.send(data, now_s + late_s)

    def close(self) -> None:
        """Give the port back and close the file of true energy."""
        with contextlib.closing(self._truth):
            self._front.unplug()


def serve(simulators: Sequence[Simulator], clock: Callable[[], float], stop_fd: int) -> None:
    """Run them until something can be read from `stop_fd`.

    Each is looked at only when something has come for it or its time has, so that many cost what their work costs.
    """
    owners: dict[int, int] = {}
    due_s = [-math.inf] * len(simulators)
    found: list[int] = []
    while stop_fd not in found:
        now_s = clock()
        for at in {owners[fd] for fd in found} | {at for at, each_s in enumerate(due_s) if each_s <= now_s}:
            simulators[at].step()
            due_s[at] = simulators[at].due_s
            owners = {fd: owner for fd, owner in owners.items() if owner != at}
            owners |= dict.fromkeys(simulators[at].descriptors(), at)
        # Not poll or epoll: they wait in whole milliseconds, and an update ends at a time of its own.
        found, _, _ = select.select([*owners, stop_fd], [], [], min(LONGEST_WAIT_S, max(0.0, min(due_s) - clock())))
