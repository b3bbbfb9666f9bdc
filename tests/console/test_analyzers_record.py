"""From a meter to its recording, to a test that its driver passes, to a replay that the daemon measures."""

import contextlib
import json
import runpy
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evidence.ptd_protocol import parse_identity

BIN = Path(sys.executable).parent
CONFTEST = Path(__file__).parents[1] / "analyzers" / "conftest.py"
Spawn = Callable[..., str]


@pytest.fixture
def spawn() -> Iterator[Spawn]:
    """Start a program; get the first line of its output that has a text in it."""
    with contextlib.ExitStack() as stack:

        def make(*command: str, until: str) -> str:
            words = [str(BIN / command[0]), *command[1:]]
            process = stack.enter_context(subprocess.Popen(words, stdout=subprocess.PIPE, text=True))
            stack.callback(process.kill)
            assert process.stdout is not None
            while until not in (line := process.stdout.readline()):
                assert line, f"{command[0]} ended"
            return line

        yield make


def record(port: str, out: Path, *options: str, code: int = 0, typed: str = "") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(BIN / "wattrig"), "analyzers", "record", port, "-o", str(out), *options],
        capture_output=True, text=True, timeout=100, check=False, input=typed,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done


def replay_test(test: Path) -> None:
    """Run a recorded test as the fixture of tests/analyzers would have it run."""
    scripted = runpy.run_path(str(CONFTEST))["Scripted"]
    lines: list[Any] = []

    def make(*dialogue: object) -> object:
        lines.append(scripted(*dialogue))
        return lines[-1]

    runpy.run_path(str(test))["test_the_driver_speaks_as_recorded"](make)
    assert [(line.leftovers, line.answers) for line in lines] == [([], [])]


class Client:
    """A client of a daemon."""

    def __init__(self, port: int) -> None:
        deadline_s = time.monotonic() + 5
        while True:  # the daemon names its port just before it listens
            try:
                self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline_s
                time.sleep(0.02)
        self._file = self._socket.makefile("rwb")

    def ask(self, command: str) -> str:
        self._file.write(f"{command}\r\n".encode())
        self._file.flush()
        return self._line()

    def _line(self) -> str:
        return self._file.readline().decode().strip()

    def samples(self) -> list[str]:
        return [self._line() for _ in range(int(self.ask("RL").split()[1]))]

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@pytest.mark.slow
def test_a_recorded_wt310e_is_measured_by_the_daemon(spawn: Spawn, tmp_path: Path) -> None:
    port, out = str(tmp_path / "wt"), tmp_path / "rec"
    spawn("wattrig", "simulate", "wt310e", "--pty", port, "--baud", "0", "--load", "constant", "--watts", "120",
          until="SIMULATED")  # fmt: skip
    said = record(port, out, "-B", "115200", "--interval", "250").stdout
    assert "range 300 V" in said
    assert "read 120 W" in said

    test = out / "test_wt310e_recorded.py"
    replay_test(test)
    test.write_text(test.read_text().replace("120.00E+00", "121.00E+00"))
    with pytest.raises(AssertionError):
        replay_test(test)

    replay = str(tmp_path / "replay")
    spawn("wattrig", "simulate", "--profile", str(out / "wt310e.json"), "--pty", replay, until="SIMULATED")
    line = spawn("wattrig-ptd", "-p", "0", "49", replay, until="listener on port")
    client = Client(int(line.rpartition("port ")[2].strip(" .\n")))
    try:
        assert parse_identity(client.ask("Identify")).model == "WT310E"
        assert "SIMULATED" in client.ask("Identify"), "no replay passes for the instrument"
        assert [client.ask(command) for command in ("SR,V,230", "SR,A,0.6")] == ["Range V changed", "Range A changed"]
        assert client.ask("RR") == "Ranges,0,1.000000,0,300.000000"
        assert client.ask("Go,250,0,replayed").startswith("Starting")
        deadline_s = time.monotonic() + 10
        while int(client.ask("Watts").split(",")[4]) < 4 and time.monotonic() < deadline_s:
            time.sleep(0.2)
        client.ask("Stop")
        assert {sample.partition(",Watts,")[2] for sample in client.samples()} == {
            "120.000000,Volts,230.000000,Amps,0.549200,PF,0.950000"
        }
        assert client.ask("Uncertainty").endswith(",0"), "every sample's uncertainty is known"
        assert "the instrument says 1.0 A" in client.ask("SR,A,20"), "a range that was not recorded"
    finally:
        client.close()


@pytest.mark.parametrize(("model", "front"), [("pw3335", "--tcp"), ("lmg610", "--tcp"), ("wt500", "--vxi11")])
def test_every_makers_recorded_test_passes(spawn: Spawn, tmp_path: Path, model: str, front: str) -> None:
    line = spawn("wattrig", "simulate", model, front, "0", "--load", "constant", "--watts", "120", until="SIMULATED")
    record(line.partition(": ")[0], tmp_path / "rec", "--interval", "200")
    (test,) = (tmp_path / "rec").glob("test_*_recorded.py")
    replay_test(test)


def test_a_meter_that_falls_silent_leaves_what_was_said(spawn: Spawn, tmp_path: Path) -> None:
    port, out = str(tmp_path / "wt"), tmp_path / "rec"
    spawn("wattrig", "simulate", "wt310e", "--pty", port, "--baud", "0", "--fault", "mute@3", until="SIMULATED")
    assert "did not answer" in record(port, out, "-t", "49", code=2).stderr
    turns = json.loads((out / "wt310e.json").read_text())["turns"]
    assert len(turns) > 10
    assert not list(out.glob("test_*"))


def test_questions_and_free_speech_need_no_driver_and_can_be_replayed(spawn: Spawn, tmp_path: Path) -> None:
    port, out = str(tmp_path / "wt"), tmp_path / "rec"
    spawn("wattrig", "simulate", "wt310e", "--pty", port, "--baud", "0", until="SIMULATED")
    assert ":CFAC? -> " in record(port, out, "--guide", "questions").stdout
    said = record(port, out, "--guide", "free", typed="*IDN?\n:COMM:HEAD OFF\n:CFAC?\n").stdout
    assert "there is no test without a driver" in said
    replay = str(tmp_path / "replay")
    spawn("wattrig", "simulate", "--profile", str(out / "wt310e.json"), "--pty", replay, until="SIMULATED")
    again = record(replay, tmp_path / "again", "--guide", "free", typed=":CFAC?\n:RATE?\n").stdout.splitlines()
    assert again[0] == "3"
    assert "did not answer" in again[1], "it knows what was recorded alone"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "one of the models or a recording"),
        (("wt310e", "--profile", "none.json"), "one of the models or a recording"),
        (("--profile", "none.json"), "cannot be read"),
        (("--profile", "none.json", "--truth", "t.csv"), "leave --truth out"),
    ],
)
def test_simulate_takes_a_model_or_a_recording(options: tuple[str, ...], message: str) -> None:
    command = [str(BIN / "wattrig"), "simulate", *options, "--tcp", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr
