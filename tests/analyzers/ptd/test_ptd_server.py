import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers.ptd.arrival import StampedSocket
from analyzers.ptd.server import LONGEST_COMMAND, bind, serve
from evidence.stamps import parse_stamp
from metrology.errors import ConfigError, InstrumentLostError
from metrology.reading import Reading

Rig = Any
HELLO = b"Hello, PTDaemon here!\r\n"
GOOD = Reading(100.0, 230.0, 0.5, 0.87)
COMMANDS = ("RL", "RL,*,*", "R*", "Watts", "Uncertainty,*", "Stop", "Mark,x", "SR,A,", "Go,1,1", "RR,*", "Reset")
line = st.sampled_from(COMMANDS).map(str.encode) | st.binary(max_size=40) | st.binary(min_size=1100, max_size=3000)
anything = st.lists(line | st.just(b"\r\n") | st.just(b"\n"), max_size=8).map(b"".join)


@pytest.fixture
def serving(make_rig: Callable[..., Rig]) -> Iterator[Rig]:
    """A daemon that serves on `rig.port`."""
    rig = make_rig()
    with bind(0) as listener:
        rig.port = listener.getsockname()[1]
        rig.serving = rig.begin(serve(rig.daemon, listener, rig.log))
        yield rig
        rig.serving.cancel()
        rig.do(rig.daemon.close())


def connect(rig: Rig) -> socket.socket:
    return socket.create_connection(("127.0.0.1", rig.port), timeout=20)


def exchange(connection: socket.socket, sent: bytes) -> bytes:
    """Send, and receive one line."""
    connection.sendall(sent)
    return receive(connection, b"\n")


def receive(connection: socket.socket, end: bytes) -> bytes:
    got = b""
    while not got.endswith(end):
        chunk = connection.recv(65536)
        assert chunk, f"the daemon closed the connection after {got!r}"
        got += chunk
    return got


@pytest.mark.parametrize("ending", [b"\r\n", b"\n", b" \r\n"])
def test_lines_may_end_as_they_like(serving: Rig, ending: bytes) -> None:
    with connect(serving) as connection:
        assert exchange(connection, b"Hello" + ending) == HELLO
        connection.sendall(b"He")
        assert exchange(connection, b"llo" + ending) == HELLO


def test_clients_come_and_go_one_at_a_time(serving: Rig) -> None:
    with connect(serving) as first, connect(serving) as second:
        second.sendall(b"Hello\r\n")
        assert exchange(first, b"Hello\r\n") == HELLO
        second.settimeout(0.1)
        with pytest.raises(TimeoutError):
            second.recv(1)
        first.close()
        second.settimeout(5)
        assert receive(second, b"\n") == HELLO
    serving.wait_until(lambda: serving.said("Waiting for a connection...") == 3, "end of both")
    said = [text[25:].split(":")[0] for text in serving.stream.getvalue().splitlines()]
    gone = ["No data returned by socket read.", "Shutting connection down...", "Connection is down."]
    one = ["Waiting for a connection...", "Accepted connection from 127.0.0.1", "Response to client sent", *gone]
    assert said[1:] == [*one, *one, "Waiting for a connection..."]
    assert said[0] == f"Establishing the listener on port {serving.port}..."


def test_a_client_that_hangs_up_without_a_word_or_in_the_middle_of_one(serving: Rig) -> None:
    connect(serving).close()
    with connect(serving) as connection:
        connection.sendall(b"Hel")
    with connect(serving) as connection:
        assert exchange(connection, b"Hello\r\n") == HELLO


def test_the_measurement_goes_on_without_the_client(serving: Rig) -> None:
    with connect(serving) as connection:
        assert exchange(connection, b"Go,1000,0,S\r\n").startswith(b"Starting untimed")
    serving.driver.feed(GOOD)
    with connect(serving) as connection:
        serving.wait_until(lambda: exchange(connection, b"Watts\r\n").endswith(b",1,0,1\r\n"), "sample")
        assert exchange(connection, b"Stop\r\n") == b"Stopping untimed measurement\r\n"
        serving.driver.feed(GOOD)
        assert exchange(connection, b"Stop\r\n") == b"Error: no measurement to stop\r\n"


def test_a_listing_in_the_log_and_to_a_client_that_has_said_all(serving: Rig) -> None:
    with connect(serving) as connection:
        exchange(connection, b"Timed,300,1000,0\r\n")
        for _ in range(300):
            serving.driver.feed(GOOD)
        serving.wait_until(lambda: serving.said("Completed test") == 1, "end of the run")
        connection.sendall(b"RL\r\n")
        connection.shutdown(socket.SHUT_WR)
        listing = b"".join(iter(lambda: connection.recv(65536), b"")).split(b"\r\n")
    assert listing[0] == b"Last 300 samples"
    assert len(listing) == 302
    log = serving.stream.getvalue()
    pieces = log[log.index("Last 300 samples") :].split(": Response to client sent: ")
    assert "\n".join(piece.rpartition("\n")[0] for piece in pieces[:-1]).encode().split(b"\n")[:290] == listing[:290]
    assert 25 <= len(pieces) <= 32


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=anything)
def test_whatever_comes_the_next_hello_is_answered(serving: Rig, sent: bytes) -> None:
    with connect(serving) as connection:
        connection.sendall(sent + b"\nHello\r\n")
        got = receive(connection, HELLO)
    assert not serving.serving.done()
    assert all(reply.isascii() for reply in got.split(b"\r\n"))


def test_a_command_of_the_greatest_length_and_one_longer(serving: Rig) -> None:
    with connect(serving) as connection:
        assert exchange(connection, b"x" * (LONGEST_COMMAND - 1) + b"\n").startswith(b"Unknown command")
        assert exchange(connection, b"Hello," + b"x" * 100_000 + b"\n").startswith(b"Unknown command")
        assert exchange(connection, b"Hello\r\n") == HELLO
        assert serving.said("Response to client sent: Unknown command") == 2


def test_nothing_a_client_sends_forges_a_line_of_the_log(serving: Rig) -> None:
    with connect(serving) as connection:
        exchange(connection, b"Go,1000,0,x\r11-22-2026 00:00:00.000: ERROR: forged\n")
        exchange(connection, b"ERROR: forged\n")
    assert serving.said("forged") == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux's kernel stamps what arrives")
def test_go_is_stamped_with_its_arrival_not_with_when_the_daemon_came_to_it(serving: Rig) -> None:
    busy = threading.Event()

    def work() -> None:
        busy.set()
        time.sleep(0.3)

    with connect(serving) as connection:
        assert exchange(connection, b"Hello\r\n") == HELLO
        serving.loop.call_soon_threadsafe(work)
        assert busy.wait(5)
        sent_ns = time.time_ns()
        assert exchange(connection, b"Go,1000,0,S\r\n").startswith(b"Starting")
        assert exchange(connection, b"Stop\r\n").startswith(b"Stopping")
    serving.driver.feed(GOOD)
    (line,) = [line for line in serving.stream.getvalue().splitlines() if "Go command received" in line]
    assert -1e6 <= parse_stamp(line[:23]) - sent_ns < 100e6


def test_where_the_kernel_does_not_tell_the_moment_of_reading_is_taken() -> None:
    first, second = socket.socketpair()
    with first, StampedSocket(fileno=second.detach()) as connection:
        first.sendall(b"Go")
        before_ns = time.time_ns()
        assert connection.recv(10) == b"Go"
        assert before_ns <= connection.arrived_ns <= time.time_ns()


def test_a_lost_instrument_ends_the_service(serving: Rig) -> None:
    serving.driver.dead = True
    with connect(serving) as connection:
        connection.sendall(b"SR,A,Auto\r\n")
        with pytest.raises(InstrumentLostError):
            serving.serving.result(5)


def test_a_port_in_use_is_refused(serving: Rig) -> None:
    with pytest.raises(ConfigError, match=f"TCP port {serving.port} cannot be used: .*in use"):
        bind(serving.port)
    with pytest.raises(ConfigError, match="TCP port 70000 cannot be used"):
        bind(70000)
