"""The director's end against a daemon that says anything, in any order: every question ends, in time, in an answer or
an error of ours."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analyzers.ptd import client as ptd_client
from analyzers.ptd.client import PtdClient, go_together
from metrology.errors import PeerError

LIMIT_S = 0.15
LINE = b"Time,07-23-2024 13:43:39.220,Watts,171.300000,Volts,118.100000,Amps,1.658000,PF,0.875000\r\n"
REPLIES = (
    b"", b"\r\n", b"Hello, PTDaemon here!\r\n", b"Range V changed\r\n", b"Starting\r\n", b"Stopping\r\n",
    b"Last 2 samples\r\n" + 2 * LINE, b"Last 3 samples\r\n" + LINE,
    b"Last 99999999999 samples\r\n", b"Last -1 samples\r\n", b"\xff\0\r\n",
    b"Unknown command\r\n", b"Invalid number of parameters\r\n", b"Error: no\r\nand more\r\n", b"x" * 20_000, LINE,
)  # fmt: skip
QUESTIONS = ("hello", "stop", "listing", "go", "set_range", "ask")
ARGUMENTS: dict[str, tuple[Any, ...]] = {"go": (1000, "mark"), "set_range": ("V", "Auto"), "ask": ("RR",)}
reply = st.sampled_from(REPLIES) | st.binary(max_size=80)


class Nobody:
    def asked(self, command: str) -> None: ...

    def answered(self, command: str, reply: str) -> None: ...

    def announced(self, count: int) -> None: ...

    def listed(self, lines: Sequence[str]) -> None: ...


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REPLY_S", "RANGE_S", "LISTING_S"):
        monkeypatch.setattr(ptd_client, name, LIMIT_S)
    monkeypatch.setattr(PtdClient.ask, "__defaults__", (LIMIT_S,))
    monkeypatch.setattr(PtdClient.command, "__defaults__", (LIMIT_S,))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(QUESTIONS), reply, st.booleans()), max_size=6))
def test_every_question_ends(script: list[tuple[str, bytes, bool]]) -> None:
    asyncio.run(questioned(script))


async def questioned(script: list[tuple[str, bytes, bool]]) -> None:
    answers = [(said, closes) for _, said, closes in script]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while answers and await reader.readline():
                said, closes = answers.pop(0)
                writer.write(said)
                if closes:
                    break
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = await PtdClient.connect(server.sockets[0].getsockname()[1], Nobody())
    try:
        for question, _, _ in script:
            async with asyncio.timeout(2 * LIMIT_S + 2):
                try:
                    ask = partial(go_together, [client]) if question == "go" else getattr(client, question)
                    await ask(*ARGUMENTS.get(question, ()))
                except PeerError as problem:
                    assert problem.message
    finally:
        await client.close()
        server.close()
