"""The soak in short: a director grows with neither sessions nor samples, and a crowd at its door takes no sample."""

from pathlib import Path

import pytest

from bench.load import GOAL_MS, load
from bench.sessions import day, many

SESSIONS = 50
ALLOWANCE_MIB = 4.0
"""What the allocator may keep of fifty sessions."""


def test_fifty_sessions_leave_no_file_open_and_no_memory_behind(tmp_path: Path) -> None:
    points = many(tmp_path / "lab", SESSIONS)
    assert points[-1].sessions >= SESSIONS - SESSIONS % len(points)
    assert len({point.files for point in points}) == 1
    assert points[-1].rss_mib - points[len(points) // 2].rss_mib < ALLOWANCE_MIB


def test_a_day_of_samples_at_once(tmp_path: Path) -> None:
    found = day(tmp_path / "lab", 86_400)
    assert found.took_s < 60
    assert found.most_mib - found.before_mib < 300


@pytest.mark.alone
def test_a_crowd_at_the_door_takes_no_sample(tmp_path: Path) -> None:
    found = load(tmp_path / "lab", 5.0)
    assert found.missed == (0, 0)
    assert min(found.samples) >= 4
    assert found.opened > 500
    # A few samples on a machine where other tests run tell less than the minutes of `make soak`.
    assert found.p50_ms[1] - found.p50_ms[0] < GOAL_MS
