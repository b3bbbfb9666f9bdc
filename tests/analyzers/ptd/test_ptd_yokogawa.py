"""Each Yokogawa family as in a session: the daemon's process against the simulator's, and true energy recovered."""

import csv
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evidence.ptd_protocol import parse_identity, parse_sample

Start = Callable[..., Any]
INTERVAL_MS, SAMPLES = 500, 6


@pytest.fixture
def simulate(tmp_path: Path) -> Iterator[Callable[[str, str], str]]:
    """Start a simulated model with a square load, truth in `truth.csv`; get the port to give to the daemon."""
    running: list[subprocess.Popen[str]] = []

    def make(model: str, front: str) -> str:
        wattrig = Path(sys.executable).with_name("wattrig")
        load = ("--load", "square", "--low", "300", "--high", "600", "--period", "1.3")
        port = ("--pty", str(tmp_path / model)) if front == "pty" else ("--vxi11", "0")
        command = [wattrig, "simulate", model, *port, *load, "--truth", tmp_path / "truth.csv"]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        assert running[-1].stdout is not None
        line = running[-1].stdout.readline()
        assert "SIMULATED" in line
        return line.partition(": ")[0]

    yield make
    for process in running:
        process.kill()
        process.communicate()


def true_energy_j(path: Path, from_utc_ns: int, to_utc_ns: int) -> float:
    """Get the energy between the two updates that ended nearest to these moments."""
    rows = [(int(row["t_utc_ns"]), float(row["energy_j"])) for row in csv.DictReader(path.read_text().splitlines())]
    times = [t_utc_ns for t_utc_ns, _ in rows]

    def at(t_utc_ns: int) -> float:
        after = min(bisect_left(times, t_utc_ns), len(rows) - 1)
        return min(rows[max(0, after - 1) : after + 1], key=lambda row: abs(row[0] - t_utc_ns))[1]

    return at(to_utc_ns) - at(from_utc_ns)


@pytest.mark.parametrize(
    ("model", "front", "device_type", "channels", "name", "shares"),
    [
        ("wt210", "pty", 8, None, "YokogawaWT210", (1.0,)),
        ("wt310", "pty", 49, None, "YokogawaWT310", (1.0,)),
        ("wt333e", "pty", 77, "1,3", "YokogawaWT330_multichannel", (0.5, 0.3, 0.2)),
        ("wt500", "vxi11", 48, "3", "YokogawaWT500_multichannel", (0.5, 0.3, 0.2)),
        ("wt1804e", "vxi11", 47, None, "YokogawaWT1800", (1.0,)),
        ("wt5000", "vxi11", 66, None, "YokogawaWT5000", (1.0,)),
    ],
)
def test_a_measurement(
    start: Start,
    simulate: Callable[[str, str], str],
    tmp_path: Path,
    model: str,
    front: str,
    device_type: int,
    channels: str | None,
    name: str,
    shares: tuple[float, ...],
) -> None:
    port = simulate(model, front)
    daemon = start(*(("-c", channels) if channels else ()), device_type, port)
    daemon.connect()
    identity = parse_identity(daemon.ask("Identify"))
    assert (identity.driver, identity.is_simulated) == (name, True)
    assert daemon.ask("SR,V,230.1") == "Range V changed"
    assert daemon.ask("SR,A,2.1") == "Range A changed"
    assert daemon.ask("RR") == "Ranges,0,5.000000,0,300.000000"
    assert daemon.ask(f"Go,{INTERVAL_MS},0,S_testing").startswith("Starting untimed measurement")
    while int(daemon.ask("Watts").split(",")[4]) < SAMPLES:
        time.sleep(0.05)
    daemon.ask("Stop")
    _, average, _, largest, total, above, within, unknown = daemon.ask("Uncertainty").split(",")
    assert (int(unknown), int(total)) == (0, int(above) + int(within))
    assert 0 < float(average) <= float(largest) < 0.03
    count = int(daemon.ask("RL,*,*" if len(shares) > 1 else "RL").split()[1])
    samples = [parse_sample(daemon.reply()) for _ in range(count)]
    daemon.popen.terminate()
    assert daemon.ended() == (0, "")
    true_j = true_energy_j(tmp_path / "truth.csv", samples[0].t_utc_ns, samples[-1].t_utc_ns)
    measured_j = sum(sample.total.power_w for sample in samples[1:]) * INTERVAL_MS / 1000
    assert measured_j == pytest.approx(sum(shares) * true_j, rel=0.002)
    for at, share in enumerate(shares if len(shares) > 1 else ()):
        channel_j = sum(sample.channels[at].power_w for sample in samples[1:]) * INTERVAL_MS / 1000
        assert channel_j == pytest.approx(share * true_j, rel=0.002)
    assert len({round(sample.total.power_w) for sample in samples}) > 2, "the load did change"
