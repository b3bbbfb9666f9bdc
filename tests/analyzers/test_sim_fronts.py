"""The simulator's network fronts, byte for byte: raw TCP, and VXI-11 as RPC over TCP."""

import contextlib
import math
import select
import socket
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzers.simulated.fronts import PtyFront, TcpFront
from analyzers.simulated.rpc import LONGEST_RECORD, GarbageError, Records, parse_call
from analyzers.simulated.vxi11 import PROGRAM, Vxi11Front
from metrology.errors import ConfigError

PREFIX = b"\n"
"""What a new client's first message is parted from an earlier one's by."""


@pytest.fixture
def tcp():
    front = TcpFront(0)
    yield front
    front.unplug()


@pytest.fixture
def vxi():
    front = Vxi11Front(0)
    yield front
    front.unplug()


def client(front):
    return contextlib.closing(socket.create_connection(("127.0.0.1", front.port), timeout=5))


def came(front, now_s=0.0):
    """What the front takes in once there is something."""
    select.select(front.descriptors(), [], [], 5)
    return front.receive(now_s)


def came_whole(front):
    """What the front takes in up to the end of a question."""
    got = b""
    while not got.endswith(b"?\n"):
        got += came(front)
    return got


def test_tcp_serves_one_client_after_another(tcp):
    assert tcp.name == f"127.0.0.1:{tcp.port}"
    with client(tcp) as first, client(tcp) as second:
        first.sendall(b"*IDN?\n")
        second.sendall(b"*OPC?\n")
        assert came_whole(tcp) == PREFIX + b"*IDN?\n"
        tcp.send(b"me\n")
        assert first.recv(9) == b"me\n"
        assert tcp.receive(0) == b""
        first.close()
        assert came(tcp) == b""
        assert came_whole(tcp) == PREFIX + b"*OPC?\n"
        tcp.send(b"1\n")
        assert second.recv(9) == b"1\n"
    tcp.send(b"to nobody")
    assert tcp.due_s() == math.inf


def test_tcp_unplugged_and_plugged_again(tcp):
    with client(tcp) as first:
        first.sendall(b"x\n")
        came(tcp)
        tcp.unplug()
        assert first.recv(9) == b""
        assert tcp.descriptors() == []
        assert tcp.receive(0) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", tcp.port))
    tcp.plug()
    with client(tcp) as again:
        again.sendall(b"y\n")
        assert came(tcp).endswith(b"y\n")


def test_a_client_that_takes_nothing_is_dropped(tcp):
    with client(tcp) as lazy:
        lazy.sendall(b"x\n")
        came(tcp)
        for _ in range(200):
            tcp.send(b"x" * 65536)
        assert tcp.receive(0) == b""
        while lazy.recv(1 << 20):
            pass


def test_a_port_that_is_taken(tcp):
    with pytest.raises(ConfigError, match="cannot be used"):
        TcpFront(tcp.port)


def test_a_pty_unplugged_and_plugged_again(tmp_path):
    link = tmp_path / "wt"
    front = PtyFront(link)
    assert front.name == str(link)
    front.unplug()
    assert not link.is_symlink()
    front.send(b"nobody")
    assert (front.receive(0), front.descriptors(), front.due_s()) == (b"", [], math.inf)
    front.plug()
    with link.open("wb", buffering=0) as port:
        port.write(b"a\n")
        assert came(front) == b"a\n"
    front.unplug()


def uint(*numbers):
    return struct.pack(f">{len(numbers)}I", *numbers)


def opaque(data):
    return uint(len(data)) + data + b"\0" * (-len(data) % 4)


def record(data, pieces=1):
    size = -(-len(data) // pieces)
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(uint(len(part) | (at == len(parts)) << 31) + part for at, part in enumerate(parts, 1))


def call(procedure, body=b"", number=7, program=PROGRAM, version=1):
    return uint(number, 0, 2, program, version, procedure, 0, 0, 0, 0) + body


class Link:
    """A client of the core channel."""

    def __init__(self, front, connection):
        self.front, self.connection = front, connection
        self.took = b""
        self.now_s = 0.0

    def send(self, procedure, body=b"", **options):
        self.connection.sendall(record(call(procedure, body, **options)))
        self.took += came(self.front, self.now_s)
        with contextlib.suppress(BlockingIOError):
            self.took += self.front.receive(self.now_s)

    def reply(self):
        head = self.connection.recv(4, socket.MSG_WAITALL)
        data = self.connection.recv(struct.unpack(">I", head)[0] & 0x7FFFFFFF, socket.MSG_WAITALL)
        assert data[:20] == uint(7, 1, 0, 0, 0), "accepted, without a verifier"
        return data[20:]

    def ask(self, procedure, body=b"", **options):
        self.send(procedure, body, **options)
        return self.reply()


SUCCESS = uint(0)


@pytest.fixture
def link(vxi):
    with client(vxi) as connection:
        made = Link(vxi, connection)
        assert made.ask(10, uint(1, 0, 0) + opaque(b"inst0")) == SUCCESS + uint(0, 1, 0, 4096)
        made.took = b""
        yield made


def read(size=1000, timeout_ms=2000, link_id=1):
    return uint(link_id, size, timeout_ms, 0, 0, 0)


def write(data, flags=8, link_id=1):
    return uint(link_id, 1000, 1000, flags) + opaque(data)


def test_a_message_and_its_answer(link):
    assert link.ask(11, write(b"*IDN?")) == SUCCESS + uint(0, 5)
    assert link.took == b"*IDN?\n"
    link.send(12, read())
    assert link.front.due_s() == 2.0
    link.front.send(b"ME,1\n")
    assert link.reply() == SUCCESS + uint(0, 4) + opaque(b"ME,1\n")
    assert link.front.due_s() == math.inf


def test_an_answer_in_parts(link):
    link.front.send(b"ABCDEF\n")
    assert link.ask(12, read(size=4)) == SUCCESS + uint(0, 1) + opaque(b"ABCD")
    assert link.ask(12, read()) == SUCCESS + uint(0, 4) + opaque(b"EF\n")
    link.front.send(b"half")
    assert link.ask(12, read()) == SUCCESS + uint(0, 0) + opaque(b"half"), "no end, so that the client reads on"


def test_a_message_in_parts_is_one(link):
    link.ask(11, write(b"*ID", flags=0))
    link.ask(11, write(b"N?"))
    assert link.took == b"*IDN?\n"


def test_a_read_that_gets_nothing_times_out(link):
    link.send(12, read(timeout_ms=500))
    link.front.receive(0.4)
    assert link.front.due_s() == 0.5
    link.front.receive(0.5)
    assert link.reply() == SUCCESS + uint(15, 0) + opaque(b"")


def test_a_new_message_drops_the_old_answer(link):
    link.front.send(b"old\n")
    assert link.ask(13, uint(1, 0, 0, 0)) == SUCCESS + uint(0, 16)
    link.ask(11, write(b"*OPC?"))
    assert link.ask(13, uint(1, 0, 0, 0)) == SUCCESS + uint(0, 0)
    link.front.send(b"old\n")
    assert link.ask(15, uint(1, 0, 0, 0)) == SUCCESS + uint(0)
    assert link.ask(13, uint(1, 0, 0, 0)) == SUCCESS + uint(0, 0)


@pytest.mark.parametrize(
    ("procedure", "body", "reply"),
    [
        (0, b"", SUCCESS),
        (11, write(b"x", link_id=9), SUCCESS + uint(4, 0)),
        (12, read(link_id=9), SUCCESS + uint(4, 0) + opaque(b"")),
        (13, uint(9, 0, 0, 0), SUCCESS + uint(4, 0)),
        (15, uint(9, 0, 0, 0), SUCCESS + uint(4)),
        (23, uint(9), SUCCESS + uint(4)),
        (23, uint(1), SUCCESS + uint(0)),
        (14, uint(1, 0, 0, 0), SUCCESS + uint(8)),
        (18, uint(1, 0, 0), SUCCESS + uint(0)),
        (18, uint(9, 0, 0), SUCCESS + uint(4)),
        (19, uint(1), SUCCESS + uint(12)),
        (22, b"", SUCCESS + uint(8) + opaque(b"")),
        (99, b"", uint(3)),
    ],
)
def test_what_is_refused_or_done(link, procedure, body, reply):
    assert link.ask(procedure, body) == reply


def test_a_lock_keeps_other_links_out_until_it_is_freed(link):
    assert link.ask(10, uint(1, 0, 0) + opaque(b"inst0"))[4:12] == uint(0, 2)
    free = (19, uint(1)), (23, uint(1))
    for procedure, body in free:
        assert link.ask(18, uint(1, 0, 0)) == link.ask(18, uint(1, 0, 0)) == SUCCESS + uint(0)
        assert link.ask(18, uint(2, 0, 0)) == SUCCESS + uint(11)
        assert link.ask(11, write(b"*IDN?", link_id=2)) == SUCCESS + uint(11, 0)
        assert link.ask(12, read(link_id=2)) == SUCCESS + uint(11, 0) + opaque(b"")
        assert link.ask(15, uint(2, 0, 0, 0)) == SUCCESS + uint(11)
        assert link.ask(11, write(b"*IDN?")) == SUCCESS + uint(0, 5)
        assert link.ask(procedure, body) == SUCCESS + uint(0)
        assert link.ask(11, write(b"*IDN?", link_id=2)) == SUCCESS + uint(0, 5)


def test_another_program_is_not_here(link):
    assert link.ask(10, program=1) == uint(1)
    assert link.ask(10, version=2) == uint(1)


def test_links_are_bounded(link):
    replies = [link.ask(10, uint(1, 0, 0) + opaque(b"inst0")) for _ in range(16)]
    assert [reply[4:8] for reply in replies] == [uint(0)] * 15 + [uint(9)]


def test_the_next_client_starts_anew(vxi, link):
    link.ask(11, write(b"half", flags=0))
    link.connection.close()
    came(vxi)
    with client(vxi) as connection:
        fresh = Link(vxi, connection)
        assert fresh.ask(12, read()) == SUCCESS + uint(4, 0) + opaque(b""), "the link was the other one's"
        assert fresh.took == PREFIX


@pytest.mark.parametrize(
    "hostile",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        uint(1 << 31 | LONGEST_RECORD + 1),
        uint(0) * 10,
        record(b"short"),
        record(uint(7, 1, 0, 0, 0, 0)),
        record(uint(7, 0, 3) + b"\0" * 40),
        record(call(11, uint(1, 0, 0, 8, 1 << 30))),
        record(call(10, uint(1, 0, 0) + opaque(b"x" * 300))),
        record(uint(7, 0, 2, PROGRAM, 1, 0, 0, 500) + b"x" * 500),
    ],
)
def test_hostile_bytes_close_the_connection(vxi, hostile):
    with client(vxi) as connection:
        connection.sendall(hostile)
        for _ in range(3):
            select.select(vxi.descriptors(), [], [], 0.05)
            vxi.receive(0)
        assert connection.recv(1) == b""
    with client(vxi) as connection:
        assert Link(vxi, connection).ask(0) == SUCCESS, "the next one is served"


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=200), max_size=20))
def test_whatever_comes_is_a_record_or_garbage(pieces):
    records = Records()
    try:
        for piece in pieces:
            records.add(piece)
            while (whole := records.next()) is not None:
                assert len(whole) <= LONGEST_RECORD
                parse_call(whole)
    except GarbageError as problem:
        assert str(problem)


@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5), st.integers(1, 4), st.integers(1, 50))
def test_records_come_out_whole(payloads, fragments, step):
    stream = b"".join(record(payload, min(fragments, len(payload))) for payload in payloads)
    records, got = Records(), []
    for at in range(0, len(stream), step):
        records.add(stream[at : at + step])
        while (whole := records.next()) is not None:
            got.append(whole)
    assert got == payloads
