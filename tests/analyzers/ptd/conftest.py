"""A scripted analyzer, a daemon around it without sockets, and one that is a real process."""

import asyncio
import io
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import pytest

from analyzers.driver import Family, Instrument, Measured, Wanted, sum_reading
from analyzers.drivers.dummy import NoLine
from analyzers.ptd.daemon import Daemon
from analyzers.ptd.meter import Meter
from analyzers.ptd.report import Log, SampleFile
from analyzers.transport import Transport
from metrology.errors import InstrumentError
from metrology.ranges import Range
from metrology.reading import Reading
from metrology.uncertainty import Accuracy

GOOD = Reading(100.0, 230.0, 0.5, 0.87)
WT310E = Instrument(
    name="YokogawaWT310E",
    idn="YOKOGAWA,WT310E,SCRIPTED,F1.04",
    voltage_ranges_v=(150.0, 300.0, 600.0),
    current_ranges_a=(0.5, 1.0, 20.0),
    accuracy=Accuracy(0.001, 0.0005, 0.002),
    frequency=True,
)
START_NS = 1_795_357_027_000_000_000  # 2026-11-22 14:17:07 UTC


class ScriptedDriver:
    """An analyzer whose every answer within a run the test feeds; its clock moves only by what is fed."""

    family = Family(49, "Yokogawa WT310", ".*", "test")

    def __init__(self, instrument: Instrument = WT310E) -> None:
        self.instrument = instrument
        self.answers: queue.Queue[tuple[Measured, float] | InstrumentError] = queue.Queue()
        self.idle = [GOOD]
        """Readings outside a run; the last one stays."""
        self.dead = False
        self.refused: str | None = None
        self.calls: list[str] = []
        self._now_ns = START_NS
        each = range(1, max(1, instrument.channels) + 1)
        self._ranges = {channel: {"A": Range(False, 20.0), "V": Range(False, 300.0)} for channel in each}
        self._running = False

    def feed(self, *readings: Reading, after_ms: float = 1000, raw: str = "raw", mono_ns: int | None = None) -> None:
        """Have the next read answer these channels, so long after the one before.

        On the monotonic clock it lies after all that the daemon does, unless `mono_ns` says otherwise.
        """
        self._now_ns += round(after_ms * 1e6)
        channels = readings if self.instrument.channels else ()
        total = sum_reading(channels) if channels else readings[0]
        missed = round(after_ms / 1000) - 1
        moments = self._now_ns, self._now_ns if mono_ns is None else mono_ns
        self.answers.put((Measured(*moments, total, channels, raw, missed=missed), after_ms))

    def fail(self, message: str = "the port is gone") -> None:
        """Have the next read fail."""
        self.answers.put(InstrumentError(message))

    def _alive(self) -> None:
        if self.dead:
            raise InstrumentError("nobody answers")

    def open(self, transport: Transport, wanted: Wanted) -> Instrument:
        return self.instrument

    def ranges(self, channel: int = 0) -> tuple[Range, Range]:
        self._alive()
        return self._ranges[channel or 1]["A"], self._ranges[channel or 1]["V"]

    def set_range(self, quantity: str, full_scale: float | None, channel: int = 0) -> None:
        self._alive()
        self.calls.append(f"{quantity} {full_scale}")
        if self.refused:
            raise InstrumentError(self.refused)
        for each in [channel] if channel else self._ranges:
            before = self._ranges[each][quantity]
            self._ranges[each][quantity] = Range(full_scale is None, full_scale or before.full_scale)

    def begin(self, interval_ms: int) -> None:
        self._alive()
        self.calls.append(f"begin {interval_ms}")
        if self.refused:
            raise InstrumentError(self.refused)
        self._running = True

    def read(self, timeout_s: float) -> Measured:
        if not self._running:
            reading = self.idle.pop(0) if len(self.idle) > 1 else self.idle[0]
            self.calls.append("idle read")
            return Measured(self._now_ns, self._now_ns, reading, (), "raw")
        try:
            answer = self.answers.get(timeout=timeout_s)
        except queue.Empty:
            raise InstrumentError("nothing came") from None
        if isinstance(answer, InstrumentError):
            raise answer
        return answer[0]

    def end(self) -> None:
        self._alive()
        self.calls.append("end")
        self._running = False

    def close(self) -> None:
        self.calls.append("close")


class Rig:
    """A daemon on a loop of its own, asked from the test's thread."""

    def __init__(
        self,
        driver: Any,
        file: Path | None = None,
        clock: Callable[[], int] = time.time_ns,
        wanted: Wanted = Wanted(),  # noqa: B008
    ) -> None:
        self.driver = driver
        self.stream = io.StringIO()
        self.log = Log(self.stream, clock)
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self.meter = Meter.connect(driver, NoLine(), wanted)
        self.file = SampleFile(file)
        self.daemon = self.do(self._make())

    async def _make(self) -> Daemon:
        return Daemon(self.meter, self.log, self.file, "wattrig_0-00000000-20260101")

    def begin(self, coroutine: Any) -> "Future[Any]":
        """Start something that waits, and come back once it waits."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        self.do(asyncio.sleep(0))
        return future

    def do(self, coroutine: Any, timeout_s: float = 10.0) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout_s)

    def ask(self, line: str) -> str:
        return self.listing(line)[0]

    def listing(self, line: str) -> list[str]:
        lines: list[str] = self.do(self.daemon.answer(line))
        return lines

    def samples(self) -> int:
        return int(self.ask("Watts").split(",")[4])

    def wait_samples(self, count: int) -> None:
        self.wait_until(lambda: self.samples() >= count, f"{count} samples")

    @staticmethod
    def wait_until(condition: Callable[[], bool], what: str, timeout_s: float = 10.0) -> None:
        deadline_s = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline_s, f"no {what} within {timeout_s} s"
            time.sleep(0.005)

    def said(self, text: str) -> int:
        return self.stream.getvalue().count(text)

    def close(self) -> None:
        self.do(self.daemon.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        self.file.close()


class Process:
    """`wattrig-ptd` as a process of its own, on a TCP port that the system gives it."""

    def __init__(self, *arguments: str | Path) -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "analyzers.ptd.command", "-p", "0", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.popen.stdout is not None
        self.stdout: TextIO = self.popen.stdout
        self.lines: list[str] = []
        self._socket: socket.socket | None = None

    @property
    def port(self) -> int:
        """The TCP port that its log names, once that has been read so far."""
        (line,) = (line for line in self.lines if "listener on port" in line)
        return int(line.rpartition("port ")[2].strip(".\n"))

    def wait_for(self, text: str) -> str:
        """Read the log up to a line that holds the text."""
        while line := self.stdout.readline():
            self.lines.append(line)
            if text in line:
                return line
        pytest.fail(f"no {text!r} in {self.lines} before the end")

    def connect(self) -> None:
        self.wait_for("Waiting for a connection")
        self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        self._file = self._socket.makefile("rw", newline="")

    def ask(self, line: str) -> str:
        self._file.write(f"{line}\r\n")
        self._file.flush()
        return self.reply()

    def reply(self) -> str:
        return self._file.readline().removesuffix("\r\n")

    def disconnect(self) -> None:
        if self._socket is not None:
            self._file.close()
            self._socket.close()
            self._socket = None

    def ended(self) -> tuple[int, str]:
        """Wait for the end; get exit code and stderr, all of stdout being in `lines`."""
        rest, errors = self.popen.communicate(timeout=20)
        self.lines += rest.splitlines(keepends=True)
        return self.popen.returncode, errors

    def close(self) -> None:
        self.disconnect()
        if self.popen.poll() is None:
            self.popen.kill()
        self.popen.wait()
        for stream in (self.popen.stdout, self.popen.stderr):
            assert stream is not None
            stream.close()


@pytest.fixture
def make_rig() -> Iterator[Callable[..., Rig]]:
    """Make daemons around scripted analyzers, with so many channels, and a file for `-l`."""
    made: list[Rig] = []

    def make(channels: int = 0, file: Path | None = None, *, dc: bool = False) -> Rig:
        wanted = Wanted(tuple(range(2, 2 + max(1, channels))), dc)
        made.append(Rig(ScriptedDriver(replace(WT310E, channels=channels)), file, wanted=wanted))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig()


@pytest.fixture
def driver(rig: Rig) -> ScriptedDriver:
    return rig.driver  # type: ignore[no-any-return]


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    """Start `wattrig-ptd` with arguments; all are ended with the test."""
    started: list[Process] = []

    def make(*arguments: str | Path) -> Process:
        started.append(Process(*arguments))
        return started[-1]

    yield make
    for process in started:
        process.close()
