"""What a session owes its analyzers, whatever happens to the file that says so, and whose processes are ended."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director import claim, leftovers, orphans
from director.analyzer import Analyzer
from director.analyzer_config import AnalyzerConfig
from director.daemon import started
from director.events import Event, LogLine
from director.server import Director
from director.server_log import server_log
from director.station import Station
from evidence.journal import Journal
from evidence.layout import DIRECTOR_JOURNAL
from evidence.ptd_protocol import RangesReply
from evidence.state import mark
from metrology.errors import EvidenceError

DEBT = {"number": 1, "voltage": "150.000000", "current": "Auto"}
OWED = {1: RangesReply(current="10.000000", voltage="300.000000")}


@pytest.fixture
def session(tmp_path: Path) -> Path:
    folder = tmp_path / "store/2026-01-02_03-04-05"
    (folder / "wattrig").mkdir(parents=True)
    return folder


def analyzer(voltage: str = "300.000000") -> Analyzer:
    config = AnalyzerConfig(device_type=49, device_port="/dev/none")
    found = Analyzer(1, config, Path(), server_log(lambda _: None))
    found.initial = RangesReply(current="10.000000", voltage=voltage)
    return found


def journal(session: Path, *more: tuple[str, str]) -> None:
    """Journal that an analyzer was found with ranges, and what was then said to its daemon."""
    kept = Journal(session / DIRECTOR_JOURNAL)
    for command, reply in (("RR", "Ranges,0,10.000000,0,300.000000"), *more):
        kept.add("asked", of=1, cmd=command)
        if reply:
            kept.add("answered", of=1, cmd=command, reply=reply)
    kept.close()


def test_what_is_noted_is_held_and_owed_afterwards(session: Path) -> None:
    held = claim.Claim(session)
    held.note([analyzer()])
    assert orphans.close_orphans(session.parent) == ([], {})
    held.release()
    told, owed = orphans.close_orphans(session.parent)
    assert (len(told), owed) == (1, OWED)


def test_a_note_that_the_disk_does_not_take_leaves_the_one_before(
    session: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    held = claim.Claim(session)
    held.note([analyzer()])
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            held.note([analyzer("150.000000")])
    assert claim.read_debts((session / claim.OWNER).read_bytes()) == OWED
    assert orphans.close_orphans(session.parent) == ([], {})
    held.release()


DAMAGED = [
    b"[1, {",
    b"{}",
    b"\xff\xfe",
    b"\0" * 40,
    b"[" * 100_000,
    json.dumps([{"voltage": "150.000000", "current": "Auto"}]).encode(),
    json.dumps([DEBT | {"number": "1"}]).encode(),
    json.dumps([DEBT | {"number": True}]).encode(),
    json.dumps([DEBT | {"number": 100}]).encode(),
    json.dumps([DEBT | {"voltage": "150\r\nGo,1000,0,x"}]).encode(),
    json.dumps([DEBT | {"current": "Auto\n"}]).encode(),
    json.dumps([DEBT | {"voltage": None}]).encode(),
]


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_is_told_and_made_up_for_by_the_journal(session: Path, text: bytes) -> None:
    (session / claim.OWNER).write_bytes(text)
    journal(session, ("SR,V,Auto", "Range V changed"), ("SR,A,Auto", ""))
    (damage, closed), owed = orphans.close_orphans(session.parent)
    assert owed == OWED
    assert "is damaged" in damage
    assert damage.endswith("its journal owes analyzer 1: 300.000000 V, 10.000000 A")
    assert "marked aborted" in closed


def test_what_is_no_range_does_not_come_from_the_journal_either(session: Path) -> None:
    (session / claim.OWNER).write_bytes(b"[")
    kept = Journal(session / DIRECTOR_JOURNAL)
    kept.add("answered", of=1, cmd="RR", reply="Ranges,0,10\n,0,300.000000")
    kept.add("asked", of=1, cmd="SR,V,Auto")
    kept.close()
    assert orphans.close_orphans(session.parent)[1] == {}


def test_a_damaged_file_of_a_session_without_journal_is_told(session: Path) -> None:
    (session / claim.OWNER).write_bytes(b"[")
    mark(session, "aborted", "for a test")
    (told,), owed = orphans.close_orphans(session.parent)
    assert owed == {}
    assert told.endswith("its journal owes no analyzer any ranges")


@given(st.binary(max_size=300))
def test_no_bytes_are_a_debt_by_chance(text: bytes) -> None:
    try:
        assert claim.read_debts(text) == {}
    except EvidenceError:
        assert text


def log_of_a_start(place: Station) -> list[str]:
    """Start a director and end it; get what it logged."""
    lines: list[str] = []

    def observe(event: Event) -> None:
        if isinstance(event, LogLine):
            lines.append(event.text)

    async def run() -> None:
        async with asyncio.timeout(20), Director(place, observe):
            pass

    asyncio.run(run())
    return lines


def test_a_start_sets_back_what_a_damaged_file_owed_once(station: Callable[..., Station]) -> None:
    place = station()
    session = place.director.store / "2026-01-02_03-04-05"
    (session / "wattrig").mkdir(parents=True)
    (session / claim.OWNER).write_bytes(b'[{"number": 1, "volt')
    journal(session, ("SR,V,Auto", "Range V changed"))
    first, second = log_of_a_start(place), log_of_a_start(place)
    assert any("owner.json' is damaged" in line for line in first)
    assert any("set initial values for Amps 10.000000 and Volts 300.000000" in line for line in first)
    assert (session / claim.OWNER).read_bytes() == b""
    assert not any("damaged" in line or "set initial values" in line for line in second)


def test_an_analyzer_that_is_gone_from_the_station_is_named(station: Callable[..., Station]) -> None:
    place = station()
    session = place.director.store / "2026-01-02_03-04-05"
    (session / "wattrig").mkdir(parents=True)
    (session / claim.OWNER).write_text(json.dumps([DEBT | {"number": 2}]))
    assert any("Analyzer [2] is in the station file no more" in line for line in log_of_a_start(place))


@pytest.fixture
def reader(session: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process of the operator's whose command line names a daemon's log, as `wc -l` does."""
    log = session / "wattrig/journal_1.txt"
    with subprocess.Popen([sys.executable, "-c", "input()", "-l", log], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_daemons_are_ended_and_nobody_who_reads_their_logs(
    session: Path, reader: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "END_S", 0.3)

    async def run() -> tuple[int, int]:
        script = (
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
        )
        stubborn = session / "wattrig/stubborn.txt"
        daemons = [
            await started(["/bin/sh", "-c", "sleep 60; true"], session / "wattrig/ptd_stdout_1.txt"),
            await started([sys.executable, "-c", script], stubborn),
        ]
        for _ in range(1000):
            if stubborn.read_bytes():
                break
            await asyncio.sleep(0.01)
        await asyncio.to_thread(leftovers.end_daemons, session / "wattrig")
        first, second = [await daemon.wait() for daemon in daemons]
        return first, second

    assert asyncio.run(run()) == (-15, -9)
    assert reader.poll() is None
