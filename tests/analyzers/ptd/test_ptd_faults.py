"""Each fault of an instrument, on each line and in each phase, with real processes: what the daemon makes of it.

Whatever happens: no sample is invented, nothing hangs, and what was measured stays on disk.
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]
WATTRIG = Path(sys.executable).with_name("wattrig")
POWER_W = 100.0
LONGEST_S = 10.0
"""Nothing may hang for longer."""
FRONTS = ("pty", "tcp", "vxi11")
VALUES = "nan@0+0.6 inf@0.7+0.6 9.91e37@1.4+0.6"
LOSSES = ("garbage@0", "half@0", "mute@0", "reset@0", "unplug@0+0.3")
"""As `--fault` takes them; a test adds when they shall come."""


AGAIN = "Connected to the instrument again"


@dataclass
class Rig:
    """A simulated WT310E and a daemon that reads it.

    Attributes:
        fault: one or more, parted by blanks.
        at_s: when they come, seconds after the first message to the simulator.
        replies: what the daemon answered after the fault; empty where it closed the connection.
        waited_s: the longest wait for one of them, or for the end.
    """

    front: str
    fault: str
    at_s: float
    folder: Path
    start: Start
    replies: list[str] = field(default_factory=list)
    waited_s: float = 0.0

    def __enter__(self) -> "Rig":
        self.folder.mkdir()
        where = self.folder / "wt" if self.front == "pty" else "0"
        faults = [word for fault in self.fault.split() for word in ("--fault", self._shifted(fault))]
        command = [
            WATTRIG,
            "simulate",
            "wt310e",
            f"--{self.front}",
            where,
            "--load",
            "constant",
            "--baud",
            "0",
            *faults,
        ]
        self.simulator = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.simulator.stdout is not None
        name = self.simulator.stdout.readline().split(": ")[0]
        port = f"TCPIP::127.0.0.1::{name.split(':')[-1]}::SOCKET" if self.front == "tcp" else name
        self.daemon = self.start("-l", self.folder / "samples", "49", port)
        self.daemon.connect()
        self.began_s = time.monotonic()
        return self

    def _shifted(self, fault: str) -> str:
        kind, at, *duration = re.split(r"[@+]", fault)
        return "+".join([f"{kind}@{float(at) + self.at_s:g}", *duration])

    def __exit__(self, *_: object) -> None:
        if any(self.replies):
            self.daemon.popen.terminate()
        asked_s = time.monotonic()
        self.end = self.daemon.ended()
        self.waited_s = max(self.waited_s, time.monotonic() - asked_s)
        self.log = "".join(self.daemon.lines)
        self.simulator.kill()
        self.simulator.communicate()

    def ask(self, command: str) -> str:
        asked_s = time.monotonic()
        try:
            reply: str = self.daemon.ask(command)
        except ConnectionError:
            reply = ""
        self.waited_s = max(self.waited_s, time.monotonic() - asked_s)
        return reply

    def wait_for_the_fault(self, more_s: float = 0.0) -> None:
        time.sleep(max(0.0, self.at_s + more_s - (time.monotonic() - self.began_s)))

    @property
    def lost(self) -> bool:
        """Whether it ended by itself and said why."""
        return self.end == (1, "") and self.log.count("ERROR: The instrument is lost: ") == 1

    def powers_w(self) -> list[float]:
        lines = (self.folder / "samples").read_text().splitlines()
        return [float(line.split(",")[3]) for line in lines]


@pytest.fixture
def play(start: Start, tmp_path: Path) -> Callable[..., dict[str, Rig]]:
    """Play one scene on rigs of a front with each of some faults, at the same time."""

    def make(scene: Callable[[Rig], None], front: str, at_s: float, *faults: str) -> dict[str, Rig]:
        def run(number: int, fault: str) -> Rig:
            with Rig(front, fault, at_s, tmp_path / str(number), start) as rig:
                scene(rig)
            return rig

        with ThreadPoolExecutor(len(faults)) as pool:
            return dict(zip(faults, pool.map(run, range(len(faults)), faults), strict=True))

    return make


def measure(rig: Rig) -> None:
    """Measure before and after the fault; where the daemon lives, stop and ask what came of it."""
    assert rig.ask("Go,250,0,S").startswith("Starting")
    rig.wait_for_the_fault()
    if rig.fault in (VALUES, "slow@0"):
        time.sleep(0.5 if rig.fault == "slow@0" else 2.7)
        rig.replies = [rig.ask(command) for command in ("Stop", "Watts", "Uncertainty")]


def measure_in_fixed_ranges(rig: Rig) -> None:
    assert rig.ask("SR,V,300") == "Range V changed"
    assert rig.ask("SR,A,1") == "Range A changed"
    measure(rig)


def check_runs(rigs: dict[str, Rig]) -> None:
    for fault, rig in rigs.items():
        powers_w = rig.powers_w()
        invented = [power_w for power_w in powers_w if power_w not in (-1, -2) and abs(power_w - POWER_W) > 0.1]
        assert not invented, fault
        assert powers_w.count(POWER_W) > 2, f"{fault}: what came before the fault is kept"
        if fault in LOSSES:
            assert rig.lost, fault
        assert rig.waited_s < LONGEST_S, fault


def check_values(rig: Rig) -> None:
    """Bad values are bad samples, named in the log; good ones after them are good again."""
    stopped, watts, uncertainty = rig.replies
    assert stopped == "Stopping untimed measurement"
    mean_w, minimum_w, maximum_w, count, errors, valid = map(float, watts.split(",")[1:])
    assert (mean_w, minimum_w, maximum_w) == (POWER_W,) * 3
    assert errors == rig.powers_w().count(-1) >= 5
    assert count == errors + valid
    assert float(uncertainty.split(",")[7]) >= errors
    assert rig.powers_w()[-1] == POWER_W
    assert rig.log.count("ERROR: Bad watts reading") == errors


@pytest.mark.slow
@pytest.mark.parametrize("front", FRONTS)
def test_within_the_testing_run(play: Any, front: str) -> None:
    rigs = play(measure_in_fixed_ranges, front, 3.3, *LOSSES, VALUES, "slow@0")
    check_runs(rigs)
    check_values(rigs[VALUES])
    assert rigs["slow@0"].powers_w().count(-2) >= 8, "answers that come late leave a gap"
    assert rigs["slow@0"].replies[0] == "Stopping untimed measurement"


@pytest.mark.slow
def test_within_the_ranging_run(play: Any) -> None:
    rigs = play(measure, "pty", 2.0, *LOSSES, VALUES)
    check_runs(rigs)
    check_values(rigs[VALUES])


def change_a_range(rig: Rig) -> None:
    rig.ask("SR,V,300")
    rig.wait_for_the_fault(0.5)
    rig.replies = [rig.ask("SR,A,5"), rig.ask("RR")]


@pytest.mark.slow
@pytest.mark.parametrize("front", FRONTS)
def test_while_nothing_is_measured(play: Any, front: str) -> None:
    mended = {"nan@0": "No good readings within", "reset@0": AGAIN, "unplug@0+0.3": AGAIN}
    rigs = play(change_a_range, front, 2.0, *mended, "garbage@0", "half@0", "mute@0", "unplug@0")
    for fault, rig in rigs.items():
        assert rig.waited_s < LONGEST_S, fault
        if fault in mended:
            assert rig.replies == ["Range A changed", "Ranges,0,5.000000,0,300.000000"], fault
            assert rig.log.count(f"WARNING: {mended[fault]}") == 1, fault
        else:
            assert rig.replies == ["", ""], fault
            assert rig.lost, fault
