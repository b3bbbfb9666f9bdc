"""Who gets in: real TLS over real sockets, and every way to be refused, seen from both sides."""

import asyncio
import contextlib
import datetime
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from director import conversation, server
from director.events import Event, LogLine
from director.server import Director
from director.station import Station
from metrology.errors import ConfigError, PeerGoneError, PeerRefusedError
from wire.identity import make_identity
from wire.keys import KeyFolder
from wire.protocol import LONGEST_LINE, MAGIC_CLIENT, MAGIC_SERVER, Lines
from wire.secured import secure
from wire.security import claim_of, client_context

UUID = "cf59d627-4308-4753-b14a-f6070a63ce76"
Talk = Callable[[Director], Awaitable[None]]


@pytest.fixture
def identity(tmp_path: Path) -> Callable[[str], KeyFolder]:
    def make(name: str) -> KeyFolder:
        folder = KeyFolder(tmp_path / name)
        if not folder.has_identity:
            # One title for all: subjects prove nothing and may be the same.
            make_identity(folder, "me@localhost", datetime.datetime.now(datetime.UTC))
        return folder

    return make


@pytest.fixture
def pair(identity: Callable[[str], KeyFolder]) -> tuple[KeyFolder, KeyFolder]:
    """A director's and a client's keys; each trusts the other."""
    director, client = identity("keys"), identity("sut-keys")
    director.trust("sut", client.own().der)
    client.trust("director", director.own().der)
    return director, client


TLS = 'keys = "keys"\ntls = "required"'


def with_director(place: Station, talk: Talk) -> str:
    """Run `talk` while the director runs; get its log."""
    events: list[Event] = []

    async def run() -> None:
        async with asyncio.timeout(30), Director(place, events.append) as director:
            await talk(director)

    asyncio.run(run())
    return "\n".join(event.text for event in events if isinstance(event, LogLine))


@contextlib.asynccontextmanager
async def encrypted(director: Director, keys: KeyFolder) -> AsyncIterator[Lines]:
    reader, writer = await asyncio.open_connection(*director.address, limit=LONGEST_LINE)
    lines = await secure(reader, writer, "director here", keys)
    try:
        yield lines
    finally:
        await lines.close()


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    with contextlib.suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), 10)
    return b""


def test_two_who_trust_each_other_talk(station: Callable[..., Station], pair: tuple[KeyFolder, KeyFolder]) -> None:
    place = station(top=TLS)
    names = []

    async def talk(director: Director) -> None:
        async with encrypted(director, pair[1]) as lines:
            assert lines.party is not None
            assert lines.party.name == "director"
            assert await lines.ask(MAGIC_CLIENT, 10) == MAGIC_SERVER
            names.append((await lines.ask(f"new,,{UUID}", 10))[3:].split(",")[0])

    log = with_director(place, talk)
    assert f"is 'sut' with the key {pair[1].own().fingerprint}" in log
    session = place.director.store / names[0]
    record = json.loads((session / "wattrig/connection.json").read_text())
    assert (record["encrypted"], record["name"]) == (True, "sut")
    assert "the connection is encrypted" in (session / "power/server.log").read_text()
    assert "PRIVATE KEY" not in log


def test_an_unknown_client_is_refused_with_the_command_that_lets_it_in(
    station: Callable[..., Station], pair: tuple[KeyFolder, KeyFolder], identity: Callable[[str], KeyFolder]
) -> None:
    stranger = identity("stranger")
    stranger.trust("director", pair[0].own().der)
    key = stranger.own().fingerprint

    async def talk(director: Director) -> None:
        with pytest.raises(PeerRefusedError, match=f"does not trust this machine's key(?s:.*){key}"):
            async with encrypted(director, stranger):
                pytest.fail("it is let in")

    log = with_director(station(top=TLS), talk)
    assert f"its key {key} is not trusted here" in log
    assert f"wattrig keys trust NAME certificate.pem --fingerprint {key}" in log


def test_a_revoked_client_is_refused_from_its_next_connection_on(
    station: Callable[..., Station], pair: tuple[KeyFolder, KeyFolder]
) -> None:
    async def talk(director: Director) -> None:
        async with encrypted(director, pair[1]) as lines:
            assert await lines.ask(MAGIC_CLIENT, 10) == MAGIC_SERVER
            pair[0].revoke("sut")
            assert await lines.ask("time", 10)
        with pytest.raises(PeerRefusedError, match="it has revoked this machine's key"):
            async with encrypted(director, pair[1]):
                pytest.fail("it is let in")

    assert f"its key {pair[1].own().fingerprint} was revoked here" in with_director(station(top=TLS), talk)


def test_a_man_in_the_middle_is_noticed_before_anything_is_said(
    station: Callable[..., Station], pair: tuple[KeyFolder, KeyFolder], identity: Callable[[str], KeyFolder]
) -> None:
    middle = identity("middle")
    middle.trust("sut", pair[1].own().der)
    spoken = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            spoken.append(await reader.read(100))
        writer.close()

    async def run() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(middle.certificate, middle.key)
        async with await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context) as other:
            reader, writer = await asyncio.open_connection(*other.sockets[0].getsockname())
            with pytest.raises(PeerRefusedError, match="was not trusted: its key") as refused:
                await secure(reader, writer, "director here", pair[1])
            assert f"--fingerprint {middle.own().fingerprint}" in refused.value.hint

    asyncio.run(run())
    assert spoken in ([], [b""])


def test_a_thief_of_a_certificate_without_its_key_gets_nowhere(
    station: Callable[..., Station], pair: tuple[KeyFolder, KeyFolder], identity: Callable[[str], KeyFolder]
) -> None:
    """Claiming a trusted key in the server name is no proof of it."""
    thief = identity("thief")

    async def talk(director: Director) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(thief.certificate, thief.key)
        name = pair[1].own().fingerprint.replace("-", "").lower() + ".wattrig.invalid"
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(*director.address, ssl=context, server_hostname=name)
            writer.write(b"mlcommons/power client v3\r\n")
            assert await until_closed(reader) == b""
            writer.close()

    log = with_director(station(top=TLS), talk)
    assert f"its certificate is not trusted here; it claims the key {pair[1].own().fingerprint}" in log
    assert "Connected" not in log


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("tls 1.2", "share no version of TLS"),
        ("no certificate", "it shows no certificate"),
        ("garbage", "TLS failed|broke off|share no version|does not speak TLS"),
        ("half open", "it broke off the TLS handshake"),
        ("cut", "it broke off the TLS handshake"),
    ],
)
def test_what_is_no_proper_handshake_is_named_and_dropped(
    station: Callable[..., Station],
    pair: tuple[KeyFolder, KeyFolder],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    said: str,
) -> None:
    monkeypatch.setattr("director.door.HANDSHAKE_S", 0.5)

    async def talk(director: Director) -> None:
        if kind in ("tls 1.2", "no certificate"):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if kind == "tls 1.2":
                context.maximum_version = ssl.TLSVersion.TLSv1_2
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(*director.address, ssl=context)
                assert await until_closed(reader) == b""
                writer.close()
        else:
            reader, writer = await asyncio.open_connection(*director.address)
            writer.write(b"\x16" + b"\xff" * 5000 if kind == "garbage" else b"\x16\x03\x01")
            if kind != "cut":
                await until_closed(reader)
            writer.transport.abort()
        async with encrypted(director, pair[1]) as lines:
            assert await lines.ask(MAGIC_CLIENT, 10) == MAGIC_SERVER

    log = with_director(station(top=TLS), talk)
    assert any(part in log for part in said.split("|")), log


def test_plain_text_is_refused_in_plain_text_where_tls_is_required(
    station: Callable[..., Station], pair: tuple[KeyFolder, KeyFolder], raw_client: Any
) -> None:
    async def talk(director: Director) -> None:
        client = await raw_client.connect(director.address)
        assert (await client.ask(MAGIC_CLIENT)).startswith("Error: this director serves encrypted connections alone")
        assert await client.line() == ""
        await client.close()

    assert "it does not encrypt, and this director serves TLS alone" in with_director(station(top=TLS), talk)


def test_the_reference_client_is_served_beside_tls(
    station: Callable[..., Station], pair: tuple[KeyFolder, KeyFolder], raw_client: Any
) -> None:
    place = station(top='keys = "keys"')

    async def talk(director: Director) -> None:
        client = await raw_client.connect(director.address)
        name = await client.begin()
        log = (place.director.store / name / "power/server.log").read_text()
        assert "encrypted" not in log, "server.log is the reference's, to the letter"
        async with encrypted(director, pair[1]) as lines:
            assert (await lines.receive(10)).startswith(f"Error: busy, session {name} is measuring since ")
        await client.close()

    with_director(place, talk)


def test_tls_with_a_director_without_a_key(
    station: Callable[..., Station], identity: Callable[[str], KeyFolder]
) -> None:
    async def talk(director: Director) -> None:
        with pytest.raises(PeerRefusedError, match="refused the encrypted connection: it has no key"):
            async with encrypted(director, identity("sut")):
                pytest.fail("it is let in")

    assert "it wants to encrypt, but there is no key" in with_director(station(top='keys = "none"'), talk)


@pytest.mark.parametrize(
    ("top", "message"),
    [
        ('keys = "none"\ntls = "required"', "there is no key in .*(?s:.*)wattrig keys init"),
        ('keys = "none"\ntls = "required"\nallow_plaintext = true', "leave one of them out"),
        ('tls = "maybe"', "'tls' in .director.*got 'maybe'"),
    ],
)
def test_settings_that_nobody_could_use(station: Callable[..., Station], top: str, message: str) -> None:
    async def nothing(_director: Director) -> None:
        pytest.fail("it listens")

    with pytest.raises(ConfigError, match=message):
        with_director(station(top=top), nothing)


def test_plain_text_from_another_machine_is_said_in_the_evidence(
    station: Callable[..., Station], raw_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lines, "is_local", False)
    place = station(top='allow_plaintext = true\nkeys = "none"')
    place = place.model_copy(update={"director": place.director.model_copy(update={"listen": "0.0.0.0:0"})})
    names = []

    async def talk(director: Director) -> None:
        client = await raw_client.connect(("127.0.0.1", director.address[1]))
        names.append(await client.begin())
        await client.close()

    assert "allow_plaintext is set" in with_director(place, talk)
    session = place.director.store / names[0]
    assert "is not encrypted, which allow_plaintext allows" in (session / "power/server.log").read_text()
    record = json.loads((session / "wattrig/connection.json").read_text())
    assert (record["encrypted"], record["note"]) == (False, "plain text, by allow_plaintext")


def test_a_flood_of_silent_connections_keeps_nobody_out(
    station: Callable[..., Station], raw_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 10)

    async def talk(director: Director) -> None:
        client = await raw_client.connect(director.address)
        await client.begin()
        flood = []
        for _ in range(60):
            connection = socket.create_connection(director.address)
            flood.append(connection)
            await asyncio.sleep(0)
        assert await client.ask("time")
        assert len(director._tasks) <= 12
        for connection in flood:
            connection.close()
        await client.close()

    with_director(station(), talk)


def test_a_first_line_that_drips_in_is_not_waited_for(
    station: Callable[..., Station], raw_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "HANDSHAKE_S", 0.4)

    async def talk(director: Director) -> None:
        reader, writer = await asyncio.open_connection(*director.address)
        started_s = asyncio.get_running_loop().time()
        closed = asyncio.ensure_future(until_closed(reader))
        while not closed.done():
            writer.write(b"m")
            await asyncio.wait([closed], timeout=0.05)
        assert asyncio.get_running_loop().time() - started_s < 2
        writer.close()

    with_director(station(), talk)


def test_a_talker_is_slowed_down_and_then_cut_off(
    station: Callable[..., Station], raw_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wire.limits.BURST_LINES", 20)
    monkeypatch.setattr("wire.limits.LINES_PER_S", 200.0)
    monkeypatch.setattr("wire.limits.MOST_TOTAL", 6000)

    async def talk(director: Director) -> None:
        client = await raw_client.connect(director.address)
        await client.ask(MAGIC_CLIENT)
        started_s = asyncio.get_running_loop().time()
        answers = [await client.ask("time") for _ in range(58)]
        assert answers[56]
        assert answers[57] == ""
        assert asyncio.get_running_loop().time() - started_s > 0.15
        await client.close()

    with_director(station(), talk)


@pytest.mark.parametrize("ranges", ["1\r,2", "x,1", "1e9,1", "-1,1", "٣,1", "1;Stop,1"])
def test_no_odd_range_reaches_the_daemon(station: Callable[..., Station], raw_client: Any, ranges: str) -> None:
    async def talk(director: Director) -> None:
        client = await raw_client.connect(director.address)
        await client.begin()
        assert "expected a number" in await client.ask(f"session,*,start,testing,{ranges}")
        await client.close()

    with_director(station(), talk)


def test_the_first_refusal_may_look_like_a_broken_line(
    pair: tuple[KeyFolder, KeyFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A director that verifies without looking at the claim refuses only after the client's handshake is done."""

    async def run() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair[0].certificate, pair[0].key)
        context.verify_mode = ssl.CERT_REQUIRED
        async with await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0, ssl=context) as other:
            reader, writer = await asyncio.open_connection(*other.sockets[0].getsockname())
            lines = await secure(reader, writer, "director here", pair[1])
            with pytest.raises(PeerRefusedError, match=r"does not trust this machine's key|without a word"):
                await lines.ask(MAGIC_CLIENT, 10)
            await lines.close()

    asyncio.run(run())


def test_an_end_after_the_first_line_is_no_refusal(
    station: Callable[..., Station], pair: tuple[KeyFolder, KeyFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "IDLE_S", 0.2)

    async def talk(director: Director) -> None:
        async with encrypted(director, pair[1]) as lines:
            await lines.ask(MAGIC_CLIENT, 10)
            with pytest.raises(PeerGoneError, match="closed the connection"):
                await lines.receive(10)

    with_director(station(top=TLS), talk)


def test_only_the_same_key_comes_back_to_a_measured_phase(
    station: Callable[..., Station], pair: tuple[KeyFolder, KeyFolder], identity: Callable[[str], KeyFolder]
) -> None:
    other = identity("other")
    other.trust("director", pair[0].own().der)
    pair[0].trust("other", other.own().der)

    async def talk(director: Director) -> None:
        async with encrypted(director, pair[1]) as lines:
            await lines.ask(MAGIC_CLIENT, 10)
            secret = (await lines.ask("wattrig,hello,1", 10)).split(",")[2]
            name = (await lines.ask(f"new,,{UUID}", 10))[3:].split(",")[0]
            assert await lines.ask("session,*,start,ranging", 10) == "OK"
            lines._writer.transport.abort()
        for keys, answer in ((other, f"Error: busy, session {name} is "), (pair[1], "OK")):
            async with encrypted(director, keys) as lines:
                assert (await lines.ask(f"wattrig,resume,{name},{secret},4", 10)).startswith(answer)
                if keys is pair[1]:
                    assert await lines.ask("session,*,stop,ranging", 10) == "OK"

    with_director(station(top=TLS), talk)


def test_a_friend_cannot_pass_for_another_friend(
    station: Callable[..., Station], pair: tuple[KeyFolder, KeyFolder], identity: Callable[[str], KeyFolder]
) -> None:
    """Two trusted certificates with one subject: the one that is claimed is the one that must be shown."""
    twin = identity("twin")
    twin.trust("director", pair[0].own().der)
    pair[0].trust("twin", twin.own().der)

    async def talk(director: Director) -> None:
        context = client_context(twin)
        reader, writer = await asyncio.open_connection(
            *director.address, ssl=context, server_hostname=claim_of(pair[1].own())
        )
        assert await until_closed(reader) == b""
        writer.close()

    log = with_director(station(top=TLS), talk)
    assert f"it claims the key {pair[1].own().fingerprint}" in log
    assert "Connected" not in log
