"""Measured energy against what the simulated analyzer truly drew, through every part of the rig."""

from pathlib import Path

import pytest

from bench.energy import GOAL, LOADS, compare_session
from bench.rig import running_rig

# What does not change can be measured beside other tests: there a sample that is stamped late costs nothing.
EACH = [pytest.param(load, marks=() if load == "constant" else pytest.mark.alone) for load in LOADS]


@pytest.mark.slow
@pytest.mark.parametrize("load", EACH)
def test_energy_of_whole_intervals_is_the_true_energy(tmp_path: Path, load: str) -> None:
    with running_rig(tmp_path, LOADS[load]) as rig:
        session, _ = rig.measure(6)
        found = compare_session(session, rig.truth)
    assert found.whole_s >= 4
    assert abs(found.error) < GOAL
    assert found.edges_s < 2.1
