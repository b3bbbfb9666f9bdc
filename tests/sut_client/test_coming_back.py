"""A client that comes back to its session over a new connection: what keeps it from it for a moment, and for good."""

import asyncio
from typing import Any

import pytest

from evidence.summary import Summary
from evidence.traffic_log import TrafficLog
from metrology.errors import ConfigError, PeerError, PeerGoneError, PeerLostError, PeerRefusedError, WattrigError
from sut_client import link
from wire.comeback import DONE, Pass

REFUSED = PeerRefusedError("the director refused the encrypted connection: it ended the connection without a word")


class Line:
    """A connection that answers once; whatever is asked."""

    def __init__(self, answer: str | WattrigError) -> None:
        self.answer = answer
        self.is_open = True

    async def ask(self, _command: str, _timeout_s: float) -> str:
        if isinstance(self.answer, WattrigError):
            raise self.answer
        return self.answer

    async def close(self) -> None:
        self.is_open = False


class Broken:
    """A client whose connection broke, and what its attempts at another one meet, one after the other."""

    def __init__(self, *attempts: Line | WattrigError) -> None:
        self.attempts = list(attempts)
        self.left = [*self.attempts]
        log = TrafficLog("client", lambda _: None, must_write=True)
        first: Any = Line(PeerLostError("the director closed the connection"))
        self.link = link.Link(first, log, Summary(("wire",)), self.connect)
        self.link.given = Pass("0" * 32, 0.2)
        self.link.session = "2026-01-02_03-04-05"

    async def connect(self) -> Any:
        found = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        if isinstance(found, WattrigError):
            raise found
        return found

    def ask(self) -> str:
        return asyncio.run(self.link.ask("time"))


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "RETRY_S", 0.01)


@pytest.mark.parametrize(
    "obstacle",
    [
        PeerGoneError("cannot connect to the director"),
        ConfigError("there is no key in 'keys'"),
        REFUSED,
        Line(REFUSED),
        Line(PeerError("the director sent a line of over 8192 bytes")),
        Line("Error: busy, session 2026-01-02_03-04-05 is measuring"),
    ],
    ids=["nobody", "no-key", "refused", "refused-later", "garbage", "busy"],
)
def test_what_passes_is_outwaited(obstacle: Line | WattrigError) -> None:
    back = Line("OK")
    assert Broken(obstacle, back).ask() == "OK"
    assert back.is_open
    assert not isinstance(obstacle, Line) or not obstacle.is_open


def test_a_session_that_was_completed_meanwhile_is_done() -> None:
    assert Broken(Line(DONE)).ask() == "OK"


def test_the_last_obstacle_is_told() -> None:
    with pytest.raises(
        PeerGoneError, match=r"made anew within 0\.2 s: the director refused the encrypted connection"
    ):
        Broken(Line(REFUSED)).ask()


def test_a_session_that_was_broken_off_is_not_tried_again() -> None:
    ended = Line("Error: the session was broken off: the disk is full")
    with pytest.raises(PeerRefusedError, match="the director ended the session: the disk is full"):
        Broken(ended).ask()
    assert not ended.is_open
