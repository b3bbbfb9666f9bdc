"""Sessions of several analyzers: scripted daemons for what may happen, simulated instruments for the power."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from director.events import Event, SampleTaken
from director.package import write_ptd_logs
from director.server import Director
from director.station import Station, load_station
from evidence.power_log import read_power_log
from evidence.state import read_state
from tests.director.waiting import sampled

WATTRIG = Path(sys.executable).with_name("wattrig")


@pytest.fixture
def two(station_file: Callable[..., Path], fake_program: Path) -> Callable[..., Station]:
    """A station of two scripted daemons."""

    def write(first: str = "ok", second: str = "ok", device_type: int = 49, more: str = "") -> Station:
        path = station_file(first)
        with path.open("a") as file:
            file.write(f'[[analyzer]]\nptd = "{fake_program}"\ndevice_type = {device_type}\n')
            file.write(f'device_port = "{second}"\nnetwork_port = 0\n{more}\n')
        return load_station(path)

    return write


async def _measure(station: Station, raw_client: Any, events: list[Event], counts: tuple[int, ...]) -> str:
    async with asyncio.timeout(40), Director(station, events.append) as director:
        client = await raw_client.connect(director.address)
        name = str(await client.begin())
        for phase in ("ranging", "testing"):
            assert await client.ask(f"session,*,start,{phase}") == "OK"
            for number, count in enumerate(counts, 1):
                await sampled(station.director.store / name, phase, count, number)
            assert await client.ask(f"session,*,stop,{phase}") == "OK"
        assert await client.ask("session,*,done") == "OK"
        await client.close()
        return name


def measure(station: Station, raw_client: Any, counts: tuple[int, ...] = (5, 5)) -> tuple[Path, list[Event]]:
    """Measure until each analyzer has taken so many samples in each phase."""
    events: list[Event] = []
    return station.director.store / asyncio.run(_measure(station, raw_client, events, counts)), events


def test_what_a_session_of_two_leaves(two: Callable[..., Station], raw_client: Any) -> None:
    station = two("ok", "three", device_type=77, more='channel = [1, 2]\nname = "right"\nfeeds = "PSU 2 and 3"')
    session, events = measure(station, raw_client)
    for folder, phase in (("ranging", "ranging"), ("run_1", "testing")):
        log = read_power_log(session / folder / "spl.txt", "spl.txt")
        assert log.channels == ("sum", "Analyzer1", "Analyzer2", *(f"Analyzer2/Ch{number}" for number in (1, 2, 3)))
        assert log.marks == (f"{session.name}_{phase}",)
        assert (log.blank_lines, log.irregular) == (1, ())
        own = [(session / f"wattrig/spl_analyzer_{number}_{phase}.txt").read_text().splitlines() for number in (1, 2)]
        assert len(log.lines) == len(own[0]) > 3
        text = (session / folder / "spl.txt").read_text()
        assert all(f",Analyzer1,{line}," in text for line in own[0])
        assert text.count("Analyzer2,Time,") == len(own[0])
    assert {event.analyzer for event in events if isinstance(event, SampleTaken)} == {1, 2}
    entries = json.loads((session / "wattrig/station.json").read_text())["analyzers"]
    assert [(entry["number"], entry["name"], entry["feeds"]) for entry in entries] == [
        (1, "", ""), (2, "right", "PSU 2 and 3"),
    ]  # fmt: skip


def test_each_analyzer_has_its_record_and_its_own_ranges(two: Callable[..., Station], raw_client: Any) -> None:
    session, _ = measure(two("ok", "three", device_type=77, more="channel = [1, 2]"), raw_client)
    server = json.loads((session / "power/server.json").read_text())
    said = [message["cmd"] for message in server["ptd_messages"]]
    second = said.index("Hello", 1)
    assert said[:3] == said[second : second + 3] == ["Hello", "Identify", "RR"]
    assert said[second:].count("RL,*,*") == 2
    assert "RL" not in said[second:]
    for number, part in ((1, said[:second]), (2, said[second:])):
        own = (session / f"wattrig/spl_analyzer_{number}_ranging.txt").read_text()
        largest_a = max(map(float, re.findall(r"Amps,([^,]+)", own)))
        assert f"SR,A,{largest_a * 1.1}" in part
        assert part.count("Stop") == 2
    assert [entry["device_type"] for entry in server["ptd_config"]] == [49, 77]
    heads = [
        line for line in (session / "power/ptd_logs.txt").read_text().splitlines() if line.startswith("Analyzer")
    ]
    assert heads == ["Analyzer 1", "Analyzer 2"]
    figures = (session / "run_1/ptd_out.txt").read_text()
    assert re.findall(r"Analyzer \d:\nPower: Watts,", figures) == [
        "Analyzer 1:\nPower: Watts,",
        "Analyzer 2:\nPower: Watts,",
    ]
    assert "Merging 2 log files into one file" in (session / "power/server.log").read_text()


def test_a_short_run_of_one_meter_leaves_no_sum_behind_it(two: Callable[..., Station], raw_client: Any) -> None:
    session, _ = measure(two("ok", "stall_after=1"), raw_client, (24, 1))
    log = read_power_log(session / "run_1/spl.txt", "spl.txt")
    assert set(log.power_w[1:]) == {-1.0}
    assert log.power_w[0] > 0


def test_one_daemon_that_dies_ends_the_session_and_both_are_given_back(
    two: Callable[..., Station], raw_client: Any
) -> None:
    station = two("ok", "die_after=4")

    async def run() -> str:
        async with asyncio.timeout(30), Director(station) as director:
            client = await raw_client.connect(director.address)
            name = str(await client.begin())
            assert await client.ask("session,*,start,ranging") == "OK"
            assert await client.line() == ""
            await client.close()
            return name

    session = station.director.store / asyncio.run(run())
    state = read_state(session)
    assert state is not None
    assert state.state == "aborted"
    assert "the daemon of analyzer 2 ended with exit code 3: " in state.reason
    said = json.loads((session / "power/server.json").read_text())["ptd_messages"]
    assert [message["cmd"] for message in said].count("SR,A,10.000000") == 2
    assert (session / "wattrig/journal_1.txt").stat().st_size


def test_a_log_cut_in_a_line_does_not_hide_the_next_heading(tmp_path: Path) -> None:
    outputs = [tmp_path / name for name in ("one", "absent", "three")]
    outputs[0].write_text("whole\nhalf a li")
    outputs[2].write_text("whole\n")
    (tmp_path / "power").mkdir()
    write_ptd_logs(tmp_path, outputs)
    text = (tmp_path / "power/ptd_logs.txt").read_text()
    assert text == "Analyzer 1\nwhole\nhalf a li\nAnalyzer 3\nwhole\n"


@contextmanager
def simulated(port: Path, watts: float) -> Iterator[None]:
    command = [WATTRIG, "simulate", "wt310e", "--pty", port, "--load", "constant", "--watts", str(watts)]
    simulator = subprocess.Popen([*command, "--baud", "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert simulator.stdout is not None
        assert simulator.stdout.readline()
        yield
    finally:
        simulator.terminate()
        simulator.communicate(timeout=20)


@pytest.mark.slow
def test_two_instruments_add_up(tmp_path: Path, raw_client: Any) -> None:
    path = tmp_path / "station.toml"
    tables = "".join(
        f'[[analyzer]]\ndevice_type = 49\ndevice_port = "{tmp_path / name}"\nnetwork_port = 0\n'
        for name in ("left", "right")
    )
    path.write_text(f'[director]\nlisten = "127.0.0.1:0"\nstore = "store"\n{tables}')
    with simulated(tmp_path / "left", 120.0), simulated(tmp_path / "right", 45.0):
        session, _ = measure(load_station(path), raw_client)
    log = read_power_log(session / "run_1/spl.txt", "spl.txt")
    good = log.quality[0] == 0
    assert good.sum() >= 3
    assert abs(log.power_w[good] - 165.0).max() < 165.0 * 0.002
    assert abs(log.values[1, 0, good] - 120.0).max() < 0.24
    text = (session / "power/ptd_logs.txt").read_text()
    assert re.findall(r"Amp range set to ([\d.]+)A", text).count("0.500000") == 1, "45 W need less than 120 W"
    told = subprocess.run([WATTRIG, "uncertainty", session], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert re.findall(r"(analyzer \d, testing): (\w+)", told.stdout) == [
        ("analyzer 1, testing", "equal"), ("analyzer 2, testing", "equal"),
    ]  # fmt: skip
