"""`wattrig-ptd` and the simulated meters of Hioki, ZES ZIMMER and GW Instek, two processes on a real line."""

import csv
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from evidence.ptd_protocol import parse_identity, parse_sample

Start = Callable[..., Any]
SQUARE = ("--load", "square", "--low", "50", "--high", "150", "--period", "1.7")


@pytest.fixture
def simulate(tmp_path: Path) -> Iterator[Callable[..., list[str]]]:
    """Start a simulated meter that draws a square load; get what the daemon must be told to reach it."""
    running = []

    def make(model: str, front: str) -> list[str]:
        port = "0" if front == "--tcp" else str(tmp_path / "port")
        command = [str(Path(sys.executable).with_name("wattrig")), "simulate", model, front, port, *SQUARE]
        command += ["--truth", str(tmp_path / "truth.csv")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        name, _, said = process.stdout.readline().partition(": ")
        assert said.startswith("a SIMULATED")
        return ["-n", name] if front == "--tcp" else [name]

    yield make
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def true_energy_j(file: Path, start_ns: int, end_ns: int) -> float:
    """Get what was drawn between the updates nearest to two moments."""
    rows = [(int(row["t_utc_ns"]), float(row["energy_j"])) for row in csv.DictReader(file.read_text().splitlines())]
    start, end = (min(rows, key=lambda row: abs(row[0] - moment_ns)) for moment_ns in (start_ns, end_ns))
    return end[1] - start[1]


@pytest.mark.parametrize(
    ("model", "front", "arguments", "name", "interval_ms"),
    [
        ("pw3335", "--tcp", ["57"], "HiokiPW3335", 400),
        ("pw3337", "--tcp", ["-c", "1,3", "61"], "HiokiPW3337_multichannel", 400),
        ("lmg610", "--tcp", ["9000"], "LMG610", 500),
        ("lmg670", "--tcp", ["-c", "3", "9001"], "LMG670_multichannel", 500),
        ("gpm8310", "--tcp", ["9011"], "GWInstekGPM8310", 500),
        ("gpm8310", "--pty", ["9011"], "GWInstekGPM8310", 500),
    ],
)
def test_energy_is_that_of_the_load(
    start: Start,
    simulate: Callable[..., list[str]],
    tmp_path: Path,
    model: str,
    front: str,
    arguments: list[str],
    name: str,
    interval_ms: int,
) -> None:
    *flag, port = simulate(model, front)
    daemon = start(*flag, *arguments, port)
    daemon.connect()
    identity = parse_identity(daemon.ask("Identify"))
    assert (identity.driver, identity.is_simulated) == (name, True)
    assert daemon.ask("SR,V,235") == "Range V changed"
    assert daemon.ask("SR,A,0.9") == "Range A changed"
    daemon.ask(f"Go,{interval_ms},0,S_testing")
    while int(daemon.ask("Watts").split(",")[4]) < 6:
        time.sleep(0.05)
    daemon.ask("Stop")
    assert daemon.ask("Uncertainty").split(",")[7] == "0", "all are known"
    count = int(daemon.ask("RL,*,*" if "-c" in arguments else "RL").split()[1])
    samples = [parse_sample(daemon.reply()) for _ in range(count)]
    steps_ms = [(b.t_utc_ns - a.t_utc_ns) / 1e6 for a, b in pairwise(samples)]
    assert all(abs(step_ms - interval_ms) < interval_ms / 4 for step_ms in steps_ms)
    energy_j = sum(sample.total.power_w for sample in samples[1:]) * interval_ms / 1000
    true_j = true_energy_j(tmp_path / "truth.csv", samples[0].t_utc_ns, samples[-1].t_utc_ns)
    assert energy_j == pytest.approx(true_j, rel=0.002)
    daemon.popen.terminate()
    assert daemon.ended() == (0, "")
