import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.simulated.line import LONGEST_MESSAGE, Port, Wire, linked
from metrology.errors import ConfigError

BYTE_S = 10 / 9600


def test_a_message_arrives_when_its_last_byte_has():
    wire = Wire(9600)
    wire.receive(b"*IDN?\r\n", 1.0)
    assert wire.next_s(listening=True) == pytest.approx(1.0 + 7 * BYTE_S)
    assert wire.next_s(listening=False) == math.inf
    assert wire.message(1.0 + 6 * BYTE_S) == b""
    assert wire.message(1.0 + 8 * BYTE_S) == b"*IDN?\r"
    assert wire.message(9.0) == b""


def test_bytes_queue_behind_each_other():
    wire = Wire(9600)
    wire.receive(b"a\nb", 0.0)
    wire.receive(b"\n", 0.0)
    assert (wire.message(2.5 * BYTE_S), wire.message(3.5 * BYTE_S), wire.message(4.5 * BYTE_S)) == (b"a", b"", b"b")


def test_an_answer_leaves_byte_by_byte_and_never_early():
    wire = Wire(9600)
    wire.send(b"x" * 40, 2.0)
    assert wire.next_s(listening=True) == pytest.approx(2.0 + BYTE_S)
    assert wire.outgoing(2.0 + 1.01 * BYTE_S) == b"x"
    assert wire.outgoing(2.0 + 16.9 * BYTE_S) == b""
    assert len(wire.outgoing(2.0 + 33.1 * BYTE_S)) == 32
    wire.send(b"y", 2.0)
    assert wire.outgoing(2.0 + 41.1 * BYTE_S) == b"x" * 7 + b"y"


def test_no_baud_rate_is_no_delay():
    wire = Wire(0)
    wire.receive(b"?\n", 5.0)
    wire.send(b"z" * 100, 5.0)
    assert (wire.message(5.0), wire.outgoing(5.0)) == (b"?", b"z" * 100)


def test_a_message_too_long_is_thrown_away_and_told():
    wire = Wire(0)
    wire.receive(b"x" * (LONGEST_MESSAGE + 1) + b"\nok\n", 0.0)
    assert (wire.message(0.0), wire.message(0.0), wire.message(0.0)) == (None, b"ok", b"")


def test_what_is_held_is_bounded():
    wire = Wire(0)
    for _ in range(3 * LONGEST_MESSAGE):
        wire.receive(b"x\n\n", 0.0)
    held = 0
    while wire.message(0.0) != b"":
        held += 1
    assert held == LONGEST_MESSAGE + 1


@given(
    st.lists(st.tuples(st.binary(max_size=60).filter(lambda data: b"\n" not in data), st.floats(0, 0.1)), max_size=8)
)
def test_messages_come_out_whole_and_in_order(turns):
    wire, now_s, got = Wire(9600), 0.0, []
    for data, pause_s in turns:
        now_s += pause_s
        wire.receive(data + b"\n", now_s)
    while (message := wire.message(math.inf)) != b"":
        got.append(message)
    assert got == [data for data, _ in turns if data]


def test_a_port_is_raw_and_outlives_its_readers():
    port = Port()
    try:
        for _ in range(2):
            reader = os.open(port.name, os.O_RDWR | os.O_NOCTTY)
            os.write(reader, b"\x03a\n\x04")
            assert port.read() == b"\x03a\n\x04"
            port.write(b"b\r\n")
            assert os.read(reader, 9) == b"b\r\n"
            os.close(reader)
        assert port.read() == b""
        for _ in range(200):
            port.write(b"nobody reads this" * 10)
    finally:
        port.close()


def test_a_link_is_made_replaced_and_removed(tmp_path):
    link = tmp_path / "wt"
    link.symlink_to("/dev/pts/gone")
    with linked(link, "/dev/null"):
        assert link.readlink().as_posix() == "/dev/null"
        with linked(link, "/dev/zero"):
            pass
        assert not link.is_symlink()
    link.symlink_to("/dev/full")
    with linked(link, "/dev/null"):
        link.unlink()
        link.symlink_to("/dev/full")
    assert link.readlink().as_posix() == "/dev/full", "another one's link is left alone"
    assert [path.name for path in tmp_path.iterdir()] == ["wt"]


def test_what_is_no_link_is_not_overwritten(tmp_path):
    (tmp_path / "data").write_text("precious")
    with pytest.raises(ConfigError, match="no symbolic link"), linked(tmp_path / "data", "/dev/null"):
        pass
    assert (tmp_path / "data").read_text() == "precious"
    with pytest.raises(ConfigError, match="cannot be made"), linked(tmp_path / "none" / "wt", "/dev/null"):
        pass
