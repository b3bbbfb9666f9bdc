import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.main import main
from console.uncertainty import MODELS

UNTETHER = "v4.1/closed/UntetherAI/results/h13_u3_slim/resnet50/singlestream"
SERVER, LOG, SAMPLES = "power/server.json", "power/ptd_logs.txt", "run_1/spl.txt"


def wattrig(*words: object) -> Result:
    return CliRunner().invoke(main, ["uncertainty", *map(str, words)])


@pytest.fixture
def changed(published: Path, tmp_path: Path) -> Callable[[str, str, str], Path]:
    """A copy of a session in which a pattern was replaced everywhere in one file."""

    def change(name: str, pattern: str, by: str) -> Path:
        target = tmp_path / "session"
        shutil.copytree(published / UNTETHER / "performance", target)
        text, count = re.subn(pattern, by, (target / name).read_text())
        assert count
        (target / name).write_text(text)
        return target

    return change


def test_every_published_reply_is_worked_out_to_its_last_digit(published: Path) -> None:
    told = 0
    for session in sorted(path.parent.parent for path in published.rglob(SERVER)):
        done = wattrig(session, "--format", "json")
        assert done.exit_code == 0, f"{session}: {done.output}"
        replies = re.findall(r'"Uncertainty,(.*)"', (session / SERVER).read_text())
        last = [replies[0], replies[-1]] if replies else [None, None]
        phases = json.loads(done.stdout)["phases"]
        for phase, reply in zip(("ranging", "testing"), last, strict=True):
            expected = reply and [float(word) for word in reply.split(",")]
            assert phases[phase]["recorded"] == expected
            assert expected in (None, phases[phase]["recomputed"])
            told += reply is not None
    assert told == 10


def test_the_text_says_the_same(published: Path) -> None:
    done = wattrig(published / UNTETHER)
    lines = done.output.splitlines()
    assert lines[:2] == ["ranging: equal", "  recomputed 692 samples: 0 above 1 %, 0 within, 692 unknown"]
    assert lines[3] == "testing: equal"
    numbers = "average 0.005699, minimum 0.005521, maximum 0.006962; 692 samples: 0 above 1 %, 692 within, 0 unknown"
    assert lines[4:6] == [f"  recomputed {numbers}", f"  recorded   {numbers}"]
    assert lines[6:] == ["mean power in the power window: 231.119 W +- 1.303 W (0.564%)"]


@pytest.mark.parametrize(
    ("name", "pattern", "by"),
    [
        (SAMPLES, r"Watts,\d+\.\d+", "Watts,100.000000"),
        (SERVER, "0.005699", "0.005700"),
        (LOG, r"Amp range set to 5.0", "Amp range set to 2.0"),
    ],
)
def test_a_session_that_was_changed_exits_1(
    changed: Callable[[str, str, str], Path], name: str, pattern: str, by: str
) -> None:
    done = wattrig(changed(name, pattern, by))
    assert done.exit_code == 1
    assert "ranging: equal" in done.output
    assert "testing: DIFFERENT" in done.output


def test_where_nothing_was_recorded_there_is_nothing_to_differ(changed: Callable[[str, str, str], Path]) -> None:
    done = wattrig(changed(SERVER, r"Uncertainty,[^\"]*", "Unknown command"))
    assert done.exit_code == 0
    assert "testing: nothing recorded\n  recomputed average 0.005699" in done.output


@pytest.mark.parametrize(
    ("name", "pattern", "by", "message"),
    [
        (SERVER, "YokogawaWT210", "Sundial", "judges an analyzer 'Sundial' is not known"),
        (SERVER, '"Identify"', '"x"', "there is no reply to Identify"),
        (SERVER, '"RR"', '"Identify"', "power/ptd_logs.txt has 0 headings 'Analyzer N', expected 2"),
        (SERVER, "Uncertainty,0", "Uncertainty,nan", "expected 'Uncertainty,f,f,f,n,n,n,n'"),
        (SERVER, r"^\{", "", "power/server.json: "),
        (LOG, "Go with mark", "Went with mark", "power/ptd_logs.txt has no start of the ranging run"),
    ],
)
def test_what_cannot_be_worked_out_exits_2_and_says_why(
    changed: Callable[[str, str, str], Path], name: str, pattern: str, by: str, message: str
) -> None:
    done = wattrig(changed(name, pattern, by))
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_phase_without_samples_is_left_out(changed: Callable[[str, str, str], Path]) -> None:
    session = changed(SAMPLES, "Watts", "Watts")
    (session / "ranging/spl.txt").unlink()
    assert list(json.loads(wattrig(session, "--format", "json").stdout)["phases"]) == ["testing"]
    (session / SAMPLES).unlink()
    done = wattrig(session)
    assert done.exit_code == 2
    assert "there is neither ranging/spl.txt nor run_1/spl.txt" in done.stderr


def test_no_session_exits_3(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent"):
        done = wattrig(path)
        assert done.exit_code == 3
        assert "holds no session" in done.stderr


def test_a_session_of_our_own_agrees(demo_session: Path) -> None:
    done = wattrig(demo_session)
    assert done.exit_code == 0, done.output
    assert "testing: equal" in done.output


def test_the_data_sheets_model_is_not_held_against_what_ptdaemon_told(published: Path) -> None:
    done = wattrig(published / UNTETHER, "--model", "datasheet")
    assert done.exit_code == 0
    assert "testing: by datasheet, which its daemon did not go by" in done.output
    assert "  terms of the data sheet from IM 760401-01E p. 16-4\n" in done.output


def test_a_meter_without_a_data_sheet_says_so(changed: Callable[[str, str, str], Path]) -> None:
    done = wattrig(changed(SERVER, "YokogawaWT210", "Sundial"), "--model", "datasheet")
    assert done.exit_code == 2
    assert "by which formula the data sheet judges an analyzer 'Sundial' is not known" in done.stderr


def test_a_phase_judged_by_the_data_sheet_differs_where_the_sheet_does(published: Path) -> None:
    # PTDaemon takes twice the data sheet's influence of the power factor for E models.
    told = []
    for session in (path.parent.parent for path in published.rglob(SERVER)):
        identity = json.loads((session / SERVER).read_text())["ptd_messages"][1]["reply"]
        if "WT310E" in identity or "WT333E" in identity:
            both = [json.loads(wattrig(session, "--model", model, "--format", "json").stdout) for model in MODELS]
            told.append([found["power"]["at_worst"] for found in both])
    assert told
    assert all(sheet < ptd for ptd, sheet in told)
