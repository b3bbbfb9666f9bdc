"""Whole sessions of several meters, and of several channels: energy against the truth, how sure, and what is kept."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evidence.digest import file_sha1
from evidence.loadgen_log import read_detail
from evidence.power_log import read_power_log
from scoring.truth import compare, read_truth

WATTRIG = Path(sys.executable).with_name("wattrig")
GOAL = 0.002

Simulate = Callable[..., Path]
Measure = Callable[[str], Path]


@pytest.fixture
def simulate(tmp_path: Path) -> Iterator[Simulate]:
    """Start a simulated analyzer on a port of its own; get the port. Its truth lies beside it."""
    with ExitStack() as stack:

        def start(name: str, model: str, *load: str) -> Path:
            port = tmp_path / name
            command = [WATTRIG, "simulate", model, "--pty", port, "--baud", "0", "--truth", f"{port}.csv", *load]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            stack.callback(process.wait, 10)
            stack.callback(process.terminate)
            assert process.stdout is not None
            stack.enter_context(closing(process.stdout))
            assert process.stdout.readline()
            return port

        yield start


@pytest.fixture
def measure(tmp_path: Path) -> Measure:
    """Measure a session of 6 s per phase with director, client and LoadGen; get the client's folder."""

    def run(tables: str) -> Path:
        station, logs, out = tmp_path / "station.toml", tmp_path / "logs", tmp_path / "out"
        station.write_text(f'[director]\nstore = "store"\n{tables}')
        workload = f"{sys.executable} -m sut_client.loadgen --scenario Offline --seconds 6 --logs {logs}"
        done = subprocess.run(
            [WATTRIG, "measure", "-c", station, "-w", workload, "-L", logs, "-o", out],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        (tmp_path / "screen.txt").write_text(done.stdout)
        return next(out.glob("*/power")).parent

    return run


def table(port: Path, device_type: int, more: str = "") -> str:
    return f'[[analyzer]]\ndevice_type = {device_type}\ndevice_port = "{port}"\nnetwork_port = 0\n{more}\n'


def error_of(session: Path, name: str, row: int, truth: Path, part: float = 1.0) -> float:
    """Get the error of the energy of whole intervals that one row of a power log shows, as a fraction."""
    log, (times, energy_j) = read_power_log(session / name, name), read_truth(truth)
    window = read_detail(session / "run_1/mlperf_log_detail.txt").windows[0]
    good = log.quality[row] == 0
    stamps, watts = log.t_utc_ns[good], log.values[row, 0, good]
    return compare(stamps, watts, (window.begin_ns, window.end_ns), (times, energy_j * part)).error


def told(session: Path, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [WATTRIG, "uncertainty", session, "--format", "json", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
def test_two_meters(simulate: Simulate, measure: Measure, tmp_path: Path) -> None:
    left = simulate("left", "wt310e", "--load", "constant", "--watts", "180")
    right = simulate("right", "pw3335", "--load", "constant", "--watts", "60")
    session = measure(
        table(left, 49, 'name = "bench left"\nfeeds = "PSU 1"')
        + table(right, 57, 'feeds = "PSU 2"\naccuracy = { phase = 0.002 }')
    )
    for number, port in ((1, left), (2, right)):
        own = f"wattrig/spl_analyzer_{number}_testing.txt"
        assert abs(error_of(session, own, 0, Path(f"{port}.csv"))) < GOAL
    log = read_power_log(session / "run_1/spl.txt", "spl.txt")
    total_w = log.power_w[log.quality[0] == 0].mean()
    assert abs(total_w / 240 - 1) < GOAL

    # The client's folder holds which supply hangs on which analyzer, as the director recorded it.
    entries = json.loads((session / "wattrig/station.json").read_text())["analyzers"]
    assert [(entry["name"], entry["feeds"]) for entry in entries] == [("bench left", "PSU 1"), ("", "PSU 2")]
    listed = json.loads((session / "wattrig/analyzer_files.json").read_text())["sha1"]
    assert len(listed) == 5
    assert all(file_sha1(session / name) == digest for name, digest in listed.items())

    found = told(session)
    assert [one["model"] for one in found["analyzers"]] == ["ptd", "datasheet"]
    assert found["analyzers"][1]["source"] == "the daemon's log, for a lab's own terms"
    assert all(
        both["recorded"] == both["recomputed"] for one in found["analyzers"] for both in one["phases"].values()
    )
    shares = found["power"]["meters"]
    limits_w = [share["uncertainty"] * share["mean_w"] for share in shares]
    mean_w = sum(share["mean_w"] for share in shares)
    assert found["power"]["at_worst"] == pytest.approx(sum(limits_w) / mean_w)
    assert found["power"]["independent"] == pytest.approx(np.hypot(*limits_w) / mean_w)
    # PTDaemon takes twice the data sheet's influence of the power factor for the E models.
    assert told(session, "--model", "datasheet")["power"]["at_worst"] < found["power"]["at_worst"]

    checked = subprocess.run(
        [WATTRIG, "check", session, "--format", "json"], capture_output=True, text=True, check=False
    )
    (result,) = json.loads(checked.stdout)["results"]
    power = result["power"]
    assert power["uncertainty_model"] == "mixed"
    assert power["uncertainty"] == found["power"]["at_worst"]
    assert power["energy_uncertainty_j"] == pytest.approx(power["uncertainty"] * power["energy_j"])
    assert power["uncertainty_independent"] < power["uncertainty"]
    assert "if the analyzers' errors are independent" in (tmp_path / "screen.txt").read_text()


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize(("channel", "parts"), [("[1, 3]", (0.5, 0.3, 0.2)), ("[2, 2]", (0.3, 0.2))])
def test_several_channels(simulate: Simulate, measure: Measure, channel: str, parts: tuple[float, ...]) -> None:
    port = simulate("wt333e", "wt333e", "--load", "square", "--low", "600", "--high", "900", "--period", "3.7")
    session = measure(table(port, 77, f'channel = {channel}\nuncertainty_model = "datasheet"'))
    truth = Path(f"{port}.csv")
    for row, part in enumerate((sum(parts), *parts)):
        assert abs(error_of(session, "run_1/spl.txt", row, truth, part)) < GOAL, row
    found = told(session)
    assert (found["model"], found["source"]) == ("datasheet", "IM WT310E-02EN p. 7-7 and 7-8")
    testing = found["phases"]["testing"]
    assert testing["recorded"] == testing["recomputed"]
    assert testing["recorded"][6] == 0, "the ranges of every channel are known"
    assert found["power"]["at_worst"] == found["power"]["independent"]
    assert (session / "wattrig/station.json").exists()
    by_ptd = told(session, "--model", "ptd")["phases"]["testing"]["recomputed"]
    assert by_ptd[0] > testing["recomputed"][0]
