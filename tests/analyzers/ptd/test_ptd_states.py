"""Any bytes, any order of commands, over any number of connections: the daemon answers, and serves who comes next."""

import asyncio
import contextlib
import io
import itertools
import socket
import struct
import threading
import time
from collections.abc import Coroutine
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from analyzers.drivers.dummy import Dummy, NoLine
from analyzers.ptd.daemon import Daemon
from analyzers.ptd.meter import Meter
from analyzers.ptd.report import Log, SampleFile
from analyzers.ptd.server import LONGEST_COMMAND, bind, serve

LIMIT_S = 8.0
"""Longest wait for an answer: a range settles, and the sample in flight comes."""
COMMANDS = (
    "Hello", "Identify", "RR", "RR,*", "RR,1", "SR,V,Auto", "SR,A,Auto", "SR,V,300", "SR,A,1e9", "SR,A,nan", "SR,X,1",
    "Go,100,0,mark", "Go,100,3,mark", "Go,0", "Go,-1,0", "Go", "Timed,2,100", "Timed,0,0", "Stop", "Stop,1", "Mark",
    "Mark,x",
    "Reset", "R*", "RL", "RL,*,*", "RL,1", "RL,-1", "RL,9999999999999", "DC-RL", "Uncertainty", "Uncertainty,*",
    "Watts", "Volts", "Amps", "PF", "watts", "", ",", "Go,100,0," + "m" * 300, "Go,100,0,a\0b", "Unheard,of",
)  # fmt: skip
garbage = st.binary(min_size=1, max_size=60)


class House:
    """A daemon in a thread of its own, around an instrument that needs no line."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self.listener = bind(0)
        self.port = self.listener.getsockname()[1]
        log = Log(io.StringIO())
        self.daemon = self.do(self._made(log))
        self.serving = asyncio.run_coroutine_threadsafe(serve(self.daemon, self.listener, log), self.loop)
        self.do(asyncio.sleep(0.01))  # it listens from now on

    async def _made(self, log: Log) -> Daemon:
        return Daemon(Meter.connect(Dummy(), NoLine()), log, SampleFile(None), "wattrig_0-00000000-20260101")

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(LIMIT_S)

    def close(self) -> None:
        assert not self.serving.done(), self.serving.exception()
        assert not self.daemon.failed.done()
        self.serving.cancel()
        self.do(self.daemon.close())
        self.do(asyncio.sleep(0.01))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        self.listener.close()


class Clients(RuleBasedStateMachine):
    """Clients that say what they like; the daemon serves one at a time, so the first that is there is answered."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.waiting: list[socket.socket] = []
        self.gone: list[socket.socket] = []

    @rule()
    @precondition(lambda self: len(self.waiting) < 3)
    def comes(self) -> None:
        self.waiting.append(socket.create_connection(("127.0.0.1", self.house.port), LIMIT_S))

    @rule(command=st.sampled_from(COMMANDS))
    @precondition(lambda self: self.waiting)
    def says(self, command: str) -> None:
        assert told(self.waiting[0], command.encode() + b"\r\n"), f"no answer to {command!r}"

    @rule(raw=garbage, times=st.integers(1, 40))
    @precondition(lambda self: self.waiting)
    def babbles(self, raw: bytes, times: int) -> None:
        assert told(self.waiting[0], raw * times + b"\n")

    @rule()
    @precondition(lambda self: self.waiting)
    def says_too_much(self) -> None:
        assert told(self.waiting[0], b"x" * 4 * LONGEST_COMMAND + b"\n")

    @rule(raw=garbage, last=st.booleans())
    @precondition(lambda self: self.waiting)
    def falls_silent(self, raw: bytes, last: bool) -> None:
        self.waiting[-1 if last else 0].sendall(raw.replace(b"\n", b" "))

    @rule(rudely=st.booleans(), last=st.booleans())
    @precondition(lambda self: self.waiting)
    def goes(self, rudely: bool, last: bool) -> None:
        connection = self.waiting.pop(-1 if last else 0)
        if rudely:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    def teardown(self) -> None:
        for connection in self.waiting:
            connection.close()
        try:
            measures(self.house.port)
        finally:
            self.house.close()


def told(connection: socket.socket, line: bytes) -> bytes:
    """Send something; get what comes first, b"" where the daemon ends the connection."""
    begun_s = time.monotonic()
    try:
        connection.sendall(line)
        return connection.recv(1 << 20)
    finally:
        assert time.monotonic() - begun_s < LIMIT_S


def measures(port: int) -> None:
    """A fresh client measures, whatever was left running."""
    with socket.create_connection(("127.0.0.1", port), LIMIT_S) as connection:
        file = connection.makefile("rb")

        def ask(command: str) -> str:
            connection.sendall(f"{command}\r\n".encode())
            return file.readline().decode().strip()

        assert ask("Hello") == "Hello, PTDaemon here!"
        with contextlib.suppress(StopIteration):
            next(each for each in itertools.repeat("Stop", 3) if ask(each).startswith("Error: no measurement"))
        assert ask("Reset") == "Measurement reset"
        assert ask("SR,V,Auto") == "Range V changed"
        assert ask("Go,100,0,fresh").startswith("Starting")
        while int(ask("Watts").split(",")[4]) < 1:
            time.sleep(0.02)
        assert ask("Stop").startswith("Stopping")
        header = ask("RL")
        assert header.startswith("Last ")
        assert all(file.readline().startswith(b"Time,") for _ in range(int(header.split()[1])))


def test_any_order_of_commands_leaves_a_daemon_that_measures() -> None:
    limits = settings(max_examples=25, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Clients, settings=limits)
