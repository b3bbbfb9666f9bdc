"""Daemons of many analyzers: which share a process, and a session of several that do."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from director.fleet import groups
from director.server import Director
from director.station import load_station
from evidence.power_log import read_power_log
from evidence.state import read_state
from tests.director.waiting import sampled

WATTRIG = Path(sys.executable).with_name("wattrig")


def of(ptd: str, number: int) -> Any:
    return SimpleNamespace(number=number, config=SimpleNamespace(ptd=ptd, is_ours=ptd.endswith("wattrig-ptd")))


def test_only_our_own_daemons_are_shared() -> None:
    made = [
        of("wattrig-ptd", 1),
        of("/opt/ptd", 2),
        of("wattrig-ptd", 3),
        of("/other/wattrig-ptd", 4),
        of("wattrig-ptd", 5),
    ]
    found = {tuple(analyzer.number for analyzer in group) for group in groups(made, 3)}
    assert found == {(2,), (4,), (1, 3, 5)}


def test_shares_are_about_the_same_size() -> None:
    assert sorted(len(group) for group in groups([of("wattrig-ptd", at) for at in range(34)], 16)) == [11, 11, 12]
    assert [len(group) for group in groups([of("wattrig-ptd", 1), of("wattrig-ptd", 2)], 1)] == [1, 1]


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Path]:
    """A station of three simulated analyzers, whose daemons share a process."""
    command = [WATTRIG, "simulate", "wt310e", "--pty", tmp_path / "wt", "--baud", "0", "--load", "constant"]
    simulator = subprocess.Popen([*command, "--count", "3"], stdout=subprocess.PIPE, text=True)
    assert simulator.stdout is not None
    for number in (1, 2, 3):
        assert simulator.stdout.readline().startswith(f"{tmp_path}/wt-{number}: a SIMULATED")
    tables = "".join(
        f'[[analyzer]]\ndevice_type = 49\ndevice_port = "{tmp_path}/wt-{number}"\nnetwork_port = 0\n'
        for number in (1, 2, 3)
    )
    path = tmp_path / "station.toml"
    path.write_text(
        f'[director]\nlisten = "127.0.0.1:0"\nstore = "store"\nmeters_per_daemon = 3\ninterval_ms = 250\n{tables}'
    )
    yield path
    simulator.terminate()
    simulator.communicate()


def daemons() -> list[psutil.Process]:
    return [each for each in psutil.Process().children() if any("wattrig-ptd" in word for word in each.cmdline())]


async def _measure(path: Path, raw_client: Any, *, end_daemon: bool) -> tuple[str, int]:
    async with asyncio.timeout(40), Director(load_station(path)) as director:
        client = await raw_client.connect(director.address)
        name = str(await client.begin())
        assert await client.ask("session,*,start,ranging") == "OK"
        session = path.parent / "store" / name
        await sampled(session, "ranging", 8, analyzer=3)
        count = len(daemons())
        if end_daemon:
            daemons()[0].kill()
            assert await client.line() == ""
            await client.close()
            return name, count
        assert await client.ask("session,*,stop,ranging") == "OK"
        assert await client.ask("session,*,start,testing") == "OK"
        await sampled(session, "testing", 6, analyzer=3)
        assert await client.ask("session,*,stop,testing") == "OK"
        assert await client.ask("session,*,done") == "OK"
        await client.close()
        return name, count


def test_a_session_of_three_with_one_daemon(three: Path, raw_client: Any) -> None:
    name, count = asyncio.run(_measure(three, raw_client, end_daemon=False))
    assert count == 1
    session = three.parent / "store" / name
    log = read_power_log(session / "run_1/spl.txt", "spl.txt")
    assert abs(log.power_w - 300.0).max() < 0.6
    assert np.median(np.diff(log.t_utc_ns)) == pytest.approx(250e6, rel=0.1)
    server = json.loads((session / "power/server.json").read_text())
    assert {entry["command"][-1][-4:] for entry in server["ptd_config"]} == {"wt-1", "wt-2", "wt-3"}
    text = (session / "power/ptd_logs.txt").read_text()
    assert text.count("Go with mark") == 6
    assert not daemons()


def test_a_shared_daemon_that_dies_ends_the_session_and_all_are_given_back(three: Path, raw_client: Any) -> None:
    name, _ = asyncio.run(_measure(three, raw_client, end_daemon=True))
    session = three.parent / "store" / name
    state = read_state(session)
    assert state is not None
    assert state.state == "aborted"
    assert "exit code -9" in state.reason
    said = [entry["cmd"] for entry in json.loads((session / "power/server.json").read_text())["ptd_messages"]]
    assert said.count("SR,A,Auto") == 9, "twice for ranging, once to give back, of each"
    assert not daemons()
