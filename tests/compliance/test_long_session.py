"""The long sessions that benchmarks check are as sound as the short one that they are made of."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.long_session import stretched
from compliance.findings import Outcome
from compliance.judge import check_session

BY_S = 90
PLAIN_CHECK = Path(__file__).parents[2] / "bench" / "plain_check.py"


@pytest.fixture(scope="module")
def long_session(demo_session: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stretched(demo_session, tmp_path_factory.mktemp("long") / "session", BY_S)


def broken(session: Path) -> set[str]:
    result = check_session(session)
    assert result is not None
    return {found.code for found in result.findings if found.outcome not in {Outcome.PASS, Outcome.NOT_APPLICABLE}}


def test_a_longer_session_breaks_no_rule_but_those_on_what_was_told(demo_session: Path, long_session: Path) -> None:
    """LoadGen's results and PTDaemon's averages are still those of the short one."""
    assert broken(long_session) - broken(demo_session) <= {"LGN001", "LGN006", "PWR034"}


def test_both_runs_are_longer_by_as_much(demo_session: Path, long_session: Path) -> None:
    short, long = check_session(demo_session), check_session(long_session)
    assert short is not None
    assert long is not None
    assert short.power is not None
    assert long.power is not None
    assert long.power.window_s == pytest.approx(short.power.window_s + BY_S)
    assert abs(long.power.samples - short.power.samples - BY_S) <= 1


def test_the_plain_script_finds_it_sound(long_session: Path) -> None:
    done = subprocess.run([sys.executable, PLAIN_CHECK, long_session, "--whole"], capture_output=True, text=True,
                          check=True, timeout=60)  # fmt: skip
    assert [line.split()[0] for line in done.stdout.splitlines() if not line.endswith(" good")] == [
        "client_sources", "server_sources",
    ]  # fmt: skip
