"""Client and director in network namespaces of their own: here a line that is down is down, and keep-alive decides.

Through a proxy the proxy's own system goes on answering keep-alive probes; these faults need two real ends.
"""

import signal
import subprocess
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from bench.fault_lab import FaultLab
from bench.fault_parts import slowness
from bench.fault_rig import GRACE_S
from wire.protocol import UNACKNOWLEDGED_MS

pytestmark = pytest.mark.timeout(400)
DIRECTOR, CLIENT = "10.77.0.1", "10.77.0.2"
NETEM = ("delay", "40ms", "10ms", "loss", "5%")
KEEPALIVE_S = 22
numbers = count()


class Namespaces:
    """Two namespaces with a line between them."""

    def __init__(self, tag: str) -> None:
        self.director, self.client = f"wd{tag}", f"wc{tag}"

    def make(self) -> bool:
        """Tell whether the system lets us."""
        steps = [
            f"ip netns add {self.director}",
            f"ip netns add {self.client}",
            f"ip -n {self.director} link add line type veth peer name line netns {self.client}",
            *(f"ip -n {name} addr add {address}/24 dev line" for name, address in self._ends()),
            *(f"ip -n {name} link set {link} up" for name, _ in self._ends() for link in ("lo", "line")),
        ]
        return all(ran(step) for step in steps)

    def _ends(self) -> tuple[tuple[str, str], ...]:
        return (self.director, DIRECTOR), (self.client, CLIENT)

    def line(self, state: str) -> None:
        assert ran(f"ip -n {self.director} link set line {state}")

    def netem(self, *words: str) -> bool:
        return all(ran(f"tc -n {name} qdisc add dev line root netem {' '.join(words)}") for name, _ in self._ends())

    def close(self) -> None:
        for name, _ in self._ends():
            ran(f"ip netns del {name}")


def ran(command: str) -> bool:
    try:
        return subprocess.run(command.split(), capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture
def spaces(tmp_path: Path) -> Iterator[Namespaces]:
    made = Namespaces(f"{hash(tmp_path) % 10**6}{next(numbers)}")
    try:
        if not made.make():
            pytest.skip("this user may not make network namespaces")
        yield made
    finally:
        made.close()


@pytest.fixture
def lab(tmp_path: Path, spaces: Namespaces) -> Iterator[FaultLab]:
    with FaultLab(tmp_path / "lab") as found:
        found.host = DIRECTOR
        found.client_options.append("--allow-plaintext")
        for name, space in (("director", spaces.director), ("client", spaces.client)):
            found.prefixes[name] = ["ip", "netns", "exec", space]
        found.simulator()
        found.director()
        yield found


def begin_testing(lab: FaultLab) -> None:
    """Go on until the testing run is being measured."""
    lab.open_gate("ranging")
    lab.client(lab.port)
    lab.wait_for_sample("testing")


def states(lab: FaultLab) -> tuple[str, str]:
    closed, kept = lab.closed(), lab.kept()
    return kept.state if kept else "", closed.state if closed else ""


def test_a_line_that_is_down_for_a_while_disturbs_nothing(lab: FaultLab, spaces: Namespaces) -> None:
    begin_testing(lab)
    spaces.line("down")
    time.sleep(3)
    spaces.line("up")
    lab.open_gate("testing")
    assert lab.client_ends() == 0, lab.told()
    assert states(lab) == ("complete", "complete")


def test_a_line_that_stays_down_is_noticed_by_both(lab: FaultLab, spaces: Namespaces) -> None:
    begin_testing(lab)
    down_s = time.monotonic()
    spaces.line("down")
    assert lab.client_ends() == 2, lab.told()
    assert states(lab) == ("aborted", "aborted")
    assert time.monotonic() - down_s < (KEEPALIVE_S + GRACE_S + 10) * slowness()
    assert lab.hears("client", "could not be made anew")
    assert lab.hears("director", "did not come back")
    assert not lab.leftovers()


def test_a_line_that_goes_down_under_a_command_is_noticed_too(lab: FaultLab, spaces: Namespaces) -> None:
    begin_testing(lab)
    lab.signal("director", signal.SIGSTOP)
    lab.open_gate("testing")
    time.sleep(1)  # the client's question is under way, and stays unanswered
    down_s = time.monotonic()
    spaces.line("down")
    lab.signal("director", signal.SIGCONT)
    assert lab.client_ends() == 2, lab.told()
    assert states(lab) == ("aborted", "aborted")
    assert time.monotonic() - down_s < (UNACKNOWLEDGED_MS / 1000 + 15) * slowness()


def test_a_client_machine_that_lost_its_memory_is_noticed(lab: FaultLab, spaces: Namespaces) -> None:
    begin_testing(lab)
    spaces.line("down")
    lab.signal("client")
    lab.client_ends()
    up_s = time.monotonic()
    spaces.line("up")
    assert states(lab) == ("", "aborted")
    assert time.monotonic() - up_s < 12 * slowness()


def test_a_poor_line_is_good_enough(lab: FaultLab, spaces: Namespaces) -> None:
    if not spaces.netem(*NETEM):
        pytest.skip("this kernel has no netem")
    lab.open_gate("ranging")
    lab.open_gate("testing")
    lab.client(lab.port)
    assert lab.client_ends() == 0, lab.told()
    assert states(lab) == ("complete", "complete")
