"""The whole corpus on a session that the rig itself measured: every rule notices what is meant for it."""

from pathlib import Path

import pytest

from compliance.findings import Outcome
from compliance.judge import check_session
from tests.compliance.mutants import MUTANTS, Mutant, make

DEMO_CODES = {
    "PWR001",  # the sources are wattrig's own
    "PWR002",  # so is the daemon
    "PWR003",  # the analyzer is simulated
    "PWR019",  # the run is shorter than ten minutes
}
"""The required rules that a demo must break: it is simulated and short."""


def failures(folder: Path, level: str = "") -> set[tuple[str, str]]:
    """What fails, as (code, message)."""
    result = check_session(folder, "v6.1")
    assert result is not None
    assert not [found for found in result.findings if found.outcome is Outcome.ERROR]
    failed = (found for found in result.findings if found.outcome is Outcome.FAIL)
    return {(found.code, found.message) for found in failed if not level or found.level == level}


@pytest.fixture(scope="module")
def known(demo_session: Path) -> set[tuple[str, str]]:
    return failures(demo_session)


def test_a_demo_breaks_only_what_it_must(demo_session: Path) -> None:
    assert {code for code, _ in failures(demo_session, "required")} == DEMO_CODES


SPEC_ALONE = {"banner-of-another-ptdaemon", "altered-ptdaemon"}
"""Mutants of the banner that SPEC's PTDaemon prints; our daemon has its own."""


@pytest.mark.parametrize(
    "mutant", [mutant for mutant in MUTANTS if mutant.name not in SPEC_ALONE], ids=lambda mutant: mutant.name
)
def test_a_mutant_of_a_demo_is_noticed(
    mutant: Mutant, demo_session: Path, known: set[tuple[str, str]], tmp_path: Path
) -> None:
    before = set() if mutant.code in DEMO_CODES else known
    assert mutant.code in {code for code, _ in failures(make(mutant, demo_session, tmp_path / "mutant")) - before}
