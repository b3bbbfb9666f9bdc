"""What a daemon's output tells of instrument, ranges and accuracy; verdicts of sessions that are kept."""

import asyncio
import dataclasses
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from console.live.past import Past
from console.live.uncertainty import of_sample
from console.live.verdicts import Verdict
from console.log_format import json_line, say_event
from director.events import PhaseStarted
from evidence.ptd_output import LOOK_BYTES, read_told
from metrology.reading import Reading, Sample

IDENTITY = (
    "11-22-2026 19:42:44.027: Response to client sent: YokogawaWT310E,1000,1,1,1,1,0,1,0,version={},OS=Linux,"
    "mode=power,1,1,1,0,0,no_cal_date,YOKOGAWA;WT310E;SIMULATED;F1.04\n"
)
STAMP = "11-22-2026 19:42:44.185: "
FIXED = f"{STAMP}Volt range set to 300.000000V\n{STAMP}Ampere range set to 0.500000A\n"


def told_of(tmp_path: Path, text: str):  # type: ignore[no-untyped-def]
    path = tmp_path / "ptd_stdout_1.txt"
    path.write_text(text)
    return read_told(path)


def test_ranges_and_accuracy_of_a_daemon(tmp_path: Path) -> None:
    told = told_of(tmp_path, IDENTITY.format("1.11.1-69286632-20240907") + FIXED)
    assert (told.identity.model, told.identity.is_simulated) == ("WT310E", True)
    assert (told.full_scales, told.setting) == ((300.0, 0.5), "fixed")
    good = Sample(0, Reading(69.1, 230.0, 0.31623, 0.95))
    assert of_sample(told, good) == pytest.approx(0.0027, abs=1e-3)


def test_ranges_at_the_end_of_a_long_log(tmp_path: Path) -> None:
    noise = f"{STAMP}WARNING: Uncertainty unknown for the last measurement sample!\n" * (3 * LOOK_BYTES // 80)
    automatic = f"{STAMP}Volt range set to Auto\n{STAMP}Ampere range set to Auto\n"
    told = told_of(tmp_path, IDENTITY.format("wattrig_0.1.0") + automatic + noise + FIXED)
    assert (told.full_scales, told.setting) == ((300.0, 0.5), "fixed")
    told = told_of(tmp_path, IDENTITY.format("wattrig_0.1.0") + automatic + noise)
    assert (told.full_scales, told.setting) == ((None, None), "automatic")
    assert of_sample(told, Sample(0, Reading(69.1, 230.0, 0.31623, 0.95))) is None


@pytest.mark.parametrize("text", ["", "\x00\xff", "Response to client sent: no identity\n"])
def test_a_log_that_tells_nothing(tmp_path: Path, text: str) -> None:
    assert told_of(tmp_path, text) is None
    assert read_told(tmp_path / "absent") is None


def test_a_session_is_judged_once_and_never_while_one_is_measured(demo_session: Path) -> None:
    measuring = True
    past = Past([demo_session.parent], lambda: measuring)
    asyncio.run(past.judge())
    assert past.session(demo_session.name).strict == ""
    assert past.is_pending
    measuring = False
    asyncio.run(past.judge())
    found = past.session(demo_session.name)
    assert (found.strict, found.reference, found.whole) == ("invalid", "invalid", True)
    assert any("simulated" in text for text in found.findings)
    assert found.mean_w is not None
    assert not past.is_pending
    assert past.unjudged() == []
    report = asyncio.run(past.report(demo_session.name))
    assert report is not None
    assert b"<!DOCTYPE html>" in report


def test_a_half_is_not_blamed_for_the_other_half() -> None:
    missing, wrong = "FIL001 'power/client.json' is missing", "PWR003 the analyzer is simulated"
    half = Verdict("invalid", "invalid", findings=(missing, wrong))
    assert half.of_half() == Verdict("invalid", "incomplete", findings=(wrong,))
    assert half._replace(findings=(missing,)).of_half().strict == "incomplete"


def test_lines_of_the_log_as_json() -> None:
    found = json.loads(json_line("ptd-server 2026-03-01 10:00:00,684 [WARNING] it is [so]", "director"))
    assert (found["logger"], found["level"], found["message"]) == ("ptd-server", "warning", "it is [so]")
    assert found["t"].startswith("2026-03-01T10:00:00.684")
    assert json.loads(json_line("of another form", "director"))["message"] == "of another form"


def test_steps_of_a_session_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    event = PhaseStarted("2026-03-01_10-00-00", "testing")
    say_event(event, "text", "director")
    say_event(event, "json", "director")
    found = json.loads(capsys.readouterr().err)
    assert found["event"] == "PhaseStarted"
    assert {name: found[name] for name in dataclasses.asdict(event)} == dataclasses.asdict(event)


def test_every_line_of_a_director_is_an_object(tmp_path: Path) -> None:
    station = tmp_path / "station.toml"
    station.write_text(
        '[director]\nlisten = "127.0.0.1:0"\nstore = "store"\n'
        '[[analyzer]]\ndevice_type = 0\ndevice_port = "none"\nnetwork_port = 0\n'
    )
    wattrig = Path(sys.executable).with_name("wattrig")
    command = [wattrig, "director", "-c", station, "--log-format", "json", "--web", "127.0.0.1:0"]
    lines = []
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(json.loads(line))
            if lines[-1].get("event") == "Listening":
                process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert lines[0]["message"].startswith("live page: http://127.0.0.1:")
    assert lines[-1]["logger"] in ("director", "ptd-server")
    assert all({"t", "logger", "level"} < set(line) for line in lines)
