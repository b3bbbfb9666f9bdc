"""What goes over the wire, line by line, as the reference client sends it and expects it."""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from director import commands, conversation, events, server
from director.analyzer import Analyzer
from director.events import Event, LogLine, Observe, unobserved
from director.server import Director
from director.station import Station
from evidence.layout import DOWNLOADS
from tests.director.waiting import sampled

Talk = Callable[[Director, Any], Awaitable[None]]
MAGIC = "mlcommons/power client v3"
UUID = "cf59d627-4308-4753-b14a-f6070a63ce76"


def with_director(station: Station, raw_client: Any, talk: Talk, observe: Observe = unobserved) -> None:
    async def run() -> None:
        async with asyncio.timeout(30), Director(station, observe) as director:
            client = await raw_client.connect(director.address)
            try:
                await talk(director, client)
            finally:
                await client.close()

    asyncio.run(run())


def test_the_reference_client_gets_its_replies(station: Callable[..., Station], raw_client: Any) -> None:
    async def talk(director: Director, client: Any) -> None:
        assert await client.ask(MAGIC) == "mlcommons/power server v3"
        assert abs(float(await client.ask("time")) - time.time()) < 1
        name, uuid = (await client.ask(f"new,,{UUID}")).removeprefix("OK ").split(",")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d", name)
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", uuid)
        for phase in ("ranging", "testing"):
            assert await client.ask("time,1")
            assert await client.ask(f"session,{name},start,{phase}") == "OK"
            assert await client.ask(f"session,*,start,{phase}") == "OK"
            await sampled(director.station.director.store / name, phase)
            assert await client.ask(f"session,{name},stop,{phase}") == "OK"
            assert await client.ask(f"session,{name},stop,{phase}") == "OK"
        assert await client.ask(f"session,{name},done") == "OK"
        for file in DOWNLOADS:
            assert await client.download(name, file)
        assert await client.ask(f"cleanup,{name}") == "OK"
        assert (await client.download(name, "power/server.json")).startswith(b"{")
        assert await client.ask(f"session,{name},start,ranging") == "Error: unknown session"
        assert await client.ask(f"new,,{UUID}") == "Error: exception"

    with_director(station(), raw_client, talk)


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        ("", "Error"),
        ("hello", "Error"),
        ("wattrig,else", "Error"),
        ("new", "Error"),
        ("new,label", "Error"),
        (f"new,a b,{UUID}", "Error: invalid label"),
        (f"new,../x,{UUID}", "Error: invalid label"),
        (f"new,{'x' * 65},{UUID}", "Error: exception"),
        ("new,,no uuid", "Error: exception"),
        ("session,x", "Error"),
        ("session,x,done", "Error: unknown session"),
        ("session,*,done", "Error: unknown session"),
        ("download", "Error"),
        ("download,x,power/server.log", "Error"),
        ("cleanup", "Error"),
        ("cleanup,x", "Error"),
        ("set_ntp", "Error: exception"),
    ],
)
def test_commands_before_a_session(
    station: Callable[..., Station], raw_client: Any, command: str, reply: str
) -> None:
    async def talk(_director: Director, client: Any) -> None:
        assert await client.ask(MAGIC)
        assert await client.ask(command) == reply
        assert await client.ask("time")

    with_director(station(), raw_client, talk)


def test_commands_within_a_session(station: Callable[..., Station], raw_client: Any) -> None:
    expected = {
        "session,*": "Error",
        "session,2020-01-01_00-00-00,start,ranging": "Error: unknown session",
        "session,*,start": "Error: exception",
        "session,*,stop": "Error Unknown session command",
        "session,*,pause": "Error Unknown session command",
        "session,*,start,ranging,1": "Error Unknown session command",
        "session,*,start,testing,1": "Error Unknown session command",
        "session,*,start,testing": "Error",
        "session,*,stop,ranging": "Error",
        "session,*,stop,testing": "Error",
        "download,{}": "Error: exception",
        "download,{},power/client.json": "Error",
        "download,{},../../etc/passwd": "Error",
        "download,{},run_1/spl.txt": "Error: exception",
        "cleanup": "Error: exception",
        "cleanup,x": "Error",
    }

    async def talk(_director: Director, client: Any) -> None:
        name = await client.begin(label="a-label_1")
        assert name.endswith("_a-label_1")
        assert {command: await client.ask(command.format(name)) for command in expected} == expected
        assert await client.ask("session,*,start,ranging") == "OK"

    with_director(station(), raw_client, talk)


def test_a_second_session_in_the_same_second_is_refused(
    station: Callable[..., Station], raw_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "session_name", lambda label: f"2026-11-22_12-00-00_{label}")

    async def talk(_director: Director, client: Any) -> None:
        await client.begin(label="x")
        assert await client.ask(f"new,x,{UUID}") == "Error: exception"
        assert (await client.ask(f"new,y,{UUID}")).startswith("OK ")

    with_director(station(), raw_client, talk)


def test_fixed_ranges_need_no_ranging(station: Callable[..., Station], raw_client: Any) -> None:
    async def talk(director: Director, client: Any) -> None:
        name = await client.begin()
        assert await client.ask("session,*,start,testing,300,2.5") == "OK"
        await sampled(director.station.director.store / name, "testing")
        assert await client.ask("session,*,stop,testing") == "OK"
        assert await client.ask("session,*,done") == "OK"
        log = (director.station.director.store / name / "power/server.log").read_text()
        assert "maxAmps: 2.5, maxVolts: 300\n" in log
        assert "SR,V,300'" in log
        assert await client.ask(f"download,{name},ranging/spl.txt") == "Error: exception"

    with_director(station(), raw_client, talk)


@pytest.mark.parametrize(("quantity", "noun", "value"), [("V", "voltage", "9000"), ("A", "current", "77")])
def test_fixed_ranges_that_the_analyzer_lacks(
    station: Callable[..., Station], raw_client: Any, quantity: str, noun: str, value: str
) -> None:
    async def talk(_director: Director, client: Any) -> None:
        await client.begin()
        reply = await client.ask("session,*,start,testing,9000,77")
        assert reply == f"Error setting {noun} range: ['{value}']"
        assert await client.ask("session,*,start,testing,300,2") == "Error: unknown session"

    with_director(station(f"refuse=SR,{quantity},{value}"), raw_client, talk)


def test_another_magic_is_answered_and_closed(station: Callable[..., Station], raw_client: Any) -> None:
    async def talk(_director: Director, client: Any) -> None:
        assert await client.ask("GET / HTTP/1.1") == "mlcommons/power server v3"
        assert await client.line() == ""

    with_director(station(), raw_client, talk)


def test_silent_and_garbage_peers_block_nobody(
    station: Callable[..., Station], raw_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "HANDSHAKE_S", 0.5)
    monkeypatch.setattr("director.server.HANDSHAKE_S", 0.5)

    async def talk(director: Director, client: Any) -> None:
        silent = await raw_client.connect(director.address)
        garbage = await raw_client.connect(director.address)
        garbage.writer.write(b"\xff" * 100_000)
        assert await client.ask(MAGIC)
        assert await client.ask("time")
        for other in (silent, garbage):
            with contextlib.suppress(ConnectionError):
                assert await other.line() == ""
            await other.close()

    with_director(station(), raw_client, talk)


def test_a_second_client_hears_who_measures(station: Callable[..., Station], raw_client: Any) -> None:
    async def talk(director: Director, client: Any) -> None:
        early = await raw_client.connect(director.address)
        assert await early.ask(MAGIC)
        name = await client.begin()
        busy = rf"Error: busy, session {name} is measuring since \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
        second = await raw_client.connect(director.address)
        second.writer.write(MAGIC.encode() + b"\r\n")
        assert re.fullmatch(busy, await second.line())
        assert await second.line() == ""
        assert re.fullmatch(busy, await early.ask(f"new,,{UUID}"))
        await client.close()
        for _ in range(100):
            if (await early.ask(f"new,next,{UUID}")).startswith("OK"):
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("the session of a client that left is still held after 5 s")
        await early.close()
        await second.close()

    with_director(station(), raw_client, talk)


@pytest.mark.parametrize("hello", [False, True], ids=["the reference's client", "ours"])
def test_who_comes_while_a_session_is_broken_off_is_next(
    station: Callable[..., Station], raw_client: Any, hello: bool
) -> None:
    """As with the reference director, which lets the next client wait: a script that begins anew at once goes on."""
    ending = asyncio.Event()

    def observe(event: Event) -> None:
        if isinstance(event, LogLine) and "The session is broken off" in event.text:
            ending.set()

    async def talk(director: Director, client: Any) -> None:
        assert await client.ask(f"session,{await client.begin(hello=hello)},start,ranging") == "OK"
        client.writer.transport.abort()
        await ending.wait()
        following = await raw_client.connect(director.address)
        assert director.busy(), "the analyzer is given back already, so that nothing is shown"
        await following.begin(label="next")
        await following.close()

    with_director(station(more="[session]\ngrace_s = 0"), raw_client, talk, observe)


def test_who_waits_for_the_end_of_a_session_in_vain_hears_who_measures(
    station: Callable[..., Station], raw_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "ENDING_S", 0.1)
    over = asyncio.Event()

    async def never(_analyzer: Analyzer, *, measuring: bool) -> bool:
        await over.wait()
        return True

    monkeypatch.setattr(Analyzer, "give_back", never)

    async def talk(director: Director, client: Any) -> None:
        name = await client.begin()
        await client.close()
        for _ in range(2):
            following = await raw_client.connect(director.address)
            assert (await following.ask(MAGIC)).startswith(f"Error: busy, session {name} is measuring")
            await following.close()
        over.set()

    with_director(station(), raw_client, talk)


def test_a_second_client_hears_that_the_first_is_gone(station: Callable[..., Station], raw_client: Any) -> None:
    async def talk(director: Director, client: Any) -> None:
        name = await client.begin(hello=True)
        client.writer.transport.abort()
        told = ""
        while "gone" not in told:
            second = await raw_client.connect(director.address)
            told = await second.ask(MAGIC)
            await second.close()
        gone = r"its client is gone and has (\d+) s more to come back"
        found = re.fullmatch(rf"Error: busy, session {name} is measuring since \S+; {gone}", told)
        assert found
        assert 15 < int(found[1]) <= 20

    with_director(station(more="[session]\ngrace_s = 20"), raw_client, talk)


def test_a_client_can_stop_the_director(station: Callable[..., Station], raw_client: Any) -> None:
    async def talk(director: Director, client: Any) -> None:
        assert await client.ask(MAGIC)
        assert await client.ask("stop") == "OK"
        assert await client.ask("time")
        assert not director.stop_asked.is_set()
        await client.close()
        await asyncio.wait_for(director.stopped(), 5)

    with_director(station(), raw_client, talk)


def test_hello_is_answered_with_our_version(station: Callable[..., Station], raw_client: Any) -> None:
    async def talk(_director: Director, client: Any) -> None:
        assert await client.ask(MAGIC)
        assert re.fullmatch(r"OK,\d+\.\d+\.\d+,[0-9a-f]{32},60", await client.ask("wattrig,hello,1"))

    with_director(station(), raw_client, talk)


def test_who_watches_hears_of_client_and_clock(station: Callable[..., Station], raw_client: Any) -> None:
    heard: list[Any] = []

    async def run() -> None:
        async with asyncio.timeout(30), Director(station(), heard.append) as director:
            client = await raw_client.connect(director.address)
            assert await client.ask(MAGIC) == "mlcommons/power server v3"
            assert await client.ask("wattrig,clock,1.000000,0.500000") == "Error"
            assert (await client.ask(f"new,,{UUID}")).startswith("OK ")
            assert await client.ask("wattrig,clock,-1.500000,0.250000") == "OK"
            assert await client.ask("wattrig,clock,nan,0.250000") == "Error"
            await client.close()

    asyncio.run(run())
    (came,) = (event for event in heard if isinstance(event, events.ClientCame))
    (told,) = (event for event in heard if isinstance(event, events.ClockTold))
    assert (came.peer.split(":")[0], came.encrypted) == ("client 127.0.0.1", False)
    assert (told.offset_ms, told.uncertainty_ms) == (-1.5, 0.25)


@pytest.mark.parametrize(("code", "reply"), [(0, "OK"), (1, "Error: exception")])
def test_the_clock_is_stepped_only_where_allowed(
    station: Callable[..., Station],
    raw_client: Any,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    reply: str,
) -> None:
    for name in ("ntpdate", "sudo"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "$0 $@" > {tmp_path}/asked\nexit {code}\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    async def talk(_director: Director, client: Any) -> None:
        assert await client.ask(MAGIC)
        assert await client.ask("set_ntp") == reply
        assert "-b -- ntp.example.com" in (tmp_path / "asked").read_text()

    with_director(station(top='ntp = "ntp.example.com"\nallow_clock_step = true'), raw_client, talk)
