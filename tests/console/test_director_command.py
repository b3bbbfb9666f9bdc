"""`wattrig director` as a process, with wattrig-ptd's dummy behind it."""

import asyncio
import json
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from evidence.state import read_state
from tests.director.waiting import sampled

WATTRIG = str(Path(sys.executable).with_name("wattrig"))
DUMMY = 0


def write_station(folder: Path, listen: str = "127.0.0.1:0", more: str = "") -> Path:
    path = folder / "station.toml"
    path.write_text(
        f'[director]\nlisten = "{listen}"\nstore = "store"\n'
        f'[[analyzer]]\ndevice_type = {DUMMY}\ndevice_port = "none"\nnetwork_port = 0\n{more}'
    )
    return path


class Running:
    """A director in a process of its own and a connection to it."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, log: list[str]) -> None:
        self.process = process
        self.port = port
        self.log = log

    async def talk(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)


async def ask(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], command: str) -> str:
    reader, writer = streams
    writer.write(command.encode() + b"\r\n")
    return (await asyncio.wait_for(reader.readline(), 20)).decode().rstrip("\r\n")


@asynccontextmanager
async def running(station: Path) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        WATTRIG, "director", "-c", str(station), stderr=subprocess.PIPE, limit=1 << 20
    )
    assert process.stderr is not None
    log: list[str] = []
    reading: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(60):
            while not (log and "Ready to accept" in log[-1]):
                log.append((await process.stderr.readline()).decode())
                assert log[-1], f"it ended: {log}"
            port = int(log[-1].rsplit(":", 1)[1])
            reading = asyncio.create_task(drain(process.stderr, log))
            yield Running(process, port, log)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        if reading is not None:
            await reading


async def drain(stream: asyncio.StreamReader, log: list[str]) -> None:
    async for line in stream:
        log.append(line.decode())


def test_a_whole_session_with_the_real_daemon(tmp_path: Path) -> None:
    async def run() -> tuple[str, int, list[str]]:
        async with running(write_station(tmp_path)) as director:
            client = await director.talk()
            assert await ask(client, "mlcommons/power client v3") == "mlcommons/power server v3"
            assert await ask(client, "stop") == "OK"
            name = (await ask(client, "new,real,cf59d627-4308-4753-b14a-f6070a63ce76")).split(",")[0][3:]
            for phase in ("ranging", "testing"):
                assert await ask(client, f"session,{name},start,{phase}") == "OK"
                await sampled(tmp_path / "store" / name, phase, 2)
                assert await ask(client, f"session,{name},stop,{phase}") == "OK"
            assert await ask(client, f"session,{name},done") == "OK"
            client[1].close()
            return name, await director.process.wait(), director.log

    name, code, log = asyncio.run(run())
    assert code == 0
    assert any("Stopping the server" in line for line in log)
    session = tmp_path / "store" / name
    assert len((session / "run_1/spl.txt").read_text().splitlines()) >= 2
    assert "Watts," in (session / "run_1/ptd_out.txt").read_text()
    assert not list((session / "wattrig").glob("*differs*"))
    found = json.loads((session / "power/server.json").read_text())
    assert "version=wattrig_" in found["ptd_messages"][1]["reply"]
    assert (session / "power/ptd_logs.txt").read_text().splitlines()[-1]
    state = read_state(session)
    assert state is not None
    assert state.state == "complete"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    async def run(*, open_session: bool) -> tuple[str, int]:
        async with running(write_station(tmp_path)) as director:
            name = ""
            if open_session:
                client = await director.talk()
                assert await ask(client, "mlcommons/power client v3")
                name = (await ask(client, "new,,cf59d627-4308-4753-b14a-f6070a63ce76")).split(",")[0][3:]
                assert await ask(client, "session,*,start,ranging") == "OK"
            director.process.send_signal(number)
            code = await director.process.wait()
            if open_session:
                client[1].close()
            return name, code

    assert asyncio.run(run(open_session=False))[1] == 0
    name, code = asyncio.run(run(open_session=True))
    assert code == 1
    state = read_state(tmp_path / "store" / name)
    assert state is not None
    assert (state.state, state.reason) == ("aborted", "the director was stopped")


def test_after_kill_9_the_next_director_cleans_up(tmp_path: Path) -> None:
    async def run() -> tuple[str, int, list[str]]:
        station = write_station(tmp_path)
        async with running(station) as director:
            client = await director.talk()
            assert await ask(client, "mlcommons/power client v3")
            name = (await ask(client, "new,,cf59d627-4308-4753-b14a-f6070a63ce76")).split(",")[0][3:]
            assert await ask(client, "session,*,start,ranging") == "OK"
            (daemon,) = psutil.Process(director.process.pid).children()
            director.process.kill()
            await director.process.wait()
            client[1].close()
        async with running(station) as director:
            return name, daemon.pid, director.log

    name, pid, log = asyncio.run(run())
    command = Path(f"/proc/{pid}/cmdline")  # empty while nobody has taken note of its end
    assert not (command.exists() and command.read_bytes())
    assert any(f"The session {name} was left open" in line for line in log)
    assert any("set initial values" in line for line in log)
    state = read_state(tmp_path / "store" / name)
    assert state is not None
    assert state.reason.startswith("the director ended without closing")


def refused(*arguments: str) -> str:
    done = subprocess.run([WATTRIG, "director", *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return done.stderr


def test_what_keeps_it_from_starting_is_one_message(tmp_path: Path) -> None:
    assert "unknown key 'devicetype'" in refused("-c", str(write_station(tmp_path, more="devicetype = 1\n")))
    station = write_station(tmp_path)
    station.write_text(station.read_text().replace(f"device_type = {DUMMY}", "device_type = 49"))
    message = refused("-c", str(station))
    assert "the analyzer's daemon ended at once" in message
    assert "'none'" in message


def test_an_open_address_prints_the_command_that_allows_it(tmp_path: Path) -> None:
    station = write_station(tmp_path, listen="0.0.0.0:0")
    assert f"wattrig director -c {station} --allow-plaintext" in refused("-c", str(station))


def test_the_help_teaches(tmp_path: Path) -> None:
    done = subprocess.run([WATTRIG, "director", "-h"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0
    for word in ("station.toml", "[[analyzer]]", "device_type", "--allow-plaintext", "wattrig simulate"):
        assert word in done.stdout
    assert not re.search(r"^\s*\\b", done.stdout, re.MULTILINE)
