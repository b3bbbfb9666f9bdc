"""Every driver in a whole session: director, client, real LoadGen, and a simulated analyzer of each model.

All analyzers, each by every kind of line that it has, measure together in one session; what each one measured is
held against what its own simulator truly drew.
"""

import contextlib
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from analyzers.drivers import KNOWN, driver_for
from evidence.loadgen_log import read_detail
from evidence.ptd_protocol import parse_sample, unmarked_line
from metrology.reading import Validity
from scoring.truth import compare, read_truth

WATTRIG = Path(sys.executable).with_name("wattrig")
GOAL = 0.002
SECONDS = 5
WORKLOAD = shlex.join(
    [sys.executable, "-m", "sut_client.loadgen", "--scenario", "Offline", "--seconds", str(SECONDS)]
)
LINES = {"serial": "--pty", "socket": "--tcp", "vxi11": "--vxi11"}


@dataclass(frozen=True)
class Meter:
    """A device type before a simulated model, the channels it is told to read, and their share of the load."""

    device_type: int
    model: str
    channel: str = ""
    share: float = 1.0

    def lines(self) -> list[str]:
        return [line for line in LINES if line in driver_for(self.device_type).family.interfaces]


METERS = (
    Meter(8, "wt210"), Meter(508, "wt210"),
    Meter(49, "wt310"), Meter(49, "wt310e"), Meter(549, "wt310e"),
    Meter(52, "wt333e", "[2]", 0.3), Meter(586, "wt333e", "", 0.5), Meter(77, "wt333e", "[1, 3]"),
    Meter(35, "wt500", "[1]", 0.5), Meter(535, "wt500", "[3]", 0.2), Meter(48, "wt500", "[3]"),
    Meter(47, "wt1804e"), Meter(66, "wt5000"), Meter(566, "wt5000"),
    Meter(57, "pw3335"), Meter(557, "pw3335"),
    Meter(58, "pw3336", "[2]", 0.4), Meter(59, "pw3336", "[1, 2]"),
    Meter(60, "pw3337", "[1]", 0.5), Meter(61, "pw3337", "[1, 3]"),
    Meter(9000, "lmg610"), Meter(9001, "lmg670", "[1, 3]"),
    Meter(9010, "gpm8213"), Meter(9011, "gpm8310"), Meter(9012, "gpm8310"),
)  # fmt: skip
CASES = [(line, meter) for line in LINES for meter in METERS if line in meter.lines()]


@contextlib.contextmanager
def simulated(folder: Path) -> Iterator[list[str]]:
    """Start a simulator for each case; get their ports."""
    running, ports = [], []
    try:
        for number, (line, meter) in enumerate(CASES, 1):
            port = [folder / f"wt{number}", "--baud", "0"] if line == "serial" else ["0"]
            load = ["--load", "square", "--low", "60", "--high", "90", "--period", "1.7"]
            command = [WATTRIG, "simulate", meter.model, LINES[line], *port, *load, "--truth", truth(folder, number)]
            running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        for process in running:
            assert process.stdout is not None
            ports.append(process.stdout.readline().partition(": a SIMULATED")[0])
        yield ports
    finally:
        for process in running:
            process.terminate()
            process.communicate(timeout=20)


def truth(folder: Path, number: int) -> Path:
    return folder / f"truth{number}.csv"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session with all meters; its folder in the store."""
    folder = tmp_path_factory.mktemp("every_driver")
    with simulated(folder) as ports:
        tables = [
            f'[[analyzer]]\ndevice_type = {meter.device_type}\ndevice_port = "{port}"\nnetwork_port = 0\n'
            + (f"channel = {meter.channel}\n" if meter.channel else "")
            + ('interface_flag = "-n"\n' if line == "socket" else "")
            for (line, meter), port in zip(CASES, ports, strict=True)
        ]
        (folder / "station.toml").write_text(f'[director]\nstore = "store"\n{"".join(tables)}')
        logs = folder / "logs"
        done = subprocess.run(
            [WATTRIG, "measure", "-c", folder / "station.toml", "-w", f"{WORKLOAD} --logs {logs}", "-L", logs,
             "-o", folder / "out"],
            capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    (stored,) = (folder / "store").iterdir()
    return stored


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize(
    ("line", "meter"), CASES, ids=lambda it: it if isinstance(it, str) else f"{it.device_type}-{it.model}"
)
def test_energy_is_what_the_simulator_drew(line: str, meter: Meter, session: Path) -> None:
    folder, number = session.parent.parent, CASES.index((line, meter)) + 1
    listing = (session / f"wattrig/spl_analyzer_{number}_testing.txt").read_text().splitlines()
    samples = [parse_sample(unmarked_line(text)[0]) for text in listing]
    assert {sample.total.validity for sample in samples[1:]} == {Validity.GOOD}
    t_ns = np.array([sample.t_utc_ns for sample in samples], np.int64)
    power_w = np.array([sample.total.power_w for sample in samples]) / meter.share
    (detail,) = folder.glob("out/*/run_1/mlperf_log_detail.txt")
    window = read_detail(detail).windows[0]
    found = compare(t_ns, power_w, (window.begin_ns, window.end_ns), read_truth(truth(folder, number)))
    assert found.whole_s > SECONDS - 2.5
    assert abs(found.error) < GOAL
    print(f"{line:<7} {meter.device_type:4} {meter.model:<8} {found.whole_s:6.3f} s {found.error:+.4%}")


def test_every_driver_is_here() -> None:
    assert set(KNOWN) == {meter.device_type for meter in METERS} | {0, 500}, "but for the dummies, which need no line"
