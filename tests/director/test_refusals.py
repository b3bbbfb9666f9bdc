"""What the operator reads of clients that are turned away, by ones and by hundreds; real connections."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from director import refusals
from director.door import Door, hold
from director.events import Event, LogLine
from director.server import Director
from director.server_log import server_log
from director.station import Station
from wire.protocol import LONGEST_LINE


def turned_away(place: Station, raw_client: Any, count: int) -> list[str]:
    """Have so many clients come while another measures; get what the log says of it."""
    events: list[Event] = []

    async def run() -> None:
        async with asyncio.timeout(30), Director(place, events.append) as director:
            client = await raw_client.connect(director.address)
            await client.begin()
            for _ in range(count):
                other = await raw_client.connect(director.address)
                assert (await other.ask("mlcommons/power client v3")).startswith("Error: busy")
                await other.close()
            await client.close()

    asyncio.run(run())
    texts = [event.text for event in events if isinstance(event, LogLine)]
    return [text.partition("] ")[2] for text in texts if "] Turned" in text]


def test_a_few_are_told_one_by_one(station: Callable[..., Station], raw_client: Any) -> None:
    told = turned_away(station(), raw_client, refusals.MOST_TOLD)
    assert len(told) == refusals.MOST_TOLD
    assert all(" away: busy, session " in line for line in told)


def test_many_are_counted(station: Callable[..., Station], raw_client: Any) -> None:
    told = turned_away(station(), raw_client, refusals.MOST_TOLD + 30)
    assert len(told) == refusals.MOST_TOLD + 1
    assert told[-1] == "Turned 30 more clients away within 10 s"


def test_after_a_flood_clients_are_told_again(
    station: Callable[..., Station], raw_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "WINDOW_S", 0.0)  # a window ends before the next client comes
    told = turned_away(station(), raw_client, refusals.MOST_TOLD + 5)
    assert len(told) == refusals.MOST_TOLD + 5


def test_clients_that_do_not_encrypt_are_counted_too(station: Callable[..., Station], raw_client: Any) -> None:
    place, events = station(top='tls = "required"\nkeys = "keys"'), list[Event]()

    async def run() -> None:
        door = Door(place.director, server_log(events.append))
        ends: set[asyncio.Task[Any]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            hold(writer)
            ends.add(asyncio.ensure_future(door.admit(reader, writer, 5.0)))

        server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=LONGEST_LINE)
        async with asyncio.timeout(30), server:
            for _ in range(refusals.MOST_TOLD + 3):
                client = await raw_client.connect(server.sockets[0].getsockname()[:2])
                assert (await client.ask("hello")).startswith("Error: this director serves encrypted")
                await client.close()
            await asyncio.gather(*ends)
            door.close()

    asyncio.run(run())
    told = [event.text for event in events if isinstance(event, LogLine)]
    assert len(told) == refusals.MOST_TOLD + 1
    assert "Turned 3 more clients away" in told[-1]
