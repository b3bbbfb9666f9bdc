"""Each fault of an instrument, on each line and in each phase, with real daemons: what they make of it.

Whatever happens: no sample is invented, nothing hangs, and what was measured stays on disk.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from analyzers.simulated.faults import parse_fault
from tests.breakable_meter import WATTS, Switch, simulated

Start = Callable[..., Any]
LONGEST_S = 20.0
"""Nothing may hang for longer, beside other tests; the fault matrix, which runs alone, holds 10 s."""
FRONTS = ("pty", "tcp", "vxi11")
VALUES = "nan@0+0.6 inf@0.7+0.6 9.91e37@1.4+0.6"
LOSSES = ("garbage@0", "half@0", "mute@0", "reset@0", "unplug@0+1")
"""As `wattrig simulate --fault` takes them; their time counts from the moment that a test wants them."""
AGAIN = "Connected to the instrument again"


@dataclass
class Rig:
    """A daemon that reads a simulated WT310E.

    Attributes:
        fault: one or more, parted by blanks.
        replies: what the daemon answered after the fault; empty where it closed the connection.
        waited_s: the longest wait for one of them, or for the end.
    """

    fault: str
    folder: Path
    daemon: Any
    switch: Switch
    replies: list[str] = field(default_factory=list)
    waited_s: float = 0.0

    def breaks(self) -> None:
        """Have the fault begin now."""
        self.switch.begin(*map(parse_fault, self.fault.split()))

    def wait_for_good_samples(self, count: int) -> None:
        deadline_s = time.monotonic() + LONGEST_S
        while self.powers_w().count(WATTS) < count:
            assert time.monotonic() < deadline_s, f"no {count} good samples"
            time.sleep(0.05)

    def end(self) -> None:
        """Wait for the end of the daemon, which one that answered is asked for."""
        if any(self.replies):
            self.daemon.popen.terminate()
        asked_s = time.monotonic()
        self.ended = self.daemon.ended()
        self.waited_s = max(self.waited_s, time.monotonic() - asked_s)
        self.log = "".join(self.daemon.lines)

    def ask(self, command: str) -> str:
        asked_s = time.monotonic()
        try:
            reply: str = self.daemon.ask(command)
        except ConnectionError:
            reply = ""
        self.waited_s = max(self.waited_s, time.monotonic() - asked_s)
        return reply

    @property
    def lost(self) -> bool:
        """Whether it ended by itself and said why."""
        return self.ended == (1, "") and self.log.count("ERROR: The instrument is lost: ") == 1

    def powers_w(self) -> list[float]:
        whole, _, _ = (self.folder / "samples").read_text().rpartition("\n")
        return [float(line.split(",")[3]) for line in whole.splitlines()]


@pytest.fixture
def play(start: Start, tmp_path: Path) -> Callable[..., dict[str, Rig]]:
    """Play one scene on rigs of a front with each of some faults, at the same time."""

    def make(scene: Callable[[Rig], None], front: str, *faults: str) -> dict[str, Rig]:
        def run(number: int, fault: str) -> Rig:
            folder = tmp_path / str(number)
            folder.mkdir()
            with simulated(front, folder / "wt") as (name, switch):
                port = f"TCPIP::127.0.0.1::{name.split(':')[-1]}::SOCKET" if front == "tcp" else name
                daemon = start("-l", folder / "samples", "49", port)
                daemon.connect()
                rig = Rig(fault, folder, daemon, switch)
                scene(rig)
                rig.end()
            return rig

        with ThreadPoolExecutor(len(faults)) as pool:
            return dict(zip(faults, pool.map(run, range(len(faults)), faults), strict=True))

    return make


def measure(rig: Rig) -> None:
    """Measure before and after the fault; where the daemon lives, stop and ask what came of it."""
    assert rig.ask("Go,250,0,S").startswith("Starting")
    rig.wait_for_good_samples(3)
    rig.breaks()
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
        invented = [power_w for power_w in powers_w if power_w not in (-1, -2) and abs(power_w - WATTS) > 0.1]
        assert not invented, fault
        assert powers_w.count(WATTS) > 2, f"{fault}: what came before the fault is kept"
        if fault in LOSSES:
            assert rig.lost, fault
        assert rig.waited_s < LONGEST_S, fault


def check_values(rig: Rig) -> None:
    """Bad values are bad samples, named in the log; good ones after them are good again."""
    stopped, watts, uncertainty = rig.replies
    assert stopped == "Stopping untimed measurement"
    mean_w, minimum_w, maximum_w, count, errors, valid = map(float, watts.split(",")[1:])
    assert (mean_w, minimum_w, maximum_w) == (WATTS,) * 3
    bad, missed = rig.powers_w().count(-1), rig.powers_w().count(-2)
    assert bad >= 5
    assert errors == bad + missed, "a busy machine may miss one"
    assert count == errors + valid
    assert float(uncertainty.split(",")[7]) >= bad
    assert rig.powers_w()[-1] == WATTS
    assert rig.log.count("ERROR: Bad watts reading") == bad


@pytest.mark.slow
@pytest.mark.parametrize("front", FRONTS)
def test_within_the_testing_run(play: Any, front: str) -> None:
    rigs = play(measure_in_fixed_ranges, front, *LOSSES, VALUES, "slow@0")
    check_runs(rigs)
    check_values(rigs[VALUES])
    assert rigs["slow@0"].powers_w().count(-2) >= 8, "answers that come late leave a gap"
    assert rigs["slow@0"].replies[0] == "Stopping untimed measurement"


@pytest.mark.slow
def test_within_the_ranging_run(play: Any) -> None:
    rigs = play(measure, "pty", *LOSSES, VALUES)
    check_runs(rigs)
    check_values(rigs[VALUES])


def change_a_range(rig: Rig) -> None:
    rig.ask("SR,V,300")
    rig.breaks()
    time.sleep(1.5)  # until what was unplugged is back
    rig.replies = [rig.ask("SR,A,5"), rig.ask("RR")]


@pytest.mark.slow
@pytest.mark.parametrize("front", FRONTS)
def test_while_nothing_is_measured(play: Any, front: str) -> None:
    mended = {"nan@0": "No good readings within", "reset@0": AGAIN, "unplug@0+1": AGAIN}
    rigs = play(change_a_range, front, *mended, "garbage@0", "half@0", "mute@0", "unplug@0")
    for fault, rig in rigs.items():
        assert rig.waited_s < LONGEST_S, fault
        if fault in mended:
            assert rig.replies == ["Range A changed", "Ranges,0,5.000000,0,300.000000"], fault
            assert rig.log.count(f"WARNING: {mended[fault]}") == 1, fault
        else:
            assert rig.replies == ["", ""], fault
            assert rig.lost, fault
