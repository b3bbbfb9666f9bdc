"""Any bytes, any order of commands, over any number of connections: the director answers, and serves the next one."""

import asyncio
import contextlib
import itertools
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, rule, run_state_machine_as_test

from bench import memory_ptd
from director.server import Director
from director.station import load_station

MAGIC, HELLO = "mlcommons/power client v3", "wattrig,hello,1"
UUID = "cf59d627-4308-4753-b14a-f6070a63ce76"
LIMIT_S = 12.0
"""Longest wait for an answer, or the end of the connection."""
WORDS = ("new", "session", "start", "stop", "ranging", "testing", "done", "download", "cleanup", "*", "wattrig")
COMMANDS = (
    MAGIC, HELLO, "time", "stop", "set_ntp", "new", f"new,{{label}},{UUID}", f"new,../x,{UUID}", "new,a,b",
    "session,*,start,ranging", "session,*,stop,ranging", "session,*,start,testing", "session,*,stop,testing",
    "session,*,start,testing,300,10", "session,*,start,testing,Auto,x\rStop", "session,*,done", "session,*",
    "download,*,power/server.json", "download,../..,power/server.json", "cleanup,*", "wattrig",
    "wattrig,repeat,testing", "wattrig,abort,enough", "wattrig,clock,1.000000,2.000000", "wattrig,clock,nan,x",
    "wattrig,sign,x", "wattrig,fetch,x,y,power/server.json,0", "wattrig,fetch", "wattrig,resume,x,y", "", ",", ",,,,",
)  # fmt: skip
command = st.sampled_from(COMMANDS) | st.lists(st.sampled_from(WORDS), max_size=5).map(",".join)
garbage = st.binary(min_size=1, max_size=60).filter(lambda raw: raw[:1] != b"\x16")
numbers = itertools.count()


class House:
    """A director in a thread of its own, over a daemon that has its samples ready."""

    def __init__(self, folder: Path) -> None:
        program, station = folder / "ptd", folder / "station.toml"
        program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -I -S '{memory_ptd.__file__}' \"$@\"\n")
        program.chmod(0o755)
        station.write_text(
            f'[director]\nlisten = "127.0.0.1:0"\nstore = "store"\n[session]\ngrace_s = 0.1\n'
            f'[[analyzer]]\nptd = "{program}"\ndevice_type = 49\ndevice_port = "2"\nnetwork_port = 0\n'
        )
        self.failures: list[dict[str, Any]] = []
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda _, context: self.failures.append(context))
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self.director = Director(load_station(station))
        self.do(self.director.__aenter__())

    def do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def close(self) -> None:
        self.do(self.director.__aexit__(None, None, None))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


def told(connection: socket.socket, line: bytes) -> bytes:
    """Send something; get what comes first, b"" where the director ends the connection."""
    begun_s = time.monotonic()
    try:
        connection.sendall(line)
        return connection.recv(1 << 16)
    except ConnectionError:
        return b""
    finally:
        assert time.monotonic() - begun_s < LIMIT_S


class Clients(RuleBasedStateMachine):
    """Clients that say what they like; `house` is the director of all examples."""

    house: ClassVar[House]
    connections = Bundle("connections")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[socket.socket] = []

    def connect(self) -> socket.socket:
        connection = socket.create_connection(self.house.director.address, LIMIT_S)
        self.open.append(connection)
        return connection

    @initialize(target=connections)
    def begin(self) -> socket.socket:
        """The first client is in the middle of a session, as often as not."""
        connection = self.connect()
        for line in (MAGIC, HELLO, f"new,s{next(numbers)},{UUID}", "session,*,start,ranging"):
            assert told(connection, f"{line}\r\n".encode())
        return connection

    @rule(target=connections)
    def comes(self) -> socket.socket:
        return self.connect()

    @rule(target=connections)
    def comes_with_manners(self) -> socket.socket:
        connection = self.connect()
        assert told(connection, f"{MAGIC}\r\n".encode())
        return connection

    @rule(connection=connections, line=command)
    def says(self, connection: socket.socket, line: str) -> None:
        told(connection, line.replace("{label}", f"l{next(numbers)}").encode() + b"\r\n")

    @rule(connection=connections, raw=garbage)
    def babbles(self, connection: socket.socket, raw: bytes) -> None:
        told(connection, raw + b"\n")

    @rule(connection=connections, raw=garbage)
    def falls_silent(self, connection: socket.socket, raw: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            connection.sendall(raw.replace(b"\n", b" "))

    @rule(connection=connections)
    def says_too_much(self, connection: socket.socket) -> None:
        told(connection, b"x" * 10_000)

    @rule(connection=consumes(connections), rudely=st.booleans())
    def goes(self, connection: socket.socket, rudely: bool) -> None:
        if rudely:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    def teardown(self) -> None:
        for connection in self.open:
            connection.close()
        measures(self.house)
        assert not self.house.failures


def measures(house: House) -> None:
    """A fresh client measures a whole session, at once."""
    give_up_s = time.monotonic() + LIMIT_S
    while not measured(house):
        assert time.monotonic() < give_up_s, "the director stays busy"
        time.sleep(0.02)


def measured(house: House) -> bool:
    phases = [f"session,*,{verb},{phase}" for phase in ("ranging", "testing") for verb in ("start", "stop")]
    with socket.create_connection(house.director.address, LIMIT_S) as connection:
        if told(connection, f"{MAGIC}\r\n".encode()).startswith(b"Error: busy"):
            return False
        if not told(connection, f"new,f{next(numbers)},{UUID}\r\n".encode()).startswith(b"OK "):
            return False
        for line in (*phases, "session,*,done"):
            assert told(connection, f"{line}\r\n".encode()) == b"OK\r\n", line
    return True


@pytest.fixture
def house() -> Iterator[House]:
    with tempfile.TemporaryDirectory() as folder:
        made = House(Path(folder))
        try:
            yield made
        finally:
            made.close()


def test_any_order_of_commands_leaves_a_director_that_measures(house: House) -> None:
    Clients.house = house
    limits = settings(max_examples=30, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Clients, settings=limits)
