"""What goes wrong in a lab, through the commands that an operator types: one clear error, in time, nothing lost."""

import contextlib
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

WATTRIG = Path(sys.executable).with_name("wattrig")
LIMIT_S = 20.0
"""Nothing may take longer, be it in a start of all programs beside other tests."""
LOADGEN = shlex.join([sys.executable, "-m", "sut_client.loadgen", "--scenario", "Offline", "--logs"])


@dataclass(frozen=True)
class Lab:
    folder: Path
    simulator: "subprocess.Popen[str]"

    @property
    def port(self) -> Path:
        return self.folder / "wt310e"

    def station(self, extra: str = "", device_type: int = 49, port: Path | None = None) -> Path:
        path = self.folder / "station.toml"
        path.write_text(
            f'[director]\nstore = "{self.folder / "store"}"\nlisten = "127.0.0.1:0"\n\n[[analyzer]]\n'
            f'device_type = {device_type}\ndevice_port = "{port or self.port}"\nnetwork_port = 0\n{extra}\n'
        )
        return path

    def measure(self, workload: str, station: Path | None = None) -> "subprocess.Popen[str]":
        """Start `wattrig measure` with a workload; `{logs}` in it is the folder for LoadGen's logs."""
        logs = self.folder / "logs"
        command = workload.replace("{logs}", str(logs))
        out = self.folder / "out"
        return subprocess.Popen(
            [WATTRIG, "measure", "-c", station or self.station(), "-w", command, "-L", logs, "-o", out],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def state(self) -> dict[str, str]:
        (path,) = self.folder.glob("out/*/wattrig/state.json")
        found: dict[str, str] = json.loads(path.read_text())
        return found

    def fix_ranges(self) -> str:
        """Have the analyzer in fixed ranges that no run asks for, so that one which is not restored shows."""
        return self._ask("SR,V,300", "SR,A,10", "RR")

    def ranges(self) -> str:
        """The analyzer's ranges now, asked through a daemon of our own."""
        return self._ask("RR")

    def _ask(self, *commands: str) -> str:
        command = [WATTRIG.with_name("wattrig-ptd"), "-p", "0", "49", self.port]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
            try:
                return replies(listening_on(daemon), commands)[-1]
            finally:
                daemon.terminate()


def listening_on(daemon: "subprocess.Popen[str]") -> int:
    """Wait until a daemon that was given no port listens; get the one it has."""
    assert daemon.stdout is not None
    said = next(line for line in daemon.stdout if "listener on port" in line)
    assert "Waiting for a connection" in daemon.stdout.readline()
    return int(said.rpartition("port ")[2].strip(".\n"))


def replies(tcp: int, commands: Iterable[str]) -> list[str]:
    with socket.create_connection(("127.0.0.1", tcp), LIMIT_S) as line, line.makefile("rw", newline="") as talk:
        found = []
        for command in commands:
            talk.write(f"{command}\r\n")
            talk.flush()
            found.append(talk.readline().strip())
        return found


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    command = [WATTRIG, "simulate", "wt310e", "--pty", tmp_path / "wt310e", "--baud", "0", "--load", "constant"]
    simulator = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    with simulator:
        assert simulator.stdout is not None
        assert "SIMULATED" in simulator.stdout.readline()
        yield Lab(tmp_path, simulator)
        with contextlib.suppress(ProcessLookupError):
            simulator.terminate()


def failure(process: "subprocess.Popen[str]", limit_s: float = LIMIT_S) -> str:
    """Wait for the end of a command that must fail, in time and without a traceback; get what it said."""
    start = time.monotonic()
    out, err = process.communicate(timeout=limit_s + 20)
    assert time.monotonic() - start < limit_s, err
    assert process.returncode not in (0, None)
    assert "Traceback" not in out + err
    return err


def wait_for_child(process: "subprocess.Popen[str]", program: str) -> psutil.Process:
    """Wait until a process below `process` runs a program; before that it shows its parent's command line."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if program in (Path(part).name for part in child.cmdline()[:2]):
                    return child
        time.sleep(0.05)
    raise AssertionError(f"no {program} below {process.args}: {process.communicate()}")


def test_an_unknown_key_names_the_one_that_was_meant(lab: Lab) -> None:
    error = failure(lab.measure("true", lab.station(extra="devise_port = 1")))
    assert "devise_port" in error
    assert "did you mean 'device_port'" in error


def test_a_station_file_that_is_not_there(lab: Lab) -> None:
    assert "nowhere.toml" in failure(lab.measure("true", lab.folder / "nowhere.toml"))


def test_no_such_serial_port(lab: Lab) -> None:
    error = failure(lab.measure("true", lab.station(port=lab.folder / "ttyUSB7")))
    assert "ttyUSB7" in error
    assert "try:" in error


def test_another_instrument_on_the_port(lab: Lab) -> None:
    error = failure(lab.measure("true", lab.station(device_type=52)))
    assert "WT310E" in error
    assert "WT330" in error


def test_a_daemon_port_in_use(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        tcp = taken.getsockname()[1]
        station = lab.station()
        station.write_text(station.read_text().replace("network_port = 0", f"network_port = {tcp}"))
        assert str(tcp) in failure(lab.measure("true", station))


@pytest.mark.parametrize(
    ("workload", "words"),
    [
        ("echo out of memory >&2; exit 3", ["ranging", "3", "out of memory"]),
        ("no-such-program-here", ["ranging", "no-such-program-here"]),
        ("kill -9 $$", ["ranging", "SIGKILL"]),
        ("true", ["mlperf_log_detail.txt"]),
        ("mkdir -p {logs}; echo nothing > {logs}/mlperf_log_detail.txt", ["mlperf_log_detail.txt"]),
    ],
    ids=["exit-3", "not-found", "killed", "no-logs", "empty-log"],
)
def test_a_workload_that_fails(lab: Lab, workload: str, words: list[str]) -> None:
    before = lab.fix_ranges()
    error = failure(lab.measure(workload))
    assert all(word in error for word in words), error
    assert lab.state()["state"] == "aborted"
    assert lab.state()["phase"] == "ranging"
    assert lab.ranges() == before


def test_a_dead_daemon_ends_the_run_and_the_workload(lab: Lab) -> None:
    before = lab.fix_ranges()
    process = lab.measure("sleep 1000")
    workload = wait_for_child(process, "sleep")
    wait_for_child(process, "wattrig-ptd").kill()
    error = failure(process)
    assert "the daemon of analyzer 1 ended with exit code -9" in error
    assert not workload.is_running()
    assert lab.state()["state"] == "aborted"
    assert lab.ranges() == before


def test_an_analyzer_that_is_gone_ends_the_run(lab: Lab) -> None:
    process = lab.measure("sleep 1000")
    wait_for_child(process, "sleep")
    lab.simulator.kill()
    error = failure(process)
    assert "The instrument is lost: " in error
    assert lab.state()["state"] == "aborted"
    (kept,) = lab.folder.glob("store/*/wattrig/journal_1.txt")
    assert kept.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_operator_who_ends_the_run(lab: Lab, number: signal.Signals) -> None:
    before = lab.fix_ranges()
    process = lab.measure("sleep 1000")
    workload = wait_for_child(process, "sleep")
    os.kill(process.pid, number)
    failure(process)
    assert not workload.is_running()
    assert lab.state()["state"] == "aborted"
    assert lab.ranges() == before


def test_a_director_whose_port_is_in_use(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        station = lab.station()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        station.write_text(station.read_text().replace("127.0.0.1:0", address))
        director = subprocess.Popen(
            [WATTRIG, "director", "-c", station], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert address in failure(director)


def test_no_director_at_the_address(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        tcp = free.getsockname()[1]
    client = subprocess.Popen(
        [
            WATTRIG,
            "client",
            "-a",
            "127.0.0.1",
            "-p",
            str(tcp),
            "-w",
            "true",
            "-L",
            tmp_path / "l",
            "-o",
            tmp_path / "o",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    error = failure(client)
    assert str(tcp) in error
    assert "try:" in error


def test_an_impatient_operator_ends_it_at_once_and_nothing_is_left(lab: Lab) -> None:
    before = lab.fix_ranges()
    process = lab.measure("trap '' TERM; sleep 1000")
    workload = wait_for_child(process, "sleep")
    daemon = wait_for_child(process, "wattrig-ptd")
    start = time.monotonic()
    while process.poll() is None and time.monotonic() - start < 3:
        os.kill(process.pid, signal.SIGINT)
        time.sleep(0.02)
    error = failure(process, 3.0)
    assert process.returncode == 130
    assert "ended at once by a second SIGINT" in error
    psutil.wait_procs([workload], 8)
    assert not workload.is_running()
    lab.measure("true").communicate(timeout=30)  # a director that starts closes what was left and sets ranges back
    assert not daemon.is_running()
    assert lab.ranges() == before
    assert all(
        json.loads(path.read_text())["state"] == "aborted" for path in lab.folder.glob("store/*/wattrig/state.json")
    )
    assert len(list(lab.folder.glob("store/*/wattrig/state.json"))) == 2
