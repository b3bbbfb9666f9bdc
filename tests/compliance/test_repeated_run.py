"""A session whose testing run failed once and was repeated: sound as it is, and spoiled in what it says of that."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from compliance.checks.repeats import Attempt, failed_attempts, given_up, with_attempts
from compliance.findings import Finding, Outcome
from compliance.judge import check_session
from evidence.session_log import Direction, SessionLog, Traffic
from evidence.source import FileFacts
from tests.compliance.mutants import PTD, SERVER, SERVER_LOG, record, text

WATTRIG = str(Path(sys.executable).with_name("wattrig"))
STATION = """
[director]
listen = "127.0.0.1:0"
store = "store"
[[analyzer]]
device_type = 0
device_port = "none"
network_port = 0
"""


@pytest.fixture(scope="module")
def repeated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real session whose workload failed at its first testing run."""
    home = tmp_path_factory.mktemp("repeated")
    (home / "station.toml").write_text(STATION)
    fails_once = f"if [ $WATTRIG_PHASE = testing ] && mkdir {home / 'failed'}; then sleep 1; exit 7; fi; "
    workload = f"{fails_once}{sys.executable} -m sut_client.loadgen --scenario Offline --seconds 2 --logs logs"
    done = subprocess.run(
        [WATTRIG, "measure", "-c", "station.toml", "-w", workload, "-L", "logs", "-o", "out",
         "--testing-attempts", "2"],
        cwd=home, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (found,) = (home / "out").iterdir()
    return found


@pytest.fixture
def session(repeated: Path, tmp_path: Path) -> Path:
    """A copy, to be spoiled."""
    return Path(shutil.copytree(repeated, tmp_path / repeated.name))


def found(session: Path, code: str) -> Finding:
    result = check_session(session)
    assert result is not None
    return next(each for each in result.findings if each.code == code)


def test_a_repeated_run_breaks_no_rule_on_records(session: Path) -> None:
    for code in ("FIL007", "FIL008", "FIL011"):
        assert found(session, code).outcome is Outcome.PASS, found(session, code).message
    told = found(session, "FIL015")
    assert (told.level, told.outcome, told.got) == ("info", Outcome.FAIL, 1)
    assert re.search(
        r"attempt 1 failed because .* exit status 7: .* \(lines \d+ to \d+ of 'power/server.log' tell of it",
        told.message,
    )


def test_a_package_without_our_records_tells_of_it_too(session: Path) -> None:
    shutil.rmtree(session / "wattrig")
    assert found(session, "FIL011").outcome is Outcome.PASS
    told = found(session, "FIL015")
    assert (told.file, told.outcome) == (SERVER_LOG, Outcome.FAIL)
    assert "attempt 1 failed, and nothing here records why (lines" in told.message
    assert (session / SERVER_LOG).read_text().splitlines()[(told.line or 0) - 1].endswith(",start,testing'")


def nth(pattern: str, number: int, by: str) -> Callable[[str], str]:
    """Replace one of several matches, counted from 1."""

    def change(content: str) -> str:
        match = list(re.finditer(pattern, content))[number - 1]
        return content[: match.start()] + match.expand(by) + content[match.end() :]

    return change


SPOILED = {
    "FIL007": {
        "a command before it": text(SERVER_LOG, nth(r".*sending to ptd: 'RR'\n", 1, "")),
        "a command of the run that counts": text(SERVER_LOG, nth(r"(sending to ptd: 'SR,A,)[^']*", 4, r"\g<1>99")),
        "a forged record": record(SERVER, lambda it: it["ptd_messages"][-3].update(reply="Range V unchanged")),
        "no repetition": text(SERVER_LOG, nth(r".*'wattrig,repeat,testing'\n", 1, "")),
    },
    "FIL011": {
        "a reply within it": text(PTD, nth(r"(Response to client sent: Starting)", 2, r"\1 no")),
        "the Stop of it": text(PTD, nth(r".*Response to client sent: Stopping untimed measurement\r?\n", 2, "")),
        "a reply after it": text(PTD, nth(r"(Response to client sent: Starting)", 3, r"\1 no")),
        "cut in the run that counts": text(PTD, lambda it: it[: list(re.finditer("_testing'", it))[1].end() + 200]),
        "told otherwise in server.log": text(SERVER_LOG, nth(r"(reply from ptd: 'Starting)", 2, r"\1 no")),
    },
    "FIL008": {
        "a repetition that nobody asked for": record(
            SERVER, lambda it: it.update(messages=[m for m in it["messages"] if m["cmd"] != "wattrig,repeat,testing"])
        )
    },
}  # fmt: skip


@pytest.mark.parametrize(("code", "how"), [(code, how) for code, group in SPOILED.items() for how in group])
def test_what_was_changed_in_it_is_noticed(session: Path, code: str, how: str) -> None:
    SPOILED[code][how](session)
    assert found(session, code).outcome is Outcome.FAIL


def test_what_was_said_in_it_is_what_the_director_kept_of_it(session: Path) -> None:
    from evidence.session_log import read_session_log

    said = [entry.text for entry in sorted(given_up(read_session_log(session / SERVER_LOG, SERVER_LOG)))]
    kept = json.loads((session / "wattrig/attempt_1/ptd_messages.json").read_text())["ptd_messages"]["1"]
    assert said == [part for message in kept for part in (message["cmd"], message["reply"])]


def log(*entries: tuple[Direction, int, str]) -> SessionLog:
    """Make a log of so many lines: (direction, analyzer, text)."""
    traffic = [
        Traffic(line, "", direction, number, what) for line, (direction, number, what) in enumerate(entries, 1)
    ]
    return SessionLog(FileFacts(SERVER_LOG, "read"), tuple(traffic))


def asked(command: str, reply: str = "OK") -> list[tuple[Direction, int, str]]:
    return [("command", 1, command), ("reply", 1, reply)]


def said(number: int, command: str) -> list[tuple[Direction, int, str]]:
    return [("to ptd", number, command), ("from ptd", number, f"{command} done")]


START, REPEAT = "session,2026-11-22_12-00-00,start,testing", "wattrig,repeat,testing"


def test_several_attempts_of_several_analyzers() -> None:
    found = log(
        *said(1, "Hello"), *said(2, "Hello"), *asked(START, "Error"), ("command", 1, f"{START},230,1"),
        *said(1, "RR"), *said(2, "SR,V"), *said(1, "SR,V"), ("reply", 1, "OK"), ("command", 1, REPEAT),
        *said(2, "Stop"), *said(1, "Stop"), ("reply", 1, "OK"), *asked(REPEAT), *asked(START), *said(2, "SR,A"),
        *asked(REPEAT, "Error: no further testing run is allowed"), *asked(REPEAT), *asked(START), *said(1, "SR,V"),
    )  # fmt: skip
    assert failed_attempts(found) == [Attempt(7, 20), Attempt(23, 30)]
    assert {(entry.analyzer, entry.text) for entry in given_up(found) if entry.direction == "to ptd"} == {
        (2, "SR,V"), (1, "SR,V"), (2, "Stop"), (1, "Stop"), (2, "SR,A"),
    }  # fmt: skip
    recorded = [[("Hello", "a"), ("RR", "b"), ("SR,V", "c"), ("Stop", "d")], [("Hello", "a"), ("Stop", "d")]]
    assert [[command for command, _ in part] for part in with_attempts(found, recorded)] == [
        ["Hello", "RR", "SR,V", "Stop", "SR,V", "Stop"], ["Hello", "SR,V", "Stop", "SR,A", "Stop"],
    ]  # fmt: skip


def test_a_repetition_without_a_run_takes_nothing_away() -> None:
    found = log(*said(1, "Hello"), *asked(REPEAT), *said(1, "Stop"), *asked(START), *said(1, "SR,V"))
    assert failed_attempts(found) == []
    assert with_attempts(found, [[("Hello", "a")]]) == [[("Hello", "a")]]
