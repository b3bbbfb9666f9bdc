"""Published sessions, spoiled in one way each: the rule that is meant must notice, beyond what the session has."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from compliance.findings import Outcome
from compliance.judge import check_session
from rules.rulebook import all_rules
from tests.compliance import mutants

SESSIONS = {
    "one channel, v5.1": "v5.1/open/GATEOverflow/results/*/*-224/singlestream/performance",
    "one channel, v4.1": "v4.1/closed/UntetherAI/results/*/resnet50/singlestream/performance",
    "three channels, v4.1": "v4.1/closed/NVIDIA/results/*/retinanet/Server/performance",
    "two channels, v1.1": "v1.1/closed/Dell/results/R750xa*/ssd-resnet34/Server/performance",
    "Offline, v5.1": "v5.1/closed/Lenovo/results/*/whisper/Offline/performance",
}


MUTANTS = {mutant.name: mutant for mutant in [*mutants.SAMPLES, *mutants.LOADGEN]}


@cache
def own_codes(session: Path) -> frozenset[str]:
    return frozenset(failing(session))


def failing(session: Path) -> Iterator[str]:
    result = check_session(session)
    assert result is not None
    return (one.code for one in result.findings if one.outcome is Outcome.FAIL)


@pytest.mark.parametrize("where", SESSIONS)
@pytest.mark.parametrize("name", MUTANTS)
def test_the_rule_that_is_meant_notices(published: Path, tmp_path: Path, name: str, where: str) -> None:
    (session,) = published.glob(SESSIONS[where])
    mutant = MUTANTS[name]
    spoiled = set(failing(mutants.make(mutant, session, tmp_path / name)))
    assert mutant.code in spoiled - own_codes(session), f"{name}: {sorted(spoiled)}"


def later(line: str, seconds: float) -> str:
    words = line.split(",")
    moment = datetime.strptime(words[1], "%m-%d-%Y %H:%M:%S.%f") + timedelta(seconds=seconds)
    words[1] = f"{moment:%m-%d-%Y %H:%M:%S}.{moment.microsecond // 1000:03d}"
    return ",".join(words)


def lines_put(rows: dict[int, Callable[[list[str]], str]]) -> Callable[[list[str]], list[str]]:
    return lambda lines: [rows[row](lines) if row in rows else line for row, line in enumerate(lines)]


HARMLESS = {
    "gaps of 1.20 and 1.32 s": mutants.samples(
        lines_put({50: lambda lines: later(lines[50], 0.2), 90: lambda lines: later(lines[90], 0.32)})
    ),
    "a missed sample, a hole, and a step of 0.58 s": mutants.samples(
        lines_put({50: lambda lines: mutants.missed(lines[49]), 51: lambda lines: later(lines[51], 0.42)})
    ),
    "uneven steps": mutants.samples(
        lambda lines: [later(line, 0.014 * (-1) ** row) for row, line in enumerate(lines)]
    ),
    "the last sample lost": mutants.text(mutants.SPL, lambda found: found[: found.rstrip().rindex("Time,")]),
    "bad readings in ranging": mutants.samples(lambda lines: [mutants.bad(lines[0]), *lines[1:]], "ranging"),
    "peaks in ranging": mutants.samples(lambda lines: mutants.each(lines, 9, mutants.over_peak), "ranging"),
    "missed in ranging": mutants.samples(lines_put({50: lambda lines: mutants.missed(lines[49])}), "ranging"),
}
"""What sound published sessions show; the first two are of v1.1 NVIDIA Xavier_NX."""


@pytest.mark.parametrize("where", SESSIONS)
@pytest.mark.parametrize("name", HARMLESS)
def test_irregularities_of_sound_sessions_fail_nothing_required(
    published: Path, tmp_path: Path, name: str, where: str
) -> None:
    (session,) = published.glob(SESSIONS[where])
    result = check_session(mutants.make(mutants.Mutant(name, "", HARMLESS[name]), session, tmp_path / "m"))
    assert result is not None
    own = [one for one in result.findings if one.code[:3] in ("SMP", "LGN") and one.level == "required"]
    assert not [one for one in own if one.outcome not in (Outcome.PASS, Outcome.NOT_APPLICABLE)]


def test_every_rule_on_samples_and_loadgen_has_a_mutant_or_a_test_of_its_own() -> None:
    """SMP011 needs several channels, SMP016 is a note on the load itself."""
    codes = {code for code in all_rules() if code[:3] in ("SMP", "LGN")}
    assert codes - {mutant.code for mutant in MUTANTS.values()} == {"SMP011", "SMP016"}
