"""What a journal still tells of a session that was broken off."""

import json
from pathlib import Path

import pytest

from evidence.journal import Journal, read_journal
from evidence.ptd_protocol import RangesReply
from evidence.recovery import (
    begun_ns,
    completed_by,
    in_the_air,
    last_phase,
    owed_by,
    sample_lines,
    summary_of,
    write_partial_summary,
)
from evidence.summary import Summary

LINE = "Time,11-22-2026 15:26:{:02}.075,Watts,1.000000,Volts,230.000000,Amps,1.000000,PF,0.950000,Mark,s_testing"


def test_the_summary_is_put_together_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.journal")
    summary = Summary(("evidence",), session_name="2026-01-01_00-00-00")
    summary.message("magic", 1.0, "magic", 2.0)
    summary.keep(journal.add)
    summary.stamp("ranging")
    journal.add("asked", of="client", cmd="session,*,stop,ranging")
    summary.message("session,*,stop,ranging", 3.0, "OK", 4.0)
    summary.message("time", 5.0, "5.5", 6.0)
    summary.take_back(3)
    summary.take_back(2)
    journal.add("asked", of=1, cmd="Go")
    journal.add("answered", of=1, cmd="Go", reply="Starting")
    journal.add("asked", of=1, cmd="Stop")
    journal.close()
    kept = read_journal(journal.path)
    found = summary_of(kept, "killed")
    assert found["messages"] == summary.messages
    assert found["phases"] == {"ranging": [list(moment) for moment in summary.phases["ranging"]]}
    assert found["ptd_messages"] == [{"cmd": "Go", "reply": "Starting"}]
    assert (found["session_name"], found["partial"]["reason"]) == ("2026-01-01_00-00-00", "killed")
    assert in_the_air(kept) == ["Stop"]
    assert last_phase(kept) == "ranging"
    write_partial_summary(tmp_path, "server.json", kept, "killed")
    assert json.loads((tmp_path / "wattrig/partial/server.json").read_text()) == found


def test_a_repeated_phase_tells_of_its_last_attempt(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.journal")
    summary = Summary(("evidence",))
    summary.keep(journal.add)
    summary.stamp("testing")
    journal.add("sample", analyzer=1, phase="testing", line=LINE.format(1))
    summary.forget("testing")
    summary.stamp("testing")
    journal.add("sample", analyzer=1, phase="testing", line=LINE.format(2))
    journal.add("sample", analyzer=2, phase="testing", line=LINE.format(3))
    journal.close()
    kept = read_journal(journal.path)
    assert sample_lines(kept, "testing") == {1: [LINE.format(2)], 2: [LINE.format(3)]}
    assert len(summary_of(kept, "")["phases"]["testing"]) == 1
    assert begun_ns(kept, "testing") > 0
    assert begun_ns(kept, "ranging") == 0


def test_the_daemons_log_completes_the_journal() -> None:
    one, two, three = (LINE.format(second) for second in (1, 2, 3))
    assert completed_by([one, two], [one, two, three]) == [one, two, three]
    assert completed_by([one, "Time,dam"], ["", "Time,11-22-2026 15:26"]) == [one]
    assert completed_by([], [one, two], since_ns=10**19) == []


FOUND = ("RR", "Ranges,0,10.000000,1,300.000000")
BACK = [("SR,V,Auto", "Range V changed"), ("SR,A,10.000000", "Range A changed")]


@pytest.mark.parametrize(
    ("said", "owes"),
    [
        ([], False),
        ([("SR,A,Auto", "Range A changed")], True),
        ([("SR,A,Auto", "")], True),
        ([("SR,A,Auto", "Error: refused")], True),
        ([("SR,A,Auto", "Range A changed"), *BACK], False),
        ([("SR,A,Auto", "Range A changed"), *BACK[:1]], True),
        ([("SR,A,Auto", "Range A changed"), BACK[0], (BACK[1][0], "")], True),
        ([("SR,A,10.000000", "Range A changed")], False),
        ([("SR,X", "?"), ("Go", "Starting")], False),
    ],
)
def test_what_a_session_owes_its_analyzer(tmp_path: Path, said: list[tuple[str, str]], owes: bool) -> None:
    journal = Journal(tmp_path / "a.journal")
    for command, reply in (FOUND, *said):
        journal.add("asked", of=1, cmd=command)
        if reply:
            journal.add("answered", of=1, cmd=command, reply=reply)
    journal.add("answered", of="client", cmd="SR,A,1", reply="?")
    journal.add("answered", of=2, cmd="RR", reply="nothing that can be read")
    journal.close()
    found = owed_by(read_journal(journal.path))
    assert found == ({1: RangesReply(current="10.000000", voltage="Auto")} if owes else {})
