"""What the director says of the ranges it chose, from the daemon's own words and the ranging run."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from director.events import Event, LogLine, RangesChosen, SampleTaken
from director.headroom import ENOUGH, headroom_of, spread
from director.ranging import FixedRanges
from director.server import Director
from director.station import load_station
from evidence.journal import read_journal
from evidence.layout import DIRECTOR_JOURNAL

WATTRIG = str(Path(sys.executable).with_name("wattrig"))
STAMP = "11-22-2026 19:42:44.185: "
TOLD = (
    f"{STAMP}Response to client sent: YokogawaWT310E,1000,1,1,1,1,0,1,0,version=1.11.1-0-20240907,OS=Linux,"
    "mode=power,1,1,1,0,0,no_cal_date,YOKOGAWA;WT310E;C3;F1.04\n"
    f"{STAMP}Volt range set to 300.000000V\n{STAMP}Ampere range set to 0.500000A\n"
)
LINE = "Time,11-22-2026 19:42:45.000,Watts,{:.6f},Volts,230.000000,Amps,{:.6f},PF,{:.6f}"


def headroom(folder: Path, text: str, lines: list[str]) -> Any:
    output = folder / "ptd_stdout_1.txt"
    output.write_text(text)
    analyzer: Any = SimpleNamespace(output=output)
    return headroom_of(analyzer, FixedRanges("230.000000", "0.44"), lines)


def test_it_is_worked_out_from_the_samples_and_the_daemons_words(tmp_path: Path) -> None:
    found = headroom(tmp_path, TOLD, [LINE.format(80, 0.4, 80 / 92), LINE.format(-1, -1, -1)])
    assert (found.voltage_range_v, found.current_range_a, found.crest_factor) == (300, 0.5, 3)
    assert found.current_a == pytest.approx(0.4)
    assert found.power_factor == pytest.approx(80 / 92)
    tangent = (1 - (80 / 92) ** 2) ** 0.5 / (80 / 92)
    wanted = 0.001 + 1e-9 * 230**2 + 1.3e-6 * 0.4**2 + 0.0005 * 150 / 92 + 0.002 * tangent
    assert found.uncertainty == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("text", ["", TOLD.replace("0.500000A", "Auto"), TOLD.partition("Volt range")[0]])
def test_nothing_is_said_where_the_ranges_are_not_known(tmp_path: Path, text: str) -> None:
    assert headroom(tmp_path, text, [LINE.format(80, 0.4, 0.9)]) is None


def test_nothing_is_said_without_a_good_sample(tmp_path: Path) -> None:
    assert headroom(tmp_path, TOLD, [LINE.format(-1, -1, -1)]) is None


@pytest.mark.parametrize("count", [0, 1, ENOUGH, ENOUGH + 1, 10 * ENOUGH + 7])
def test_a_long_run_is_looked_at_evenly(count: int) -> None:
    lines = [str(number) for number in range(count)]
    found = spread(lines)
    assert len(found) <= ENOUGH
    assert len(found) >= min(count, ENOUGH // 2)
    assert found == sorted(found, key=int)


@pytest.fixture
def small_load(tmp_path: Path) -> Iterator[Path]:
    """A station whose simulated analyzer reads a small load with a low power factor."""
    link = tmp_path / "wt"
    options = ["--pty", str(link), "--baud", "0", "--load", "constant", "--watts", "50", "--pf", "0.45"]
    with subprocess.Popen([WATTRIG, "simulate", "wt310e", *options], stdout=subprocess.PIPE, text=True) as meter:
        assert meter.stdout is not None
        meter.stdout.readline()
        path = tmp_path / "station.toml"
        path.write_text(
            '[director]\nlisten = "127.0.0.1:0"\nstore = "store"\ninterval_ms = 100\n'
            f'[[analyzer]]\ndevice_type = 49\ndevice_port = "{link}"\nnetwork_port = 0\nbaud = 115200\n'
        )
        yield path
        meter.terminate()


def is_good(event: Event, phase: str) -> bool:
    return isinstance(event, SampleTaken) and event.phase == phase and event.sample.total.usable


def test_a_session_tells_it_once_as_event_log_and_journal(small_load: Path, raw_client: Any) -> None:
    events: list[Event] = []
    station = load_station(small_load)

    async def run() -> str:
        async with asyncio.timeout(60), Director(station, events.append) as director:
            client = await raw_client.connect(director.address)
            name = str(await client.begin())
            for phase in ("ranging", "testing"):
                assert await client.ask(f"session,*,start,{phase}", 30) == "OK"
                while sum(is_good(event, phase) for event in events) < 3:  # noqa: ASYNC110 - nothing wakes us
                    await asyncio.sleep(0.05)
                assert await client.ask(f"session,*,stop,{phase}", 30) == "OK"
            assert await client.ask("session,*,done", 30) == "OK"
            await client.close()
            return name

    name = asyncio.run(run())
    (said,) = [event for event in events if isinstance(event, RangesChosen)]
    assert (said.session, said.analyzer, said.voltage_range_v) == (name, 1, 300)
    assert said.current_range_a == 1
    assert said.crest_room == pytest.approx(3 * 1 / (50 / 230 / 0.45), rel=0.05)
    assert "ranges 300 V and 1 A" in said.told
    logged = [event.text for event in events if isinstance(event, LogLine) and "WARNING" in event.text]
    assert all(any(warning in text for text in logged) for warning in said.advice)
    (kept,) = [
        record
        for record in read_journal(station.director.store / name / DIRECTOR_JOURNAL).records
        if record["kind"] == "ranges"
    ]
    assert (kept["of"], kept["told"]) == (1, said.told)
    sent = [
        m["cmd"]
        for m in json.loads((station.director.store / name / "power/server.json").read_text())["ptd_messages"]
    ]
    assert sent.count("RR") == 1
