"""Spoiled sessions: every rule on files and on power must notice the ones that are meant for it."""

from pathlib import Path

import pytest

from compliance.findings import Outcome
from compliance.judge import check_session
from compliance.result import Result
from tests.compliance.mutants import FILES, POWER, Mutant, make

MUTANTS = [*FILES, *POWER]
SOUND = "v4.1/closed/UntetherAI/results/h13_u3_slim/resnet50/singlestream/performance"
UNCERTAIN = "v5.1/open/GATEOverflow/results/*/mobilenet-v1-precision_float-1.0-224/singlestream/performance"
Failures = set[tuple[str, str]]


def checked(folder: Path) -> Result:
    result = check_session(folder)
    assert result is not None
    assert not [found for found in result.findings if found.outcome is Outcome.ERROR]
    return result


def failures(folder: Path) -> Failures:
    """What fails, as (code, message)."""
    return {(found.code, found.message) for found in checked(folder).findings if found.outcome is Outcome.FAIL}


@pytest.fixture(scope="module", params=[SOUND, UNCERTAIN], ids=["v4.1", "v5.1"])
def session(request: pytest.FixtureRequest, published: Path) -> tuple[Path, Failures]:
    """A published session, and what fails on it."""
    (folder,) = published.glob(request.param)
    return folder, failures(folder)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_noticed(mutant: Mutant, session: tuple[Path, Failures], tmp_path: Path) -> None:
    folder, known = session
    assert mutant.code in {code for code, _ in failures(make(mutant, folder, tmp_path / "mutant")) - known}


KNOWN = {
    "v5.1/closed/Lenovo/results/SR680a_V3_B200SXMx8_TRT/whisper/Offline/performance": {"FIL009"},
    UNCERTAIN.replace("224", "128"): {"PWR017", "PWR018"},
    UNCERTAIN: {"PWR017"},
}
"""The required rules on files and on power that published sessions truly break."""


def test_published_sessions_break_no_rule_but_these(published: Path) -> None:
    sessions = sorted(published.rglob("performance"))
    assert len(sessions) == 10
    for folder in sessions:
        counted = [found for found in checked(folder).findings if found.code[:3] in {"FIL", "PWR"}]
        wrong = {found.code for found in counted if found.level == "required" and found.outcome is Outcome.FAIL}
        expected = [codes for glob, codes in KNOWN.items() if folder.relative_to(published).match(glob)]
        assert [wrong] == (expected or [set()])
        assert not [found for found in counted if found.outcome is Outcome.NOT_EVALUATED]


def test_every_mutant_has_a_name_of_its_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
