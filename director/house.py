"""What a conversation needs of the director around it, and the director of a conversation."""

import asyncio
from typing import Protocol

from director.events import Observe
from director.session import Session
from director.station import Station
from wire.protocol import Lines


class Owner(Protocol):
    """A conversation as the director sees it: its client may come back over another connection."""

    secret: str

    @property
    def waits_s(self) -> float:
        """Tell how much longer a client that is gone is waited for, seconds; 0 while it is here."""

    @property
    def may_be_resumed(self) -> bool:
        """Tell whether the client could come back now."""

    async def welcome(self, line: str, lines: Lines) -> bool:
        """Go on with a client over another connection, if it proves to be the same; tell whether it did."""


class House(Protocol):
    """What a conversation needs of the director."""

    station: Station
    observe: Observe
    stop_asked: asyncio.Event

    def busy(self) -> str:
        """Tell which session measures, since when, and whether its client is gone; "" where none does."""

    def opened(self, session: Session | None, owner: Owner) -> None:
        """Take note of the session that holds the analyzers now, or of none, and of who talks about it."""

    def secret_of(self, session: str) -> str:
        """Get the secret of a session that was opened lately; "" for another."""
