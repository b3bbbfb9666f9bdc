import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compliance import judge
from compliance.facts import SessionFacts, gather
from compliance.findings import Ask, Finding, Outcome
from compliance.judge import check_session
from compliance.result import Result, document
from evidence.session import find_session
from evidence.state import mark
from metrology.errors import ConfigError
from rules.rulebook import rules_of


def checked(folder: Path, round_name: str = "auto", **options: Any) -> Result:
    result = check_session(folder, round_name, **options)
    assert result is not None
    return result


def codes(result: Result, outcome: Outcome) -> list[str]:
    return [found.code for found in result.findings if found.outcome is outcome]


KEPT = {"FIL001", "FIL014"}
"""What the tests here judge by: the frame is tested, not the rulebook."""


@pytest.fixture(autouse=True)
def few_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        judge,
        "rules_of",
        lambda name, profile: (r for r in rules_of(name, profile) if profile != "strict" or r.code in KEPT),
    )


@pytest.fixture
def session(package: Any, tmp_path: Path) -> Path:
    folder: Path = package.write(tmp_path / "session")
    return folder


def test_a_good_session(session: Path) -> None:
    result = checked(session)
    assert result.strict_verdict == "valid"
    assert not result.shown()
    assert len(result.shown(passes=True)) == len(result.findings) > 0


def test_an_absent_file_is_named(session: Path) -> None:
    (session / "run_1" / "spl.txt").unlink()
    result = checked(session)
    found = next(found for found in result.findings if found.outcome is Outcome.FAIL)
    assert (found.code, found.file, found.got) == ("FIL001", "run_1/spl.txt", "absent")
    assert (result.strict_verdict, result.power) == ("invalid", None)


def test_an_aborted_session_is_invalid(session: Path) -> None:
    mark(session, "aborted", "the analyzer fell silent", "testing")
    result = checked(session)
    assert codes(result, Outcome.FAIL) == ["FIL014"]
    assert "the analyzer fell silent" in result.shown()[0].message
    mark(session, "complete")
    assert checked(session).strict_verdict == "valid"
    (session / "wattrig" / "state.json").write_text("{")
    assert codes(checked(session), Outcome.FAIL) == ["FIL014"]


def needs_ptdaemon(facts: SessionFacts, _ask: Ask) -> Iterator[Finding]:
    facts.identity()
    return iter(())


def test_what_lacks_a_fact_is_not_evaluated_and_not_valid(
    package: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "function_of", lambda check: needs_ptdaemon if check.startswith("files:") else _pass)
    package.server["ptd_messages"] = []
    result = checked(package.write(tmp_path))
    assert set(codes(result, Outcome.NOT_EVALUATED)) == KEPT
    assert result.strict_verdict == "incomplete"
    assert "no reply to 'Identify'" in result.shown()[0].message


def test_a_check_that_crashes_is_an_error_and_not_valid(session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_facts: SessionFacts, _ask: Ask) -> Iterator[Finding]:
        raise ZeroDivisionError("x")
        yield

    monkeypatch.setattr(judge, "function_of", lambda check: crash if check.startswith("files:") else _pass)
    result = checked(session)
    assert set(codes(result, Outcome.ERROR)) == {"FIL001", "FIL014"}
    assert result.strict_verdict == "incomplete"
    assert "ZeroDivision: x" in result.shown()[0].message


def _pass(*_: object) -> Any:
    return ()


def test_a_rule_can_be_ignored_with_a_reason_that_is_shown(session: Path) -> None:
    (session / "power" / "client.log").unlink()
    result = checked(session, ignored={"FIL001": "lost in a fire"})
    assert result.strict_verdict == "valid"
    assert result.shown()[0].ignored == "lost in a fire"


def test_the_round_can_be_forced_and_must_exist(session: Path) -> None:
    assert (checked(session, "v1.1").round, checked(session, "v1.1").round_reason) == ("v1.1", "asked for")
    with pytest.raises(ConfigError, match=r"no round 'v9\.9'"):
        check_session(session, "v9.9")


@pytest.mark.parametrize(
    ("sources", "version", "session_name", "expected"),
    [
        (True, "1.11.1", "2025-07-25_15-13-09", "v5.1"),
        (True, "1.11.1", "2025-01-25_15-13-09", "v5.0"),
        (False, "1.9.2", "2021-08-04_04-52-20", "v1.1"),
        (False, "1.10.0", "2024-07-23_11-35-08", "v4.1"),
        (False, "1.10.0", "", "v4.1"),
        (False, "9.9", "", "v6.1"),
    ],
)
def test_the_round_by_other_clues(
    sources: bool, version: str, session_name: str, expected: str, package: Any, tmp_path: Path
) -> None:
    for phase in ("ranging", "run_1"):
        package.replace(f"{phase}/mlperf_log_detail.txt", "rng_seed", "rng_other")
    for side in (package.client, package.server):
        side["session_name"] = session_name
    package.server["sources"] = package.server["sources"] if sources else {}
    identify = package.server["ptd_messages"][1]
    identify["reply"] = identify["reply"].replace("1.11.1", version)
    result = checked(package.write(tmp_path))
    assert result.round == expected
    assert expected in result.round_reason


def test_judging_is_pure(session: Path) -> None:
    folder = find_session(session)
    assert folder is not None
    facts = gather(folder)
    for path in sorted(session.rglob("*")):
        if path.is_file():
            path.unlink()
    assert judge.judge(facts, "x") == judge.judge(facts, "x")
    assert judge.judge(facts, "x").strict_verdict == "valid"


def test_the_json_has_what_is_promised(session: Path) -> None:
    (session / "power" / "client.log").unlink()
    found = json.loads(json.dumps(document([checked(session)]), allow_nan=False))
    assert found["schema"] == 1
    result = found["results"][0]
    assert set(result) == {"path", "round", "round_reason", "verdicts", "reference_checks", "findings", "power"}
    assert result["verdicts"] == {"reference": "invalid", "strict": "invalid"}
    assert set(result["reference_checks"][0]) == {"check", "outcome", "message"}
    assert {"code", "level", "outcome", "message", "file", "line", "got", "expected", "unit", "hint"} <= set(
        result["findings"][0]
    )
    assert {"mean_w", "energy_j", "metric", "unit", "window_s", "samples", "samples_bad"} <= set(result["power"])


def test_power_of_a_session(session: Path) -> None:
    power = checked(session).power
    assert power is not None
    assert (power.samples, power.samples_bad, power.window_s) == (29, 0, 30)
    assert power.mean_w == pytest.approx(201, abs=0.1)
    assert power.metric == pytest.approx(power.mean_w * 30)
    assert (power.scenario, power.unit, power.inferred) == ("SingleStream", "millijoules", False)
    assert power.joules_per_stream == pytest.approx(power.mean_w * 0.029)


def test_the_scenario_of_the_folder_decides(package: Any, tmp_path: Path) -> None:
    power = checked(package.write(tmp_path / "multistream" / "performance")).power
    assert power is not None
    assert (power.scenario, power.inferred) == ("MultiStream", True)


def test_infinite_samples_are_no_trouble_for_json(package: Any, tmp_path: Path) -> None:
    package.replace("run_1/spl.txt", "Watts,200.000000", "Watts,1e999")
    result = checked(package.write(tmp_path))
    assert json.loads(json.dumps(document([result]), allow_nan=False))["results"][0]["power"]["mean_w"] is None
    assert result.power is not None
    assert result.power.samples_bad > 0


def test_no_session_is_none(tmp_path: Path) -> None:
    assert check_session(tmp_path) is None


def test_a_session_of_pipes_and_links_does_not_hang(session: Path) -> None:
    for name in ("power/ptd_logs.txt", "run_1/spl.txt", "ranging/mlperf_log_detail.txt", "power/client.json"):
        (session / name).unlink()
        os.mkfifo(session / name)
    (session / "run_1" / "mlperf_log_summary.txt").unlink()
    (session / "run_1" / "mlperf_log_summary.txt").symlink_to("/etc/passwd")
    result = checked(session)
    assert len(codes(result, Outcome.FAIL)) == 5
    assert result.reference_verdict == "invalid"
