"""`wattrig-ptd` as a process: what it is told, what it leaves behind, and how it ends."""

import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from analyzers.driver import Family, Wanted
from analyzers.drivers import KNOWN
from analyzers.ptd.channels import wanted
from analyzers.ptd.identity import RELEASED
from evidence.ptd_protocol import parse_identity, parse_sample
from metrology.errors import ConfigError

Start = Callable[..., Any]
SAMPLE = re.compile(
    r"Time,\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d{3},"
    r"Watts,23\.310000,Volts,120\.000000,Amps,0\.194250,PF,1\.000000,Mark,\w+"
)


@pytest.fixture
def simulated(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A simulated WT310E on a port of its own, at 9600 baud."""
    port = tmp_path / "wt310e"
    command = [Path(sys.executable).with_name("wattrig"), "simulate", "wt310e", "--pty", port, "--load", "constant"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "SIMULATED" in process.stdout.readline()
        yield port, process
        process.kill()


def test_a_measurement_with_the_dummy(start: Start, tmp_path: Path) -> None:
    began_s = time.monotonic()
    daemon = start("-l", tmp_path / "samples", "0", "none")
    daemon.connect()
    assert daemon.ask("Hello") == "Hello, PTDaemon here!"
    assert time.monotonic() - began_s < 5
    identity = parse_identity(daemon.ask("Identify"))
    assert identity.is_simulated
    assert re.fullmatch(r"wattrig_[\d.]+-[0-9a-f]{8}-20\d{6}", identity.version)
    daemon.ask("Go,100,0,S_ranging")
    while int(daemon.ask("Watts").split(",")[4]) < 3:
        time.sleep(0.02)
    on_disk = (tmp_path / "samples").read_text().splitlines()
    assert len(on_disk) >= 3
    assert all(SAMPLE.fullmatch(line) for line in on_disk)
    daemon.ask("Stop")
    daemon.popen.send_signal(signal.SIGTERM)
    assert daemon.ended() == (0, "")
    text = "".join(daemon.lines)
    order = [
        "Selected power analyzer 'Dummy (testing only)' from dummy.py\n",
        "Redirecting data output to file",
        ": Attempting to connect to measurement device type 0...\n",
        ": Analyzer identity response of 29 bytes: wattrig,DUMMY,SIMULATED,1.0\n\n",
        ": Uncertainty checking for Dummy is activated\n",
        ": Connected to Dummy successfully\n",
        f": Establishing the listener on port {daemon.port}...\n",
        ": Waiting for a connection...\n",
        ": Accepted connection from 127.0.0.1:",
        ": Response to client sent: Hello, PTDaemon here!\n",
        ": Go with mark 'S_ranging'\n",
        ": Stop command received\n",
        ": Completed test\n",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


def test_killed_at_any_moment_it_leaves_whole_lines(start: Start, tmp_path: Path) -> None:
    daemon = start("-l", tmp_path / "samples", "0", "none")
    daemon.connect()
    daemon.ask("Go,100,0,S")
    while (count := int(daemon.ask("Watts").split(",")[4])) < 5:
        time.sleep(0.02)
    daemon.popen.kill()
    lines = (tmp_path / "samples").read_text().splitlines()
    assert len(lines) >= count
    assert all(SAMPLE.fullmatch(line) for line in lines)


def test_a_pause_of_the_process_shows_as_missed_samples(start: Start, tmp_path: Path) -> None:
    daemon = start("-l", tmp_path / "samples", "0", "none")
    daemon.connect()
    daemon.ask("Go,100,0,S")
    while int(daemon.ask("Watts").split(",")[4]) < 2:
        time.sleep(0.02)
    daemon.popen.send_signal(signal.SIGSTOP)
    time.sleep(0.65)
    daemon.popen.send_signal(signal.SIGCONT)
    missed = int(daemon.wait_for("WARNING: Missed ").split()[-2])
    assert 4 <= missed <= 9
    samples = [line.split(",") for line in (tmp_path / "samples").read_text().splitlines()]
    at = next(index for index, fields in enumerate(samples) if fields[3] == "-2.000000")
    gap = samples[at : at + missed]
    assert all(fields[3] == "-2.000000" and fields[1] == samples[at - 1][1] for fields in gap)
    assert samples[at + missed][3] == "23.310000"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_within_a_run_ends_it_cleanly(start: Start, number: signal.Signals) -> None:
    daemon = start("0", "none")
    daemon.connect()
    daemon.ask("Go,100,0,S")
    daemon.popen.send_signal(number)
    code, errors = daemon.ended()
    assert (code, errors) == (0, "")
    assert any("Completed test" in line for line in daemon.lines)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", daemon.port), timeout=1)


def test_the_end_of_whoever_reads_its_log_is_its_end(start: Start) -> None:
    daemon = start("0", "none")
    daemon.connect()
    daemon.ask("Go,100,0,S")
    daemon.stdout.close()
    daemon.disconnect()
    assert daemon.popen.wait(20) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "the following arguments are required: TYPE, PORT"),
        (("0",), "the following arguments are required: PORT"),
        (("x", "none"), "invalid int value: 'x'"),
        (("-X", "0", "none"), "unrecognized arguments: -X"),
        (("12345", "none"), "there is no driver for device type 12345"),
        (("53", "none"), "take type 77 with -c 1,3"),
        (("49", "/dev/none-such"), "the serial port '/dev/none-such' cannot be opened"),
        (("-n", "49", "no host"), "got DEVICE_PORT 'no host' with -n, expected HOST or HOST:PORT"),
        (("-n", "49", "127.0.0.1:1"), "'TCPIP::127.0.0.1,1::INSTR' cannot be opened"),
        (("-g", "-b", "0", "49", "1"), "'GPIB0::1::INSTR' cannot be opened"),
        (("-y", "49", "127.0.0.1:1"), "'TCPIP::127.0.0.1,1::INSTR' cannot be opened"),
        (("-U", "49", "C2none"), "no USB-TMC instrument has the serial number 'C2none'"),
        (("-D", "77", "none"), "device type 77 cannot measure DC here"),
        (("-c", "2", "0", "none"), "got -c 2, expected the channel of the Dummy (testing only) to read, 1 to 1"),
        (("-c", "all", "0", "none"), "got -c all, expected the channel of the Dummy"),
        (("-B", "0", "49", "none"), "got -B 0, expected a baud rate"),
        (("-b", "-1", "49", "none"), "got -b -1, expected the number of a GPIB board"),
        (("-l", "/none/such", "0", "none"), "the log file '/none/such' cannot be written"),
        (("-p", "99999", "0", "none"), "TCP port 99999 cannot be used"),
    ],
)
def test_what_cannot_be_done_is_refused_with_one_clear_error(
    start: Start, arguments: tuple[str, ...], message: str
) -> None:
    code, errors = start(*arguments).ended()
    assert code == 1
    assert errors.startswith("wattrig-ptd: ")
    assert message in errors
    assert "Traceback" not in errors
    assert errors.count("\n") <= 2


def test_a_port_in_use(start: Start) -> None:
    first = start("0", "none")
    first.wait_for("Waiting for a connection")
    second = start("-p", str(first.port), "0", "none")
    code, errors = second.ended()
    assert code == 1
    assert f"TCP port {first.port} cannot be used" in errors


def test_the_help_lists_the_devices(start: Start) -> None:
    daemon = start("-h")
    assert daemon.ended() == (0, "")
    listed = re.findall(r"^ +(\d+)  (\S.*)$", "".join(daemon.lines), re.MULTILINE)
    assert [int(number) for number, _ in listed] == sorted(KNOWN)
    assert dict(listed)["49"] == "Yokogawa WT310"


def test_the_day_of_this_release_is_written_down(start: Start) -> None:
    daemon = start("0", "none")
    assert daemon.wait_for("wattrig-ptd, version ").strip().rpartition("-")[2] in RELEASED.values()


@pytest.mark.parametrize("answer", [b"ACME,SCOPE,1,2\r\n", b""])
def test_another_instrument_or_none_is_refused_in_time(start: Start, answer: bytes) -> None:
    ours, theirs = pty.openpty()
    answering = threading.Thread(target=answer_always, args=(ours, answer))
    answering.start()
    began_s = time.monotonic()
    code, errors = start("49", os.ttyname(theirs)).ended()
    assert time.monotonic() - began_s < 10
    assert code == 1
    assert errors.startswith("wattrig-ptd: ")
    os.close(theirs)
    answering.join()
    os.close(ours)


def answer_always(port: int, answer: bytes) -> None:
    """Answer whatever comes the same, until the other end is closed."""
    while True:
        try:
            if not os.read(port, 1024):
                return
            os.write(port, answer)
        except OSError:
            return


@pytest.mark.alone
def test_with_the_simulated_wt310e(start: Start, simulated: tuple[Path, Any], tmp_path: Path) -> None:
    began_s = time.monotonic()
    daemon = start("-l", tmp_path / "samples", "49", simulated[0])
    daemon.connect()
    identity = parse_identity(daemon.ask("Identify"))
    assert time.monotonic() - began_s < 5  # 2 s on an idle machine
    assert (identity.driver, identity.is_simulated) == ("YokogawaWT310E", True)
    assert daemon.ask("SR,V,230.1") == "Range V changed"
    assert daemon.ask("SR,A,0.55") == "Range A changed"
    assert daemon.ask("RR") == "Ranges,0,1.000000,0,300.000000"
    daemon.ask("Go,500,0,S_testing")
    while int(daemon.ask("Watts").split(",")[4]) < 3:
        time.sleep(0.05)
    daemon.ask("Stop")
    assert daemon.ask("Uncertainty").split(",")[5] == "0"
    count = int(daemon.ask("RL").split()[1])
    samples = [parse_sample(daemon.reply()) for _ in range(count)]
    steps_ms = [(b.t_utc_ns - a.t_utc_ns) / 1e6 for a, b in pairwise(samples)]
    assert all(400 < step < 600 for step in steps_ms)
    assert all(abs(sample.total.power_w - 100) < 1 for sample in samples)
    daemon.popen.terminate()
    assert daemon.ended() == (0, "")
    assert re.search(r": Uncertainty checking for Yokogawa\S+ is activated\n", "".join(daemon.lines))


def test_the_loss_of_the_instrument_ends_it_at_once(start: Start, simulated: tuple[Path, Any]) -> None:
    daemon = start("49", simulated[0])
    daemon.connect()
    daemon.ask("Go,500,0,S")
    simulated[1].kill()
    began_s = time.monotonic()
    daemon.wait_for("ERROR: The instrument is lost: ")
    assert time.monotonic() - began_s < 3
    assert daemon.ended() == (1, "")
    assert sum("ERROR: " in line for line in daemon.lines) == 1 + sum("evaluate" in line for line in daemon.lines)


MULTI = Family(77, "Maker X3", ".*", "test", multichannel=True, channels=3)
ONE_OF_THREE = Family(52, "Maker X3", ".*", "test", channels=3)


@pytest.mark.parametrize(
    ("channels", "family", "expected"),
    [
        ("1,3", MULTI, (1, 2, 3)),
        ("2,2", MULTI, (2, 3)),
        ("2", MULTI, (1, 2)),
        ("1", MULTI, (1,)),
        (None, ONE_OF_THREE, (1,)),
        ("3", ONE_OF_THREE, (3,)),
        ("3,1", ONE_OF_THREE, (3,)),
    ],
)
def test_channels_as_the_type_means_them(channels: str | None, family: Family, expected: tuple[int, ...]) -> None:
    assert wanted(channels, family) == Wanted(expected)


@pytest.mark.parametrize(
    ("channels", "family", "message"),
    [
        (None, MULTI, "got no -c, expected first channel and count, or count, of the 3 channels that a Maker X3 has"),
        ("2,3", MULTI, "got -c 2,3"),
        ("4", MULTI, "got -c 4"),
        ("0,1", MULTI, "got -c 0,1"),
        ("1,0", MULTI, "got -c 1,0"),
        ("4", ONE_OF_THREE, "got -c 4, expected the channel of the Maker X3 to read, 1 to 3"),
        ("1,2", ONE_OF_THREE, "got -c 1,2"),
        ("1,2,3", MULTI, "got -c 1,2,3"),
        ("١", MULTI, "got -c"),
    ],
)
def test_channels_that_the_type_has_not(channels: str | None, family: Family, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        wanted(channels, family)


def test_direct_current_is_a_type_of_its_own(start: Start) -> None:
    daemon = start("-D", "0", "none")
    daemon.connect()
    assert any("device type 500..." in line for line in daemon.lines)
    assert daemon.ask("RL,*,*").startswith("Unknown command")
    assert daemon.ask("DC-RL") == "No unread samples"


def test_an_interval_that_the_line_cannot_carry_is_refused_with_the_arithmetic(
    start: Start, simulated: tuple[Path, Any]
) -> None:
    daemon = start("49", simulated[0])
    daemon.connect()
    reply = daemon.ask("Go,100,0,S")
    assert re.fullmatch(
        r"Error: the line is too slow for updates of 100 ms: a sample takes up to \d+ bytes of 10 bits, "
        r"\d+ ms at 9600 baud",
        reply,
    )
    assert daemon.ask("Go,250,0,S").startswith("Starting untimed measurement")
