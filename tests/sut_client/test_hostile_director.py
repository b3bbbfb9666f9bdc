"""A client whose director says anything at any moment: the session ends in time, whole or with an error."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidence.state import read_state
from metrology.errors import WattrigError
from sut_client import client, download, link, phases
from sut_client.client import run

LIMIT_S = 0.2
LATEST_S = 15.0
HELLO = "OK,0.1.0,0123456789abcdef0123456789abcdef,0.3"
REPLIES = (
    b"", b"\r\n", b"OK\r\n", b"Error\r\n", b"Error: busy\r\n", b"wattrig,abort,enough\r\n", b"1e400\r\n", b"nan\r\n",
    b"1795380000.5\r\n", b"OK ../../x,6437f2a0-bca5-4023-95a7-257e7849665a\r\n", b"999999999999\r\n", b"5\r\nabc",
    b"0\r\n", b"-1\r\n", b"x" * 20_000, b"\xff\xfe\r\n", b"OK\r\nOK\r\nOK\r\n", b"OK,x,y,z\r\n",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, names in ((link, ("ANSWER_S", "RETRY_S")), (download, ("BLOCK_S", "RETRY_S"))):
        for name in names:
            monkeypatch.setattr(module, name, LIMIT_S)
    for module, name in ((phases, "START_S"), (phases, "STOP_S"), (client, "DONE_S")):
        monkeypatch.setattr(module, name, LIMIT_S)
    monkeypatch.setattr(download, "MOST_TRIES", 2)
    for method in (link.Link.ask, link.Link.ask_ok):
        monkeypatch.setattr(method, "__defaults__", (LIMIT_S,))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=st.integers(0, 75),
    said=st.sampled_from(REPLIES) | st.binary(max_size=60),
    ours=st.booleans(),
    ends=st.booleans(),
)
def test_the_session_ends(bench: Any, at: int, said: bytes, ours: bool, ends: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        made = type(bench)(Path(folder))
        asyncio.run(measured(made, at, said, ours=ours, ends=ends))
        assert not list(Path(folder).glob("x")), "the director names no folder"
        for path in made.folder.glob("out/*"):
            state = read_state(path)
            assert state is not None
            assert (state.state == "complete") == (path / "power/client.json").exists()


async def measured(bench: Any, at: int, said: bytes, *, ours: bool, ends: bool) -> None:
    """Run a session in which the director says something else at one command, and perhaps goes away."""
    director, true_reply = bench.director, bench.director.reply

    async def reply(command: str) -> bytes:
        if ours and command.startswith("wattrig,hello"):
            return f"{HELLO}\r\n".encode()
        if len(director.commands) - 1 != at:
            return bytes(await true_reply(command))
        if ends:
            asyncio.get_running_loop().call_later(0.05, director.writer.close)
        return said

    director.reply = reply
    async with asyncio.timeout(LATEST_S), director.running():
        try:
            await run(bench.options(), bench.events.append)
        except WattrigError as problem:
            assert problem.message
