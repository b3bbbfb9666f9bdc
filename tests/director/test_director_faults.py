"""What breaks, and what is left afterwards: a session marked aborted, everything kept, the next client served."""

import asyncio
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from director import claim, conversation, orphans, recorder
from director.events import Event, LogLine, SessionEnded
from director.server import Director
from director.station import Station
from evidence.state import read_state
from metrology.errors import ConfigError, InstrumentError, PeerError, WattrigError
from tests.director.waiting import sampled


def reason_of(session: Path) -> tuple[str, str]:
    state = read_state(session)
    assert state is not None
    assert state.state == "aborted"
    return state.reason, state.phase


async def ended(events: list[Event]) -> SessionEnded:
    for _ in range(500):
        for event in events:
            if isinstance(event, SessionEnded):
                return event
        await asyncio.sleep(0.02)
    raise AssertionError("the session did not end within 10 s")


def break_while_measuring(station: Station, raw_client: Any) -> tuple[Path, str, list[Event]]:
    """Start ranging with a client of ours; get the session, what the client is told unasked, and the events."""
    events: list[Event] = []

    async def run() -> tuple[str, str]:
        async with asyncio.timeout(30), Director(station, events.append) as director:
            client = await raw_client.connect(director.address)
            name = await client.begin(hello=True)
            assert await client.ask("session,*,start,ranging") == "OK"
            told = await client.line()
            assert await client.line() == ""
            await client.close()
            await ended(events)
            again = await raw_client.connect(director.address)
            assert await again.begin(label="next")
            await again.close()
            return name, told

    name, told = asyncio.run(run())
    return station.director.store / name, told, events


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("die_after=4", "the daemon of analyzer 1 ended with exit code 3: .*ERROR: the instrument at '/dev/fake'"),
        ("close_after=4", "the daemon of analyzer 1 closed the connection"),
        ("stall_after=4", "no new sample for 0.8 s"),
        ("spec+stall_after=4", "no new sample for 0.8 s"),
    ],
)
def test_an_analyzer_lost_while_measuring_is_noticed_at_once(
    station: Callable[..., Station], raw_client: Any, monkeypatch: pytest.MonkeyPatch, fault: str, reason: str
) -> None:
    monkeypatch.setattr(recorder, "SILENCE_S", 0.8)
    place = station(fault, more="settle_s = 0")
    session, told, events = break_while_measuring(place, raw_client)
    assert re.match(f"wattrig,abort,{reason}", told), told
    found, phase = reason_of(session)
    assert re.match(reason, found)
    assert phase == "ranging"
    kept = len((session / "wattrig/journal_1.txt").read_text().splitlines())
    assert kept >= 4 if fault.startswith("close") else kept == 4
    log = (session / "power/server.log").read_text()
    assert "set initial values for Amps 10.000000 and Volts 300.000000" in log
    assert json.loads((session / "power/server.json").read_text())["session_name"] == session.name
    assert "Analyzer 1" in (session / "power/ptd_logs.txt").read_text()
    assert any(isinstance(event, LogLine) and "broken off" in event.text for event in events)


@pytest.mark.parametrize(
    ("fault", "command", "reply"),
    [
        ("refuse=Go", "start", "Error: the analyzer's daemon answered 'Go,1000,0,{}_ranging' with 'Error: refused'"),
        ("refuse=SR,A", "start", "Error: the analyzer's daemon answered 'SR,A,Auto' with 'Error: refused'"),
        ("die=Go", "start", "Error: the analyzer's daemon closed the connection before it answered 'Go"),
        ("die=Stop", "stop", "Error: the analyzer's daemon closed the connection before it answered 'Stop'"),
        ("refuse=Stop", "stop", "Error: the analyzer's daemon answered 'Stop' with 'Error: refused'"),
        ("refuse=RL", "stop", "Error: the analyzer's daemon answered 'RL,*,*' with 'Error: refused'"),
        ("silent=RL", "stop", "Error: the analyzer's daemon did not answer 'RL,*,*' within 0.5 s"),
        ("bad", "stop", "Error: none of the "),
        ("stall_after=0", "stop", "Error: analyzer 1 delivered no sample in ranging"),
    ],
)
def test_every_reply_of_the_daemon_is_checked(
    station: Callable[..., Station],
    raw_client: Any,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
    command: str,
    reply: str,
) -> None:
    monkeypatch.setattr("analyzers.ptd.client.LISTING_S", 0.5)
    place = station(fault)
    events: list[Event] = []

    async def run() -> str:
        async with asyncio.timeout(30), Director(place, events.append) as director:
            client = await raw_client.connect(director.address)
            name = str(await client.begin())
            if command == "stop":
                assert await client.ask("session,*,start,ranging") == "OK"
                await sampled(place.director.store / name, "ranging", 0 if fault == "stall_after=0" else 1)
            got = await client.ask(f"session,*,{command},ranging")
            assert got.startswith(reply.format(name)), got
            assert (await ended(events)).reason
            assert await client.ask("session,*,stop,ranging") == "Error: unknown session"
            await client.close()
            return name

    reason, phase = reason_of(place.director.store / asyncio.run(run()))
    assert reason
    assert phase == "ranging"


def test_odd_figures_are_kept_with_a_warning(station: Callable[..., Station], raw_client: Any) -> None:
    place = station("refuse=Uncertainty")

    async def run() -> str:
        async with asyncio.timeout(20), Director(place) as director:
            client = await raw_client.connect(director.address)
            name = str(await client.begin())
            assert await client.ask("session,*,start,ranging") == "OK"
            await sampled(place.director.store / name, "ranging")
            assert await client.ask("session,*,stop,ranging") == "OK"
            await client.close()
            return name

    log = (place.director.store / asyncio.run(run()) / "power/server.log").read_text()
    assert "[WARNING] Analyzer [1] answered 'Uncertainty' with 'Error: refused'" in log


@pytest.mark.parametrize("when", ["opened", "measuring", "ranged"])
def test_a_client_that_leaves_frees_the_analyzer(station: Callable[..., Station], raw_client: Any, when: str) -> None:
    place = station()
    events: list[Event] = []

    async def run() -> str:
        async with asyncio.timeout(20), Director(place, events.append) as director:
            client = await raw_client.connect(director.address)
            name = str(await client.begin())
            if when != "opened":
                assert await client.ask("session,*,start,ranging") == "OK"
                await sampled(place.director.store / name, "ranging")
            if when == "ranged":
                assert await client.ask("session,*,stop,ranging") == "OK"
            client.writer.transport.abort()
            assert re.search("closed|broke", (await ended(events)).reason)
            return name

    session = place.director.store / asyncio.run(run())
    assert reason_of(session)[1] == ("" if when == "opened" else "ranging")
    log = (session / "power/server.log").read_text()
    assert "Client connection closed unexpectedly" in log
    assert ("set initial values" in log) == (when != "opened")
    assert (session / "ranging/spl.txt").exists() == (when == "ranged")


def test_a_client_that_falls_silent_between_phases_does_not_keep_the_analyzer(
    station: Callable[..., Station], raw_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "BETWEEN_S", 0.2)
    place, events = station(more="[session]\ngrace_s = 0.1"), list[Event]()

    async def run() -> str:
        async with asyncio.timeout(30), Director(place, events.append) as director:
            client = await raw_client.connect(director.address)
            name = await client.begin(hello=True)
            assert await client.ask("session,*,start,ranging") == "OK"
            await sampled(place.director.store / name, "ranging", 8)  # while a phase is measured it may be silent
            assert await client.ask("session,*,stop,ranging") == "OK"
            told = str(await client.line())
            await client.close()
            await ended(events)
            return told

    assert asyncio.run(run()).startswith("wattrig,abort,the client")


def test_a_director_that_is_stopped_closes_its_session(station: Callable[..., Station], raw_client: Any) -> None:
    place = station()

    async def run() -> tuple[str, str]:
        async with asyncio.timeout(20):
            async with Director(place) as director:
                client = await raw_client.connect(director.address)
                name = await client.begin(hello=True)
                assert await client.ask("session,*,start,ranging") == "OK"
            told = await client.line()
            await client.close()
            return name, told

    name, told = asyncio.run(run())
    assert told == "wattrig,abort,the director was stopped"
    assert reason_of(place.director.store / name) == ("the director was stopped", "ranging")


def test_done_too_early_is_no_complete_session(station: Callable[..., Station], raw_client: Any) -> None:
    place = station()

    async def run() -> str:
        async with asyncio.timeout(20), Director(place) as director:
            client = await raw_client.connect(director.address)
            name = str(await client.begin())
            assert await client.ask("session,*,start,ranging") == "OK"
            assert await client.ask("session,*,done") == "OK"
            await client.close()
            return name

    assert "before the testing run" in reason_of(place.director.store / asyncio.run(run()))[0]


def test_a_session_left_open_is_closed_and_the_ranges_set_back(station: Callable[..., Station]) -> None:
    place = station()
    left = place.director.store / "2026-11-22_12-00-00"
    (left / "wattrig").mkdir(parents=True)
    entry = {"pid": None, "command": [], "number": 1, "voltage": "150.000000", "current": "Auto"}
    (left / claim.OWNER).write_text(json.dumps([entry]))
    broken = place.director.store / "2026-11-22_13-00-00"
    (broken / "wattrig").mkdir(parents=True)
    (broken / claim.OWNER).write_text("[1, {")
    events: list[Event] = []

    async def run() -> None:
        async with asyncio.timeout(20), Director(place, events.append):
            pass

    asyncio.run(run())
    assert reason_of(left)[0].startswith("the director ended without closing")
    assert reason_of(broken)
    log = [event.text for event in events if isinstance(event, LogLine)]
    assert any("set initial values for Amps Auto and Volts 150.000000" in line for line in log)


def test_a_session_in_use_is_left_alone(station: Callable[..., Station], raw_client: Any) -> None:
    place = station()

    async def run() -> None:
        async with asyncio.timeout(20), Director(place) as director:
            client = await raw_client.connect(director.address)
            await client.begin()
            assert orphans.close_orphans(place.director.store) == ([], {})
            await client.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("faults", "error", "message"),
    [
        ("absent", InstrumentError, "ended at once: .*ERROR: the serial port '/dev/fake' cannot be opened"),
        ("die=Identify", PeerError, "closed the connection before it answered 'Identify'"),
        ("refuse=Hello", PeerError, "answered 'Hello' with 'Error: refused'"),
        ("refuse=RR", WattrigError, "to RR, expected 'Ranges"),
        ("refuse=Identify", WattrigError, "to Identify, expected"),
    ],
)
def test_an_analyzer_that_does_not_answer_keeps_the_director_from_listening(
    station: Callable[..., Station], faults: str, error: type[Exception], message: str
) -> None:
    async def run() -> None:
        async with asyncio.timeout(10), Director(station(faults)):
            pytest.fail("it listens")

    with pytest.raises(error, match=message):
        asyncio.run(run())


def test_a_taken_port_is_named(station: Callable[..., Station]) -> None:
    async def run() -> None:
        other = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
        port = other.sockets[0].getsockname()[1]
        place = station()
        analyzer = place.analyzer[0].model_copy(update={"network_port": port})
        try:
            with pytest.raises(ConfigError, match=f"TCP port {port}.*(?s:.*)is taken(?s:.*)ss -ltnp"):
                async with Director(place.model_copy(update={"analyzer": (analyzer,)})):
                    pytest.fail("it listens")
        finally:
            other.close()
            await other.wait_closed()

    asyncio.run(run())


def test_a_program_that_is_missing_is_named(station: Callable[..., Station]) -> None:
    place = station()
    analyzer = place.analyzer[0].model_copy(update={"ptd": "/nowhere/ptd"})

    async def run() -> None:
        async with Director(place.model_copy(update={"analyzer": (analyzer,)})):
            pytest.fail("it listens")

    with pytest.raises(ConfigError, match="'/nowhere/ptd' cannot be started: No such file"):
        asyncio.run(run())


def test_a_store_that_cannot_be_made_is_named(station: Callable[..., Station], tmp_path: Path) -> None:
    place = station()
    (tmp_path / "file").touch()
    config = place.director.model_copy(update={"store": tmp_path / "file" / "store"})

    async def run() -> None:
        async with Director(place.model_copy(update={"director": config})):
            pytest.fail("it listens")

    with pytest.raises(ConfigError, match=r"the store '.*' cannot be made: Not a directory"):
        asyncio.run(run())


def test_a_full_store_takes_no_session(
    station: Callable[..., Station], raw_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("director.session.LEAST_FREE_BYTES", 1 << 80)

    async def run() -> str:
        async with asyncio.timeout(20), Director(station()) as director:
            client = await raw_client.connect(director.address)
            assert await client.ask("mlcommons/power client v3")
            reply = str(await client.ask("new,,cf59d627-4308-4753-b14a-f6070a63ce76"))
            await client.close()
            return reply

    assert re.match(r"Error: the store '.*' has \d+ MiB free, expected", asyncio.run(run()))


def test_a_disk_that_fills_up_ends_the_session_and_gives_the_analyzer_back(
    station: Callable[..., Station], raw_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write

    def write(file: int, line: bytes) -> int:
        if b'"kind":"sample"' in line and b'"n":' in line:
            raise OSError(28, "No space left on device")
        return real(file, line)

    monkeypatch.setattr("evidence.journal.os.write", write)
    session, told, _ = break_while_measuring(station(), raw_client)
    assert "cannot be written: No space left on device" in told
    assert "No space left on device" in reason_of(session)[0]
    assert "set initial values" in (session / "power/server.log").read_text()


def test_a_state_that_cannot_be_written_is_made_up_for_at_the_next_start(
    station: Callable[..., Station], raw_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    place = station()

    async def run() -> str:
        async with asyncio.timeout(20), Director(place) as director:
            client = await raw_client.connect(director.address)
            name = str(await client.begin())
            assert await client.ask("session,*,start,ranging") == "OK"
            monkeypatch.setattr("director.session.mark", full)
            assert await client.ask("session,*,done") == "OK"
            assert await client.ask("new,again,cf59d627-4308-4753-b14a-f6070a63ce76") == "Error: exception"
            await client.close()
            return name

    session = place.director.store / asyncio.run(run())
    assert read_state(session) is None
    told, owed = orphans.close_orphans(place.director.store)
    assert (len(told), owed) == (1, {})  # its ranges were set back
    assert reason_of(session)[1] == "ranging"
    assert (session / "wattrig/partial/server.json").exists()


def test_ranges_that_could_not_be_set_back_are_owed_until_the_next_start(
    station: Callable[..., Station], raw_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, events = station(), list[Event]()

    async def fail(_: object) -> None:
        raise InstrumentError("it does not answer")

    async def session() -> Path:
        async with asyncio.timeout(20), Director(place) as director:
            client = await raw_client.connect(director.address)
            name = await client.begin()
            assert await client.ask("session,*,start,ranging") == "OK"
            assert await client.ask("session,*,done") == "OK"
            await client.close()
        return Path(place.director.store / name)

    async def start() -> None:
        async with asyncio.timeout(20), Director(place, events.append):
            pass

    with monkeypatch.context() as broken:
        broken.setattr("director.analyzer.Analyzer.restore", fail)
        left = asyncio.run(session())
    assert reason_of(left)
    asyncio.run(start())
    asyncio.run(start())
    log = [event.text for event in events if isinstance(event, LogLine)]
    assert sum("set initial values for Amps 10.000000 and Volts 300.000000" in line for line in log) == 1
    assert (left / claim.OWNER).read_bytes() == b""


@pytest.mark.parametrize("made", [(), ("power",), ("power", "wattrig")])
def test_a_director_killed_before_it_claims_its_session_leaves_nothing_open(
    tmp_path: Path, made: tuple[str, ...]
) -> None:
    session = tmp_path / "2026-01-02_03-04-05_run"
    (tmp_path / "notes").mkdir()
    session.mkdir()
    for part in made:
        (session / part).mkdir()
    told, owed = orphans.close_orphans(tmp_path)
    assert (len(told), owed) == (1, {})
    assert reason_of(session)[0] == orphans.REASON
    assert orphans.close_orphans(tmp_path) == ([], {})
