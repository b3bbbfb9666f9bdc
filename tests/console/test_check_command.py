import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from console.main import main


def wattrig(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def session(tmp_path: Path, published: Path) -> Path:
    return published / "v4.1/closed/UntetherAI/results/h13_u3_slim/resnet50/singlestream"


def test_a_valid_session_exits_0_with_the_verdict_first(session: Path) -> None:
    done = wattrig("check", session)
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0] == str(session)
    assert lines[1].startswith("  strict: valid   reference: valid   round v4.1 (LoadGen's seeds")
    assert "    pass  Check UUID" in lines
    assert "    result  29.238987 millijoules (SingleStream)" in lines


def test_the_verdict_asked_for_decides_the_exit_code(session: Path) -> None:
    assert wattrig("check", session, "--round", "v5.1", "--verdict", "reference").exit_code == 1
    assert wattrig("check", session, "--verdict", "reference").exit_code == 0


def test_json_holds_all_sessions(session: Path) -> None:
    done = wattrig("check", "--format", "json", session, session / "performance")
    found = json.loads(done.stdout)
    assert [result["round"] for result in found["results"]] == ["v4.1", "v4.1"]


def test_nothing_checked_exits_3(tmp_path: Path) -> None:
    done = wattrig("check", tmp_path)
    assert done.exit_code == 3
    assert "holds no session" in done.stderr


def test_a_wrong_option_exits_2(tmp_path: Path) -> None:
    (tmp_path / "power").mkdir()
    assert wattrig("check", tmp_path, "--round", "v9").exit_code == 2
    assert wattrig("check", tmp_path, "--ignore", "FIL001").exit_code == 2


def test_an_empty_session_exits_1_and_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "power").mkdir()
    done = wattrig("check", tmp_path, "--all")
    assert done.exit_code == 1
    assert "FIL001 fail  'power/client.json' was not read: there is no such file" in done.output
    assert "Rules that could not be evaluated" in done.output
    assert "Traceback" not in done.output


def test_an_ignored_rule_shows_its_reason(tmp_path: Path) -> None:
    (tmp_path / "power").mkdir()
    assert "ignored: lost" in wattrig("check", tmp_path, "--ignore", "fil001=lost").output


def test_text_from_a_package_cannot_steer_the_terminal(tmp_path: Path) -> None:
    record: dict[str, Any] = {"session_name": "\x1b[2J\x07\x9b", "uuid": {}}
    (tmp_path / "power").mkdir()
    for side, name in (("client", "a"), ("server", "\x1b[2J\x07\x9b")):
        (tmp_path / "power" / f"{side}.json").write_text(json.dumps(record | {"session_name": name}))
    output = wattrig("check", tmp_path).output
    assert "in server.json" in output
    assert not {"\x1b", "\x07", "\x9b"} & set(output)


def test_rules_are_listed_and_told() -> None:
    assert "REF004  required     Check UUID" in wattrig("rule").output
    told = wattrig("rule", "ref009").output
    assert told.startswith("REF009  Check errors and warnings from PTD logs\n")
    assert "\nWhy\n" in told
    assert "\nHow to fix\n" in told
    assert wattrig("rule", "--round", "v5.1").output.startswith("Rulebook 1, round v5.1\n")
    assert "--allow PKG005" in wattrig("rule", "pkg005").output
    assert "it is never let pass" in wattrig("rule", "PKG001").output
    assert wattrig("rule", "PKG999").exit_code == 2


@pytest.mark.parametrize("words", [("rule", "XYZ999"), ("rule", "--round", "v9")])
def test_unknown_rules_and_rounds_are_refused(words: tuple[str, ...]) -> None:
    done = wattrig(*words)
    assert done.exit_code == 2
    assert "there is no r" in done.stderr
