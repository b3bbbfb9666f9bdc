"""One `wattrig-ptd` for several meters: each on its own port with its own log, and none harmed by another's loss."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzers.ptd.command import main, meters

WATTRIG = Path(sys.executable).with_name("wattrig")
PATIENCE_S = 15.0


def until(text: str, path: Path) -> str:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        found = path.read_text() if path.exists() else ""
        if text in found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"no {text!r} in {path}: {found}")


class Asker:
    """A client of one meter."""

    def __init__(self, port: int) -> None:
        self._line = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self._answers = self._line.makefile()

    def ask(self, command: str) -> str:
        self._line.sendall(f"{command}\r\n".encode())
        return self._answers.readline().strip()

    def close(self) -> None:
        self._answers.close()
        self._line.close()


@pytest.fixture
def two_simulated(tmp_path: Path) -> Iterator[list["subprocess.Popen[str]"]]:
    """Two simulated analyzers, a process each, on the ports `a` and `b`."""
    command = [WATTRIG, "simulate", "wt310e", "--baud", "0", "--load", "constant", "--pty"]
    running = [subprocess.Popen([*command, tmp_path / name], stdout=subprocess.PIPE, text=True) for name in "ab"]
    for process in running:
        assert process.stdout is not None
        assert "SIMULATED" in process.stdout.readline()
    yield running
    for process in running:
        process.kill()
        process.communicate()


def started(folder: Path, devices: tuple[str, ...]) -> "subprocess.Popen[bytes]":
    words: list[str] = []
    for number, device in enumerate(devices):
        words += ["--"] * bool(number) + ["-p", "0", "-o", str(folder / f"log{number}"), "-l"]
        words += [str(folder / f"samples{number}"), "49", str(folder / device)]
    return subprocess.Popen([WATTRIG.with_name("wattrig-ptd"), *words], stderr=subprocess.PIPE)


def port_of(log: Path) -> int:
    """Wait until a meter is served; get its TCP port."""
    return int(until("Waiting for a connection", log).partition("listener on port ")[2].partition("...")[0])


@pytest.mark.usefixtures("two_simulated")
def test_each_meter_has_its_own_port_log_and_samples(tmp_path: Path) -> None:
    daemon = started(tmp_path, ("a", "b"))
    ports = [port_of(tmp_path / f"log{number}") for number in (0, 1)]
    first, second = map(Asker, ports)
    assert first.ask("SR,A,0.5") == second.ask("SR,A,1") == "Range A changed"
    assert first.ask("Go,250,0,one").startswith("Starting")
    assert second.ask("RR").startswith("Ranges,0,1.000000"), "the other meter is idle and answers"
    assert second.ask("Go,250,0,two").startswith("Starting")
    until("Mark,one\n", tmp_path / "samples0")
    until("Mark,two\n", tmp_path / "samples1")
    assert "two" not in (tmp_path / "samples0").read_text()
    first.close()
    second.close()
    daemon.terminate()
    assert daemon.wait(PATIENCE_S) == 0
    assert daemon.stderr is not None
    assert daemon.stderr.read() == b""
    daemon.stderr.close()


def test_the_loss_of_one_meter_is_its_own(tmp_path: Path, two_simulated: list["subprocess.Popen[str]"]) -> None:
    daemon = started(tmp_path, ("a", "b"))
    ports = [port_of(tmp_path / f"log{number}") for number in (0, 1)]
    first, second = map(Asker, ports)
    for asker, mark in ((first, "one"), (second, "two")):
        assert asker.ask(f"Go,250,0,{mark}").startswith("Starting")
    until("Mark,one", tmp_path / "samples0")
    two_simulated[0].kill()
    until("ERROR: The instrument is lost", tmp_path / "log0")
    assert first.ask("Hello") == "", "its connection is closed"
    before = (tmp_path / "samples1").read_text().count("\n")
    deadline_s = time.monotonic() + PATIENCE_S
    while (tmp_path / "samples1").read_text().count("\n") < before + 4:
        assert time.monotonic() < deadline_s, "the other meter is read no more"
        time.sleep(0.05)
    assert second.ask("Stop") == "Stopping untimed measurement"
    assert second.ask("Hello") == "Hello, PTDaemon here!"
    with pytest.raises(ConnectionRefusedError):
        Asker(ports[0])
    assert "lost" not in (tmp_path / "log1").read_text()
    assert daemon.poll() is None
    first.close()
    second.close()
    daemon.terminate()
    assert daemon.wait(PATIENCE_S) == 1, "one of them failed"
    assert daemon.stderr is not None
    daemon.stderr.close()


@pytest.mark.usefixtures("two_simulated")
def test_a_meter_that_is_absent_says_so_in_its_log(tmp_path: Path) -> None:
    daemon = started(tmp_path, ("nothing", "b"))
    told = until("wattrig-ptd: ", tmp_path / "log0")
    assert "nothing' cannot be opened" in told
    second = Asker(port_of(tmp_path / "log1"))
    assert second.ask("Hello") == "Hello, PTDaemon here!"
    second.close()
    daemon.terminate()
    assert daemon.wait(PATIENCE_S) == 1
    assert daemon.stderr is not None
    daemon.stderr.close()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("49 a -- 49 b", "several meters need -o FILE each"),
        ("-o x 49 a -- -o y 49 b", "two meters have -p 8888"),
        ("-p 1 -o x 49 a -- -p 2 -o x 49 b", "two meters have -o x"),
        ("-p 1 -l x -o u 49 a -- -p 2 -l x -o v 49 b", "two meters have -l x"),
        ("-p 1 -o x 49 a -- -p 2 -o y 49", "PORT"),
    ],
)
def test_meters_in_each_others_way_are_refused(words: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == 1
    assert told in capsys.readouterr().err


def test_one_meter_is_told_as_ptdaemon_is_told() -> None:
    (only,) = meters(["-p", "9000", "49", "/dev/ttyUSB0"])
    assert (only.port, only.device_type, only.device, only.output) == (9000, 49, "/dev/ttyUSB0", None)
