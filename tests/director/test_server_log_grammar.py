"""server.log of our sessions and of published ones follow one grammar."""

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from director.events import Event, LogLine
from director.server import Director
from director.server_log import LONGEST_SHOWN, server_log
from director.station import Station
from tests.director.waiting import sampled

HEAD = r"ptd-server \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} "
SESSION = r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d"
SAMPLES = (
    r"(Time,\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d{3}(,Watts,-?[\d.]+,Volts,-?[\d.]+,Amps,-?[\d.]+,PF,-?[\d.]+)+\\n)+"
)
ANALYZER = r"Analyzer \[1\]"
SETTING = r"(Auto|[\d.]+)"
COMMAND = "(start|stop),(ranging|testing)|done"
PLAIN = r"Hello|Identify|RR|Stop|RL|RL,\*,\*|Uncertainty|Watts"
GRAMMAR = [
    rf"Got command from the client '(stop|time|new,,[0-9a-f-]{{36}}|session,{SESSION},({COMMAND}))'",
    rf"Sending reply to client '(OK|\d+\.\d+|OK {SESSION},[0-9a-f-]{{36}})'",
    "The server will be stopped after processing this client",
    rf"{ANALYZER} is running PTDaemon: \['[^\]]+', '-l', '[^\]]+', '-p', '\d+'(, '[^']+')+\]",
    rf"{ANALYZER} is sending to ptd: '({PLAIN}|SR,[VA],{SETTING}|Go,1000,0,{SESSION}_(ranging|testing))'",
    rf"{ANALYZER} recieved reply from ptd: '[^'\\]+'",
    rf"{ANALYZER} connected to PTDaemon",
    rf"{ANALYZER} says the initial range for Amps is {SETTING} for Volts is {SETTING}",
    r"Starting (ranging|testing) mode",
    rf"{ANALYZER} maxAmps: [\d.]+, maxVolts: [\d.]+",
    rf"{ANALYZER} is trying to read \d+ lines",
    rf"{ANALYZER} got reply from ptd: '{SAMPLES}'",
    r"Merging (1|spl|ptd) log files into one file",
    rf"{ANALYZER} set initial values for Amps {SETTING} and Volts {SETTING}",
    rf"{ANALYZER} stopping ptd\.\.\.",
]
ORDER = """
    0 1 0 1 0 1 0 3 4 5 4 5 6 4 5 7 4 5 4 5 4 5 8 4 5 1 0 1
    0 1 0 4 5 4 5 4 5 10 11 4 5 4 5 1 0 1
    0 1 0 4 5 4 5 8 9 4 5 1 0 1
    0 1 0 4 5 4 5 4 5 4 5 4 5 10 11 4 5 4 5 12 12 12 1 0 1
    0 4 5 4 5 13 14
"""
"""The rules that the lines of a whole session with one channel follow, one row a command that takes time."""
LINES = [re.compile(rf"{HEAD}\[INFO\] {rule}") for rule in GRAMMAR]


def kinds(log: str) -> list[int]:
    """Get the number of the rule that each line follows."""
    found = []
    for line in log.splitlines():
        matching = [number for number, rule in enumerate(LINES) if rule.fullmatch(line)]
        assert len(matching) == 1, line[:200]
        found += matching
    return found


def test_ours(station: Callable[..., Station], raw_client: Any) -> None:
    place = station()

    async def run() -> str:
        async with asyncio.timeout(20), Director(place) as director:
            client = await raw_client.connect(director.address)
            assert await client.ask("mlcommons/power client v3")
            assert await client.ask("time")
            name = (await client.ask("new,,cf59d627-4308-4753-b14a-f6070a63ce76")).split(",")[0][3:]
            for phase in ("ranging", "testing"):
                for command in ("time", f"session,{name},start,{phase}", "time"):
                    await client.ask(command)
                await sampled(place.director.store / name, phase)
                for command in ("time", f"session,{name},stop,{phase}", "time"):
                    await client.ask(command)
            await client.ask(f"session,{name},done")
            await client.close()
            return str(name)

    log = (place.director.store / asyncio.run(run()) / "power/server.log").read_text()
    assert kinds(log) == [int(rule) for rule in ORDER.split()]


def test_published(published: Path) -> None:
    logs = sorted(published.glob("v5.1/**/power/server.log"))
    assert len(logs) >= 3
    for log in logs:
        assert kinds(log.read_text("utf-8"))[-3:] == [5, 13, 14]


def test_the_order_of_our_lines_is_the_published_one(published: Path) -> None:
    log = next(published.glob("v5.1/open/GATEOverflow/**/power/server.log"))
    assert kinds(log.read_text("utf-8")) == [int(rule) for rule in ORDER.split()]


def test_lines_before_the_session_come_first_and_long_ones_are_shown_short(tmp_path: Path) -> None:
    shown: list[Event] = []
    log = server_log(shown.append)
    log.info("early")
    log.open(tmp_path / "server.log")
    log.info("x" * 1000)
    log.warning("two\r\nlines")
    log.close()
    log.error("late")
    early, long, two = (tmp_path / "server.log").read_text().splitlines()
    assert re.fullmatch(HEAD + r"\[INFO\] early", early)
    assert long.endswith("x" * 1000)
    assert two.endswith(r"[WARNING] two\r\nlines")
    texts = [event.text for event in shown if isinstance(event, LogLine)]
    assert len(texts) == 4
    assert max(map(len, texts)) == LONGEST_SHOWN + 3


def test_a_full_disk_does_not_stop_the_director(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Event] = []
    log = server_log(shown.append)
    log.open(Path("/dev/full"))
    log.info("first")
    log.info("second")
    assert any("cannot be written any more" in event.text for event in shown if isinstance(event, LogLine))


def test_stamps_are_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-5:30")
    time.tzset()
    shown: list[Event] = []
    try:
        server_log(shown.append).info("now")
        local = time.strftime("%Y-%m-%d %H:%M")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert isinstance(shown[0], LogLine)
    assert local in shown[0].text
