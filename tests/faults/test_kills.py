"""kill -9 at a random moment: the journal reads back, nothing but the last second is lost, the next session runs."""

import os
from pathlib import Path

import pytest

from bench.fault_parts import slowness
from bench.kills import VICTIMS, kill_once

pytestmark = pytest.mark.timeout(400)
KILLS = int(os.environ.get("WATTRIG_KILLS", "20"))


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_kill_loses_no_more_than_the_last_second(tmp_path: Path, seed: int) -> None:
    found = kill_once(tmp_path, seed)
    assert found.is_good, found
    assert found.recovered_s < 30 * slowness(), found


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_kill_in_the_middle_of_testing_keeps_the_samples(tmp_path: Path, victim: str) -> None:
    found = kill_once(tmp_path, 0, victim)
    assert found.is_good, found
    assert found.state == "aborted"
    assert found.samples >= 4
    (partial,) = tmp_path.glob("store/*/wattrig/partial/spl_analyzer_1_testing.txt")
    assert partial.read_text().count("_testing") >= 2
