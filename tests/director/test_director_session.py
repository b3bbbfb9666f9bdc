"""What a session leaves in the store."""

import asyncio
import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from director.events import Event, PhaseEnded, PhaseStarted, SampleTaken, SessionEnded, SessionOpened
from director.server import Director
from director.station import Station
from evidence.layout import DOWNLOADS
from evidence.power_log import read_power_log
from evidence.state import read_state
from tests.director.waiting import sampled

MARK = r",Mark,{}_{}"
SAMPLE = r"Time,\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d{3},Watts,\d+\.\d{6},Volts,230\.120000,Amps,\d\.\d{6},PF,0\.950000"


def measure(station: Station, raw_client: Any, *, hello: bool = False) -> tuple[Path, list[Event]]:
    """Run a whole session; get its folder and the events."""
    events: list[Event] = []

    async def run() -> str:
        async with asyncio.timeout(30), Director(station, events.append) as director:
            client = await raw_client.connect(director.address)
            name = str(await client.begin(hello=hello))
            for phase in ("ranging", "testing"):
                assert await client.ask(f"session,*,start,{phase}") == "OK"
                await sampled(station.director.store / name, phase)
                assert await client.ask(f"session,*,stop,{phase}") == "OK"
            assert await client.ask("session,*,done") == "OK"
            await client.close()
            return name

    return station.director.store / asyncio.run(run()), events


def commands(session: Path) -> list[str]:
    return [message["cmd"] for message in json.loads((session / "power/server.json").read_text())["ptd_messages"]]


def test_the_daemon_is_asked_in_the_references_order(station: Callable[..., Station], raw_client: Any) -> None:
    session, _ = measure(station(), raw_client)
    largest_a = max(map(float, re.findall(r"Amps,([^,]+)", (session / "ranging/spl.txt").read_text())))
    assert commands(session) == [
        "Hello", "Identify", "RR", "SR,V,Auto", "SR,A,Auto", "SR,A,Auto", f"Go,1000,0,{session.name}_ranging",
        "Stop", "RL,*,*", "RL", "Uncertainty", "Watts",
        "SR,V,230.120000", f"SR,A,{largest_a * 1.1}", f"Go,1000,0,{session.name}_testing",
        "Watts", "Uncertainty", "Stop", "RL,*,*", "RL", "Uncertainty", "Watts",
        "SR,V,300.000000", "SR,A,10.000000",
    ]  # fmt: skip


def test_server_json_holds_what_was_said_and_done(station: Callable[..., Station], raw_client: Any) -> None:
    session, _ = measure(station("ok", more="channel = [1]"), raw_client, hello=True)
    found = json.loads((session / "power/server.json").read_text())
    assert list(found) == [
        "version", "timezone", "modules", "sources", "messages", "uuid", "session_name", "results", "phases",
        "ptd_messages", "ptd_config",
    ]  # fmt: skip
    said = [message["cmd"] for message in found["messages"]]
    assert said[:2] == ["mlcommons/power client v3", "wattrig,hello,1"]
    assert said[-1] == "session,*,stop,testing"
    for phase in ("ranging", "testing"):
        stamps = found["phases"][phase]
        assert len(stamps) == 4
        assert stamps == sorted(stamps)
    assert set(found["results"]) == set(DOWNLOADS) - {"power/server.json"}
    for name, digest in found["results"].items():
        assert hashlib.sha1((session / name).read_bytes()).hexdigest() == digest, name
    (config,) = found["ptd_config"]
    assert list(config) == ["command", "device_type", "interface_flag", "dc_flag", "device_port", "channel"]
    assert config["command"][-4:] == ["-c", "1", "49", "ok"]
    assert (config["device_type"], config["interface_flag"], config["dc_flag"]) == (49, "", None)
    assert (config["device_port"], config["channel"]) == ("ok", [1])
    assert "director/session.py" in found["sources"]


def test_the_samples_are_written_as_the_reference_writes_them(
    station: Callable[..., Station], raw_client: Any
) -> None:
    session, events = measure(station(), raw_client)
    for folder, phase in (("ranging", "ranging"), ("run_1", "testing")):
        text = (session / folder / "spl.txt").read_bytes().decode()
        *lines, empty, last = text.split("\n")
        assert (empty, last) == ("", "")
        assert len(lines) >= 4
        assert all(re.fullmatch(SAMPLE + MARK.format(session.name, phase), line) for line in lines)
        assert PhaseEnded(session.name, phase, len(lines)) in events
        seen = [event for event in events if isinstance(event, SampleTaken) and event.phase == phase]
        assert 0 < len(seen) <= len(lines)
        assert seen[0].sample.total.power_w == 100.0
    out = (session / "run_1/ptd_out.txt").read_text()
    assert re.fullmatch(r"Analyzer 1:\nPower: Watts,[^\n]* \nUncertainty: Uncertainty,[^\n]*\n", out)
    assert not list((session / "wattrig").glob("*differs*"))


def test_the_daemons_log_is_whole(station: Callable[..., Station], raw_client: Any) -> None:
    session, _ = measure(station(), raw_client)
    lines = (session / "power/ptd_logs.txt").read_text().splitlines()
    assert lines[0] == "Analyzer 1"
    assert "Attempting to connect to measurement device type 49..." in lines[1]
    # A daemon that is asked to end may do so before it notes that the connection is down.
    last = lines[-2] if lines[-1].endswith("Connection is down.") else lines[-1]
    assert last.endswith("Response to client sent: Range A changed")


def test_a_session_tells_its_events_and_state(station: Callable[..., Station], raw_client: Any) -> None:
    session, events = measure(station(), raw_client)
    told = [event for event in events if isinstance(event, (SessionOpened, PhaseStarted, SessionEnded))]
    assert told == [
        SessionOpened(session.name),
        PhaseStarted(session.name, "ranging"),
        PhaseStarted(session.name, "testing"),
        SessionEnded(session.name, ""),
    ]
    state = read_state(session)
    assert state is not None
    assert (state.state, state.reason) == ("complete", "")


def test_three_channels(station: Callable[..., Station], raw_client: Any) -> None:
    session, _ = measure(station("three", device_type=77, more="channel = [1, 2]"), raw_client)
    line = (session / "run_1/spl.txt").read_text().splitlines()[0]
    assert re.search(rf"{MARK.format(session.name, 'testing')},Ch1,Watts,.*,Ch2,Watts,.*,Ch3,Watts,", line)
    assert "RL" not in commands(session)


def test_more_channels_than_the_analyzer_has(station: Callable[..., Station], raw_client: Any) -> None:
    async def run(place: Station) -> str:
        async with asyncio.timeout(20), Director(place) as director:
            client = await raw_client.connect(director.address)
            name = await client.begin()
            assert await client.ask("session,*,start,ranging") == "OK"
            await sampled(place.director.store / name, "ranging")
            reply = str(await client.ask("session,*,stop,ranging"))
            await client.close()
            return reply

    reply = asyncio.run(run(station("spec+three", device_type=77, more="channel = [2, 3]\nsettle_s = 0")))
    assert "the analyzer shows 3 channels" in reply


def test_our_daemon_lists_the_channels_asked_for_alone(station: Callable[..., Station], raw_client: Any) -> None:
    session, _ = measure(station("three", device_type=77, more="channel = [2, 3]"), raw_client)
    log = read_power_log(session / "run_1/spl.txt", "spl.txt")
    assert log.channels == ("sum", "Ch1", "Ch2", "Ch3")


@pytest.mark.parametrize(("device_type", "setting"), [(49, "20"), (57, "Auto")])
def test_ranging_at_the_largest_range(
    station: Callable[..., Station], raw_client: Any, device_type: int, setting: str
) -> None:
    session, _ = measure(station(device_type=device_type, top='ranging_mode = "max"'), raw_client)
    assert commands(session)[3:6] == ["SR,V,Auto", f"SR,A,{setting}", f"SR,A,{setting}"]


def test_a_line_missing_in_the_log_is_told_and_kept(station: Callable[..., Station], raw_client: Any) -> None:
    session, _ = measure(station("lose_line"), raw_client)
    (kept,) = (session / "wattrig").glob("*differs_testing*")
    assert re.fullmatch(r"\+" + SAMPLE + MARK.format(session.name, "testing") + "\n", kept.read_text())
    assert (
        "[WARNING] Analyzer [1]: the samples in the daemon's log and in its listing differ"
        in (session / "power/server.log").read_text()
    )


def test_spec_ptdaemon_gets_its_pauses(
    station: Callable[..., Station], raw_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("director.analyzer.PTDAEMON_SETTLE_S", 0.3)
    session, _ = measure(station("spec"), raw_client)
    stamps = json.loads((session / "power/server.json").read_text())["phases"]
    for phase in ("ranging", "testing"):
        (begin, _), (measuring, _), (stop, _), (stopped, _) = stamps[phase]
        assert measuring - begin > 0.3
        assert stopped - stop > 0.3
