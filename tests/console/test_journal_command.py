"""`wattrig journal`: what stands in a session's journals, and the end of one whose process died."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.journal import journal
from evidence.journal import Journal
from evidence.state import read_state
from evidence.summary import Summary
from metrology.errors import EvidenceError, SessionError

LINE = "Time,11-22-2026 15:26:{:02}.075,Watts,1.000000,Volts,230.000000,Amps,1.000000,PF,0.950000,Mark,{}_testing"


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """The folder of a director that died in testing."""
    folder = tmp_path / "2026-11-22_12-00-00"
    (folder / "wattrig").mkdir(parents=True)
    kept = Journal(folder / "wattrig/director.journal")
    summary = Summary(("evidence",), session_name=folder.name)
    summary.keep(kept.add)
    summary.stamp("testing")
    kept.add("asked", of=1, cmd="Go")
    for second in range(3):
        kept.add("sample", analyzer=1, phase="testing", line=LINE.format(second, folder.name))
    kept.close()
    return folder


def ask(*words: str | Path) -> Result:
    return CliRunner().invoke(journal, [str(word) for word in words])


def test_it_tells_what_there_is(session: Path) -> None:
    found = ask(session)
    assert found.exit_code == 0
    assert "director: 6 records" in found.output
    assert "3 sample" in found.output
    lines = ask(session, "--records").output.splitlines()
    assert [json.loads(line)["kind"] for line in lines][:3] == ["session", "stamp", "asked"]


def test_damage_is_named_and_told_by_the_exit_code(session: Path) -> None:
    path = session / "wattrig/director.journal"
    path.write_bytes(path.read_bytes()[:-3])
    found = ask(session)
    assert found.exit_code == 1
    assert "DAMAGED in line 6, at byte" in found.output
    assert "the record has no end" in found.output


def test_a_broken_session_is_finished_once(session: Path) -> None:
    assert "finished as aborted" in ask(session, "--recover").output
    state = read_state(session)
    assert state is not None
    assert (state.state, state.phase) == ("aborted", "testing")
    assert len((session / "wattrig/partial/spl_analyzer_1_testing.txt").read_text().splitlines()) == 3
    assert json.loads((session / "wattrig/partial/server.json").read_text())["in_the_air"] == ["Go"]
    assert "nothing to finish: the session is aborted already" in ask(session, "--recover").output


def test_a_client_that_was_killed_leaves_no_client_json(session: Path) -> None:
    (session / "wattrig/director.journal").rename(session / "wattrig/client.journal")
    (session / "power").mkdir()
    (session / "power/client.json").write_text("{}")
    assert ask(session, "--recover").exit_code == 0
    assert not (session / "power/client.json").exists()
    assert json.loads((session / "wattrig/partial/client.json").read_text())["session_name"] == session.name


def test_what_is_being_measured_is_left_alone(session: Path) -> None:
    (session / "wattrig/director.journal").unlink()
    kept = Journal(session / "wattrig/director.journal")
    assert isinstance(ask(session, "--recover").exception, SessionError)
    kept.close()
    assert read_state(session) is None


def test_no_journal_is_one_clear_error(tmp_path: Path) -> None:
    assert isinstance(ask(tmp_path).exception, EvidenceError)
