"""Looking at addresses: a portmapper, a core channel and ports that are something else, all on the loopback."""

import socket
import struct
import threading
import time
from contextlib import closing, contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.probe import (
    CORE,
    CORE_VERSION,
    LAST_FRAGMENT,
    Heard,
    Target,
    call,
    is_open,
    known_ports,
    look,
    result_of,
    targets,
    vxi11_port,
)
from metrology.errors import ConfigError


@contextmanager
def server(answer):
    """Listen; get the port and what was received. `answer` makes the reply of the call's number."""
    got = []
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    data = connection.recv(1000)
                    got.append(data)
                    if len(data) >= 8 and (reply := answer(data[4:8])):
                        connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], got
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def record(number, *words):
    body = number + struct.pack(f">{len(words)}I", *words)
    return struct.pack(">I", LAST_FRAGMENT | len(body)) + body


def test_a_portmapper_tells_the_port_of_the_core_channel():
    with server(lambda number: record(number, 1, 0, 0, 0, 0, 1024)) as (port, got):
        assert vxi11_port("127.0.0.1", port) == 1024
    asked = struct.unpack(">15I", got[0])
    assert asked[3:7] == (2, 100_000, 2, 3)
    assert asked[11:] == (CORE, CORE_VERSION, 6, 0)


@pytest.mark.parametrize(
    "answer",
    [
        lambda number: record(number, 1, 0, 0, 0, 1),  # no such program
        lambda number: record(number, 1, 1, 0, 0, 0),  # denied
        lambda number: record(b"else", 1, 0, 0, 0, 0),  # to another call
        lambda number: b"HTTP/1.1 400 Bad Request\r\n\r\n",
        lambda number: struct.pack(">I", LAST_FRAGMENT | 8) + b"short",
        lambda number: record(number, 1, 0, 0, 0xFFFFFFF0, 0),
        lambda number: b"",
    ],
    ids=["unknown program", "denied", "another call", "http", "cut off", "verifier", "nothing"],
)
def test_what_is_no_reply_is_no_instrument(answer):
    with server(answer) as (port, _):
        assert call("127.0.0.1", port, CORE, CORE_VERSION, 0) is None


def test_a_named_port_is_asked_for_vxi11_and_otherwise_told_as_open():
    with server(lambda number: record(number, 1, 0, 0, 0, 0)) as (vxi, _), server(lambda _: b"") as (other, _):
        heard = look([Target("127.0.0.1", vxi), Target("127.0.0.1", other)])
    assert heard == [
        Heard(f"TCPIP::127.0.0.1,{vxi}::INSTR", "VXI-11"),
        Heard(f"127.0.0.1:{other}", "a TCP port that is open"),
    ]


def test_progress_counts_every_address_and_nobody_is_no_error():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        closed = listener.getsockname()[1]
    told = []
    assert look([Target("127.0.0.1", closed)] * 3, lambda done, count: told.append((done, count))) == []
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert not is_open("no.such.host.invalid", 5025)


def test_a_port_that_says_nothing_is_given_up_in_time():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        begin_s = time.monotonic()
        assert call("127.0.0.1", listener.getsockname()[1], CORE, CORE_VERSION, 0) is None
        assert time.monotonic() - begin_s < 3


def test_the_ports_are_those_that_drivers_declare():
    ports = known_ports()
    assert list(ports) == [23, 3300, 5025]
    assert ports[3300] == "Hioki PW3335, Hioki PW3336, Hioki PW3337"
    assert "GPM-8310" in ports[23]


def test_targets():
    assert targets("10.0.0.5") == [Target("10.0.0.5")]
    assert targets("meter.lab:3300") == [Target("meter.lab", 3300)]
    assert [each.host for each in targets("192.168.1.0/30")] == ["192.168.1.1", "192.168.1.2"]
    assert len(targets("192.168.1.7/24")) == 254


@pytest.mark.parametrize(
    "text", ["", "a b", "10.0.0.0/8", "10.0.0.0/33", "x/24", "host:0", "host:99999", "host:1:2", "::1/128", "/"]
)
def test_what_is_no_target_is_refused(text):
    with pytest.raises(ConfigError):
        targets(text)


@given(st.text(max_size=40))
def test_any_text_is_targets_or_a_config_error(text):
    try:
        found = targets(text)
    except ConfigError:
        return
    assert 0 < len(found) <= 256


@given(st.binary(max_size=80))
def test_any_record_is_a_result_none_or_too_short(record):
    try:
        result = result_of(record, 7)
    except struct.error:
        return
    assert result is None or record.endswith(result)
