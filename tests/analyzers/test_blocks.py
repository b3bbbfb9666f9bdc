"""Values as blocks of floats: the blocks themselves, the lines that carry them, and the driver that reads them."""

import io
import os
import struct
import subprocess
import sys
import tty
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyzers.driver import Wanted
from analyzers.drivers import driver_for
from analyzers.drivers.wt310 import WT310, WT330Multichannel
from analyzers.drivers.yokogawa_values import parse_floats, parse_reading
from analyzers.ptd.command import parser as command_parser
from analyzers.ptd.report import Log
from analyzers.ptd.serving import connect
from analyzers.transport import SerialTransport, SocketTransport, VisaTransport
from analyzers.transport.block import MOST_BYTES, block_end, line_end_after_block, split_block
from director.analyzer_config import AnalyzerConfig
from metrology.errors import ConfigError, InstrumentError
from metrology.reading import Validity

WATTRIG = Path(sys.executable).with_name("wattrig")


def block(body: bytes, digits: int = 0) -> bytes:
    number = str(len(body)).zfill(digits)
    return f"#{len(number)}{number}".encode() + body


@given(st.binary(max_size=300), st.integers(0, 9), st.from_regex(rb"[;0-9.E+]{0,30}\r?\n", fullmatch=True))
@example(b"\n#15\r\n", 4, b";1\n")
def test_a_block_ends_where_it_says_whatever_its_bytes(body: bytes, digits: int, rest: bytes) -> None:
    answer = block(body, digits) + rest
    assert line_end_after_block(answer) == len(answer) - 1
    assert split_block(answer) == (body, rest)
    for cut in range(len(answer)):
        assert line_end_after_block(answer[:cut]) == -1


@given(st.one_of(st.binary(max_size=40), st.binary(max_size=20).map(lambda tail: b"#" + tail)))
@example(b"#0123\n")
@example(b"#9999999999\n")
@example(b"#1\xb2x\n")
@example(b"#+1x\n")
def test_no_bytes_are_more_than_refused(answer: bytes) -> None:
    try:
        end = block_end(answer)
    except ValueError as problem:
        assert str(problem).startswith("got ")
        return
    assert end is None or 2 < end <= MOST_BYTES + 11
    assert line_end_after_block(answer) < len(answer)


@given(st.binary(max_size=60))
def test_floats_are_read_or_refused(body: bytes) -> None:
    if len(body) % 4:
        with pytest.raises(ValueError, match="expected 4 for each"):
            parse_floats(body)
    elif body:
        values = [float(text) for text in parse_floats(body).split(",")]
        true = [value for (value,) in struct.iter_unpack(">f", body)]
        assert np.array_equal(np.float32(values), np.float32(true), equal_nan=True)


@pytest.mark.parametrize("bits", [0x7E951BEE, 0x7E94F56A, 0x7FC00000, 0x7F800000])
def test_what_stands_for_no_value_is_a_bad_reading(bits: int) -> None:
    values = parse_floats(struct.pack(">ffI2f", 230.0, 0.5, bits, 0.9, 50.0)).split(",")
    assert parse_reading(values, peak_over=False).validity is Validity.BAD


def test_a_serial_line_carries_a_block_in_pieces() -> None:
    far, near = os.openpty()
    tty.setraw(near)
    line = SerialTransport(os.ttyname(near))
    try:
        answer = block(b"\n\r\n\x00\xff#1") + b";0.5;7\r\n"
        for part in (answer[:1], answer[1:6], answer[6:]):
            os.write(far, part)
        assert line.read_block(1.0)[:2] == (b"\n\r\n\x00\xff#1", ";0.5;7")
        os.write(far, b"230.0;0.5\r\n")
        with pytest.raises(InstrumentError, match="no block of values"):
            line.read_block(1.0)
        line.clear()
        os.write(far, block(bytes(20))[:9])
        with pytest.raises(InstrumentError, match="did not answer"):
            line.read_block(0.2)
    finally:
        line.close()
        os.close(far)
        os.close(near)


NO_ERROR = (":STAT:ERR?", '0,"No error"')
OPENING = [
    "", ("*IDN?", "YOKOGAWA,WT310E,C3XA04010E,F1.04"), ":COMM:REM ON", ":COMM:HEAD OFF;:COMM:VERB OFF", "*CLS",
    (":INTEG:STATE?", "RES"),
    ":MEAS:AVER OFF;:MEAS:MHOL OFF;:INP:MODE RMS;:SYNC CURR;:FILT:LINE OFF", NO_ERROR,
    ":NUM:FORM ASC;:NUM:NORM:NUM 5", NO_ERROR,
    ":NUM:NORM:ITEM1 U,1;ITEM2 I,1;ITEM3 P,1;ITEM4 LAMB,1;ITEM5 FU,1", NO_ERROR,
    ":RATE 250MS;:STAT:FILT1 FALL", NO_ERROR, (":CFAC?", "3"),
]  # fmt: skip
SAMPLE = ":COMM:WAIT 1;:NUM:NORM:VAL?;:CURR:RANG?;:VOLT:RANG?;:STAT:COND?;:STAT:EESR?"
FORM_FLOATS, FORM_TEXT = (":NUM:FORM FLO", NO_ERROR), (":NUM:FORM ASC", NO_ERROR)


def begun(period: str) -> list[object]:
    return [f":RATE {period};:STAT:FILT1 FALL", NO_ERROR, (":STAT:EESR?", "0")]


@pytest.mark.parametrize(
    ("readout", "baud", "interval_ms", "binary"),
    [
        ("binary", 0, 1000, True),
        (None, 0, 1000, False),
        ("ascii", 0, 1000, False),
        (None, 9600, 250, False),
        (None, 17000, 100, False),
        (None, 14400, 100, True),
    ],
)
def test_values_come_in_binary_where_that_is_asked_for_or_alone_fits(
    scripted, readout: str | None, baud: int, interval_ms: int, binary: bool
) -> None:
    period = f"{interval_ms}MS" if interval_ms < 1000 else "1S"
    values = struct.pack(">5f", 206.06, 1.208, 233.9, 0.9396, 60.0)
    rest = ";2.000E+00;300.0E+00;0;1"
    sample = block(values, 4) + rest.encode() if binary else "206.06,1.208,233.9,0.9396,60.0" + rest
    switched = [*FORM_FLOATS] if binary else []
    back = [*FORM_TEXT] if binary else []
    line = scripted(*OPENING, *switched, *begun(period), (SAMPLE, sample), *back, ":RATE 250MS", NO_ERROR)
    line.byte_s = 10 / baud if baud else 0.0
    driver = WT310()
    driver.open(line, Wanted(readout=readout))
    driver.begin(interval_ms)
    measured = driver.read(1.0)
    assert measured.total.fields() == pytest.approx((233.9, 206.06, 1.208, 0.9396), rel=1e-7)
    assert measured.raw.endswith(rest)
    driver.end()


def test_a_block_with_other_than_the_values_asked_for_is_garbled(scripted) -> None:
    answer = block(bytes(16), 4) + b";2.000E+00;300.0E+00;0;1"
    driver = WT310()
    driver.open(scripted(*OPENING, *FORM_FLOATS, *begun("1S"), (SAMPLE, answer)), Wanted(readout="binary"))
    driver.begin(1000)
    with pytest.raises(InstrumentError, match="answered"):
        driver.read(1.0)


@pytest.mark.parametrize("front", ["--pty", "--tcp", "--vxi11"])
def test_both_readouts_show_the_same_on_every_line(front: str, tmp_path: Path) -> None:
    """Three channels at 9600 baud: 250 ms are too short for text, and enough for floats."""
    port = str(tmp_path / "wt") if front == "--pty" else "0"
    command = [WATTRIG, "simulate", "wt333e", front, port, "--load", "constant", "--watts", "100"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as simulator:
        assert simulator.stdout is not None
        name = simulator.stdout.readline().split(": ")[0]
        try:
            shown = [read_three(line_to(front, name), readout) for readout in ("ascii", "binary")]
        finally:
            simulator.terminate()
    for ascii_w, binary_w in zip(*shown, strict=True):
        assert ascii_w == pytest.approx(binary_w, rel=1e-4)
    assert shown[1] == pytest.approx([100, 50, 30, 20], rel=1e-6)


def line_to(front: str, name: str) -> SerialTransport | SocketTransport | VisaTransport:
    if front == "--pty":
        return SerialTransport(name)
    return SocketTransport("127.0.0.1", int(name.split(":")[1])) if front == "--tcp" else VisaTransport(name)


def read_three(line: SerialTransport | SocketTransport | VisaTransport, readout: str) -> list[float]:
    driver = WT330Multichannel()
    driver.open(line, Wanted((1, 2, 3), readout=readout))
    driver.set_range("V", 300.0)
    driver.set_range("A", 0.5)
    if line.byte_s and readout == "ascii":
        with pytest.raises(InstrumentError, match="too slow for updates of 250 ms"):
            driver.begin(250)
    driver.begin(500 if line.byte_s and readout == "ascii" else 250)
    samples = [driver.read(3.0) for _ in range(4)]
    driver.end()
    assert driver.read(3.0).total.usable
    driver.close()
    assert not any(sample.missed for sample in samples)
    return [samples[-1].total.power_w, *(channel.power_w for channel in samples[-1].channels)]


def test_what_is_read_as_text_alone_is_refused_in_binary() -> None:
    options = command_parser().parse_args(["--readout", "binary", "57", "/dev/null"])
    with pytest.raises(ConfigError, match="a Hioki PW3335 is not read in binary"):
        connect(options, driver_for(57), Log(io.StringIO()))


def test_a_station_says_how_values_are_read() -> None:
    analyzer = AnalyzerConfig(device_type=77, device_port="/dev/ttyUSB0", channel=(1, 3), readout="binary")
    command = analyzer.command(Path("log"), 8888)
    assert command[command.index("--readout") + 1] == "binary"
    with pytest.raises(ValueError, match="'readout' is for wattrig-ptd"):
        AnalyzerConfig(ptd="ptd-linux-x86", device_type=49, device_port="x", readout="ascii")
