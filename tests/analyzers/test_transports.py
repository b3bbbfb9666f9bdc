"""The lines to an instrument, each against a real other end: what they carry, and how they fail."""

import gc
import os
import pty
import re
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
import tty
from dataclasses import replace
from pathlib import Path

import pytest

from analyzers.driver import Family
from analyzers.transport import (
    LONGEST_ANSWER,
    SerialTransport,
    SocketTransport,
    UsbTmcTransport,
    VisaTransport,
    ask,
    check_pace,
    choice,
)
from analyzers.transport.choice import open_transport
from analyzers.transport.usbtmc import AUTO_ABORT, CLEAR, SET_TIMEOUT, file_of_serial_number
from metrology.errors import ConfigError, InstrumentAbsentError, InstrumentError

WATTRIG = Path(sys.executable).with_name("wattrig")


@pytest.fixture
def peer():
    """A socket transport, and the instrument's end of its connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        transport = SocketTransport("127.0.0.1", listener.getsockname()[1], "\r\n")
        connection, _ = listener.accept()
        with connection:
            yield transport, connection
        transport.close()


def test_a_socket_carries_lines(peer):
    transport, instrument = peer
    instrument.sendall(b"YOKOGAWA,WT310E,1,2\r\n")
    assert ask(transport, "*IDN?") == "YOKOGAWA,WT310E,1,2"
    assert instrument.recv(100) == b"*IDN?\r\n"
    assert transport.byte_s == 0


def test_an_answer_in_pieces_is_stamped_at_its_first_byte(peer):
    transport, instrument = peer
    instrument.sendall(b"1.0")
    later = threading.Timer(0.3, instrument.sendall, [b"5\n2.0\n"])
    later.start()
    before_ns = time.monotonic_ns()
    text, t_utc_ns, t_mono_ns = transport.read(2.0)
    assert text == "1.05"
    assert t_mono_ns - before_ns < 100e6
    assert abs(time.time_ns() - t_utc_ns - (time.monotonic_ns() - t_mono_ns)) < 50e6
    assert transport.read(0.0)[0] == "2.0", "what came with it needs no more waiting"
    later.join()


def test_silence_ends_in_time(peer):
    transport, instrument = peer
    instrument.sendall(b"half an answer")
    began_s = time.monotonic()
    with pytest.raises(InstrumentError, match=r"did not answer within 0\.3 s"):
        transport.read(0.3)
    assert 0.25 < time.monotonic() - began_s < 1
    transport.clear()
    instrument.sendall(b"fresh\n")
    assert transport.read(1.0)[0] == "fresh"


def test_a_closed_connection_is_an_error_at_once(peer):
    transport, instrument = peer
    instrument.close()
    began_s = time.monotonic()
    with pytest.raises(InstrumentError, match="closed the connection"):
        transport.read(5.0)
    with pytest.raises(InstrumentError, match="clearing"):
        transport.clear()
    transport.write("the first one is not yet known to be lost")
    time.sleep(0.05)
    with pytest.raises(InstrumentError, match=r"writing '\*IDN\?'"):
        transport.write("*IDN?")
    assert time.monotonic() - began_s < 3


def test_an_endless_answer_is_refused(peer):
    transport, instrument = peer
    sending = threading.Thread(target=instrument.sendall, args=(b"x" * (LONGEST_ANSWER + 9),))
    sending.start()
    with pytest.raises(InstrumentError, match="without a line end"):
        transport.read(5.0)
    sending.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-host.invalid", "x" * 300])
def test_nobody_at_the_socket(host):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(InstrumentAbsentError, match="no connection to an instrument"):
        SocketTransport(host, port)


def test_a_serial_line_tells_what_it_can_carry():
    ours, theirs = pty.openpty()
    try:
        transport = SerialTransport(os.ttyname(theirs), 9600, "\n")
        check_pace(transport, 200, 250)
        with pytest.raises(InstrumentError) as problem:
            check_pace(transport, 200, 100)
        assert "200 bytes of 10 bits, 208 ms at 9600 baud" in problem.value.message
        transport.write("A")
        assert os.read(ours, 9) == b"A\n"
        transport.close()
    finally:
        os.close(ours)
        os.close(theirs)


class Kernel:
    """Stands in for the kernel's USB-TMC driver on a pty: notes requests, and has reads time out as asked."""

    def __init__(self):
        self.requests = []

    def ioctl(self, fd, request, argument):
        self.requests.append(request)
        if request == SET_TIMEOUT:
            attributes = termios.tcgetattr(fd)
            attributes[6][termios.VMIN] = 0
            attributes[6][termios.VTIME] = struct.unpack("I", argument)[0] // 100
            termios.tcsetattr(fd, termios.TCSANOW, attributes)
        if request == AUTO_ABORT:
            raise OSError("an old kernel")


@pytest.fixture
def usb():
    """A USB-TMC transport on a pty, and the instrument's end of it."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    kernel = Kernel()
    transport = UsbTmcTransport(os.ttyname(theirs), kernel.ioctl)
    yield transport, ours, kernel
    transport.close()
    transport.close()
    os.close(theirs)
    os.close(ours)


def test_usb_tmc_carries_messages(usb):
    transport, instrument, kernel = usb
    os.write(instrument, b"YOKOGAWA,WT310E,1,2\n")
    assert ask(transport, "*IDN?") == "YOKOGAWA,WT310E,1,2"
    assert os.read(instrument, 100) == b"*IDN?\n"
    transport.clear()
    assert kernel.requests.count(CLEAR) == 1
    began_s = time.monotonic()
    with pytest.raises(InstrumentError, match=r"did not answer within 0\.4 s"):
        transport.read(0.4)
    assert time.monotonic() - began_s < 1


def test_a_usb_instrument_has_one_program(usb):
    transport, _, _ = usb
    with pytest.raises(InstrumentAbsentError, match="cannot be opened"):
        UsbTmcTransport(transport.port, Kernel().ioctl)
    with pytest.raises(InstrumentAbsentError, match="No such file"):
        UsbTmcTransport("/dev/usbtmc99")


def test_a_file_that_is_no_usb_instrument():
    with pytest.raises(InstrumentAbsentError, match="ioctl"):
        UsbTmcTransport("/dev/null")


def test_a_device_file_is_found_by_serial_number(tmp_path):
    for number, serial in enumerate(("C2PH13047V", "91L222238")):
        device = tmp_path / "devices" / f"1-{number}"
        (device / "interface").mkdir(parents=True)
        (device / "serial").write_text(f"{serial}\n")
        entry = tmp_path / "usbmisc" / f"usbtmc{number}"
        entry.mkdir(parents=True)
        (entry / "device").symlink_to(device / "interface")
    assert file_of_serial_number("91L222238", tmp_path / "usbmisc") == "/dev/usbtmc1"
    with pytest.raises(InstrumentAbsentError, match=r"'X'; those found: C2PH13047V \(/dev/usbtmc0\), 91L2"):
        file_of_serial_number("X", tmp_path / "usbmisc")
    with pytest.raises(InstrumentAbsentError, match="those found: none"):
        file_of_serial_number("X", tmp_path / "none")


@pytest.fixture
def vxi11():
    """The resource name of a simulated instrument on VXI-11, and its process."""
    command = [WATTRIG, "simulate", "wt310e", "--vxi11", "0", "--load", "constant"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().split(": ")[0], process
        process.kill()


def test_vxi11_carries_messages(vxi11):
    name, _ = vxi11
    assert re.fullmatch(r"TCPIP::127\.0\.0\.1,\d+::INSTR", name)
    for _ in range(2):
        transport = VisaTransport(name)
        transport.clear()
        assert ask(transport, "*IDN?") == "YOKOGAWA,WT310E,SIMULATED,F1.04"
        began_s = time.monotonic()
        with pytest.raises(InstrumentError, match=r"did not answer within 1\.2 s"):
            transport.read(1.2)
        assert 1.1 < time.monotonic() - began_s < 1.6
        assert ask(transport, "*OPC?") == "1", "a time-out leaves the line as it was"
        transport.close()


def test_vxi11_that_another_program_has_locked(vxi11, monkeypatch):
    """The simulated instrument has one client at a time; a true one answers the second's lock with error 11."""
    monkeypatch.setattr("pyvisa_py.protocols.vxi11.CoreClient.device_lock", lambda *_: 11)
    with pytest.raises(InstrumentAbsentError, match="another program has locked it"):
        VisaTransport(vxi11[0])


def test_vxi11_without_locks_is_read_all_the_same(vxi11, monkeypatch):
    monkeypatch.setattr("pyvisa_py.protocols.vxi11.CoreClient.device_lock", lambda *_: 8)
    transport = VisaTransport(vxi11[0])
    assert ask(transport, "*OPC?") == "1"
    transport.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_vxi11_that_has_gone(vxi11):
    name, process = vxi11
    transport = VisaTransport(name)
    process.kill()
    process.wait()
    began_s = time.monotonic()
    with pytest.raises(InstrumentError, match="reading from"):
        transport.read(10.0)
    with pytest.raises(InstrumentError, match="writing"):
        transport.write("*IDN?")
    transport.close()
    with pytest.raises(InstrumentError, match="writing"):
        transport.write("*IDN?")
    assert time.monotonic() - began_s < 10
    gc.collect()  # pyvisa-py leaves sockets that failed to be closed this way


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "name", ["TCPIP::127.0.0.1,1::INSTR", "GPIB0::1::INSTR", "nonsense::", "USB0::1::2::3::INSTR"]
)
def test_visa_resources_that_are_not_there(name):
    with pytest.raises(InstrumentAbsentError) as problem:
        VisaTransport(name)
    assert problem.value.message.startswith(f"the VISA resource '{name}' cannot be opened: ")
    assert "\n" not in problem.value.message
    assert problem.value.hint
    del problem
    gc.collect()


ALL = Family(1, "Maker X1", ".*", "test", interfaces=("serial", "usbtmc", "gpib", "vxi11"), baud=19200)
RAW = replace(ALL, interfaces=("serial", "socket"), socket_port=3300, terminator="\n")


@pytest.fixture
def opened(monkeypatch):
    """What was opened, with what."""
    calls = []
    for name in ("SerialTransport", "SocketTransport", "UsbTmcTransport", "VisaTransport"):
        monkeypatch.setattr(choice, name, lambda *args, name=name: calls.append((name, *args)))
    monkeypatch.setattr(choice, "file_of_serial_number", lambda number: f"/dev/usbtmc-of-{number}")
    return calls


@pytest.mark.parametrize(
    ("family", "port", "options", "expected"),
    [
        (ALL, "/dev/ttyUSB0", {}, ("SerialTransport", "/dev/ttyUSB0", 19200, "\r\n")),
        (ALL, "/dev/ttyUSB0", {"baud": 38400}, ("SerialTransport", "/dev/ttyUSB0", 38400, "\r\n")),
        (ALL, "/dev/usbtmc0", {}, ("UsbTmcTransport", "/dev/usbtmc0")),
        (ALL, "/dev/usbtmc0", {"flag": "U"}, ("UsbTmcTransport", "/dev/usbtmc0")),
        (ALL, "C2PH13", {"flag": "U"}, ("UsbTmcTransport", "/dev/usbtmc-of-C2PH13")),
        (ALL, "C2PH13", {"flag": "y"}, ("UsbTmcTransport", "/dev/usbtmc-of-C2PH13")),
        (ALL, "10.0.0.5", {"flag": "y"}, ("VisaTransport", "TCPIP::10.0.0.5::INSTR")),
        (ALL, "10.0.0.5:1024", {"flag": "y"}, ("VisaTransport", "TCPIP::10.0.0.5,1024::INSTR")),
        (ALL, "10.0.0.5", {"flag": "n"}, ("VisaTransport", "TCPIP::10.0.0.5::INSTR")),
        (ALL, "10.0.0.5:1024", {"flag": "n"}, ("VisaTransport", "TCPIP::10.0.0.5,1024::INSTR")),
        (RAW, "meter.lab", {"flag": "n"}, ("SocketTransport", "meter.lab", 3300, "\n")),
        (RAW, "meter.lab:99", {"flag": "n"}, ("SocketTransport", "meter.lab", 99, "\n")),
        (ALL, "7", {"flag": "g"}, ("VisaTransport", "GPIB0::7::INSTR")),
        (ALL, "7", {"flag": "g", "board": 2}, ("VisaTransport", "GPIB2::7::INSTR")),
        (ALL, "TCPIP::a::INSTR", {}, ("VisaTransport", "TCPIP::a::INSTR")),
        (ALL, "USB0::1::2::3::INSTR", {"flag": "U"}, ("VisaTransport", "USB0::1::2::3::INSTR")),
        (RAW, "TCPIP0::a::99::SOCKET", {}, ("SocketTransport", "a", 99, "\n")),
        (RAW, "ASRL/dev/ttyS0::INSTR", {}, ("SerialTransport", "/dev/ttyS0", 19200, "\n")),
    ],
)  # fmt: skip
def test_what_a_command_line_means(opened, family, port, options, expected):
    open_transport(family, port, **options)
    assert opened == [expected]


@pytest.mark.parametrize(
    ("family", "port", "flag", "message"),
    [
        (RAW, "/dev/usbtmc0", None, "the Maker X1 cannot be reached by USB"),
        (RAW, "7", "g", "cannot be reached by -g"),
        (RAW, "10.0.0.5", "y", "cannot be reached by -y with an IP address"),
        (replace(ALL, interfaces=("usbtmc",)), "/dev/ttyS0", None, "cannot be reached by a serial port"),
        (replace(ALL, interfaces=("serial",)), "10.0.0.5", "n", "cannot be reached by -n"),
        (ALL, "31", "g", "got GPIB address '31', expected 0 to 30"),
        (ALL, "x", "g", "got GPIB address 'x'"),
        (ALL, "a b", "n", "got DEVICE_PORT 'a b' with -n, expected HOST or HOST:PORT"),
        (ALL, "a:70000", "n", "got DEVICE_PORT 'a:70000'"),
    ],
)
def test_what_cannot_be_meant(opened, family, port, flag, message):
    with pytest.raises(ConfigError, match=message):
        open_transport(family, port, flag)
    assert opened == []


def test_the_requests_are_those_of_the_kernel():
    def request(number, size):
        return bool(size) << 30 | size << 16 | 0x5B << 8 | number

    assert [request(2, 0), request(10, 4), request(25, 1)] == [CLEAR, SET_TIMEOUT, AUTO_ABORT]


def test_why_a_serial_port_cannot_be_opened_is_said_once(tmp_path):
    with pytest.raises(InstrumentAbsentError) as problem:
        SerialTransport(str(tmp_path / "none"))
    assert problem.value.message.endswith("none' cannot be opened: there is no such port")
    master, slave = os.openpty()
    try:
        held = SerialTransport(os.ttyname(slave))
        with pytest.raises(InstrumentAbsentError, match="cannot be opened: another program has it open"):
            SerialTransport(os.ttyname(slave))
        held.close()
    finally:
        os.close(master)
        os.close(slave)
