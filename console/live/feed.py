"""Events of the director on their way to who watches: never waited for, dropped where the page cannot keep up."""

import asyncio
import json
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from console.live.model import State
from console.live.past import Past
from console.live.picture import Look, Picture
from console.live.state import state_of
from director.events import Event
from evidence.layout import OURS
from evidence.ptd_output import Told, read_told

MOST_EVENTS = 20_000
"""Events waiting to be taken in: ten analyzers at 10 Hz for 200 s."""
LOOK_S = 0.2
"""How often events are taken in; the director is not woken or held up for it."""
TICK_S = 1.0
PAST_S = 2.0
MOST_UPDATES = 300
"""Updates kept for who comes back: a minute."""
COMEBACK_S = 60.0
ALIVE_S = 10.0
"""A line without meaning is sent so often, so that both sides notice a connection that is gone."""

NANOS = 1_000_000


class Inbox:
    """Events from the director's thread. Adding one costs a microsecond, and waits for nothing."""

    def __init__(self, most: int = MOST_EVENTS) -> None:
        self.dropped = 0
        self._most = most
        self._events: deque[tuple[int, Event]] = deque()

    def observe(self, event: Event) -> None:
        """Add an event, or drop it where too many wait."""
        if len(self._events) >= self._most:
            self.dropped += 1
            return
        self._events.append((time.time_ns() // NANOS, event))

    def take(self) -> list[tuple[int, Event]]:
        """Take all events with the times when they came, UTC milliseconds."""
        return [self._events.popleft() for _ in range(len(self._events))]


def looking_into(store: Path) -> Look:
    """Make the function by which a picture looks at what a daemon has told in a session of the store."""

    def look(session: str, number: int) -> Told | None:
        return read_told(store / session / OURS / f"ptd_stdout_{number}.txt")

    return look


class Feed:
    """Turns events into a picture, and the picture into updates.

    Args:
        inbox: where events come in.
        picture: what they are put into.
        past: the sessions that are kept.
    """

    def __init__(self, inbox: Inbox, picture: Picture, past: Past) -> None:
        self.instance = secrets.token_hex(4)
        self.picture = picture
        self.past = past
        self.watchers = 0
        self.ending = False
        self._inbox = inbox
        self._seq = 0
        self._updates: deque[tuple[int, str]] = deque(maxlen=MOST_UPDATES)
        self._news = asyncio.Event()
        self._past_version = 0
        self._watched_s = -COMEBACK_S

    @property
    def dropped(self) -> int:
        """Get how many events were dropped."""
        return self._inbox.dropped

    def state(self) -> State:
        """Get all that is known now."""
        return state_of(self.picture, self.instance, now_ms(), self.past.version, self.dropped)

    async def run(self) -> None:
        """Take events in until cancelled."""
        judging = asyncio.create_task(self._judge())
        ticked_s = 0.0
        try:
            while True:
                if (now_s := time.monotonic()) - ticked_s >= TICK_S:
                    ticked_s = now_s
                    self.picture.tick(now_ms())
                    self.take(always=self.picture.run is not None and self.picture.run.is_measuring)
                else:
                    self.take()
                await asyncio.sleep(LOOK_S)
        finally:
            judging.cancel()
            await asyncio.gather(judging, return_exceptions=True)

    async def _judge(self) -> None:
        while True:
            await self.past.judge()
            await asyncio.sleep(PAST_S)

    def take(self, *, always: bool = False) -> None:
        """Take in what has come, and publish an update where that is anything."""
        events = self._inbox.take()
        for came_ms, event in events:
            self.picture.take(event, came_ms)
        if events or always or self.past.version != self._past_version:
            self._past_version = self.past.version
            self._publish()

    def _publish(self) -> None:
        fresh, self.picture.fresh = self.picture.fresh, []
        self._seq += 1
        if not self._is_watched():
            self._updates.clear()
            return
        self._updates.append((self._seq, self._event("update", {"state": self._state_json(), "samples": fresh})))
        self._wake()

    def _is_watched(self) -> bool:
        """Tell whether somebody watches, or may come back; for nobody no work is done."""
        now_s = time.monotonic()
        if self.watchers:
            self._watched_s = now_s
        return now_s - self._watched_s <= COMEBACK_S

    def _state_json(self) -> dict[str, Any]:
        return self.state().model_dump(by_alias=True)

    def _event(self, kind: str, data: dict[str, Any]) -> str:
        return f"id: {self.instance}-{self._seq}\nevent: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def end(self) -> None:
        """Send everybody away, with the last news."""
        self.take()
        self.ending = True
        self._wake()

    async def follow(self, last_id: str) -> AsyncIterator[str]:
        """Get updates as server-sent events, from the one after `last_id` on where that is known.

        Whoever comes first, or comes back too late, or is too slow, gets a `hello`: all that is known, from which to
        begin anew.
        """
        self.watchers += 1
        try:
            yield "retry: 1000\n\n"
            seen = self._seen(last_id)
            while not self.ending:
                if seen is None:
                    seen = self._seq
                    yield self._event("hello", {"state": self._state_json(), "samples": []})
                news = self._news
                for seq, text in [each for each in self._updates if each[0] > seen]:
                    yield text
                    seen = seq
                if seen < self._seq and not any(seq == seen + 1 for seq, _ in self._updates):
                    seen = None
                elif seen == self._seq and not await _came(news):
                    yield ": alive\n\n"
            for seq, text in [*self._updates]:
                if seen is not None and seq > seen:
                    yield text
            yield "event: bye\ndata: {}\n\n"
        finally:
            self.watchers -= 1

    def _seen(self, last_id: str) -> int | None:
        instance, _, number = last_id.rpartition("-")
        if instance != self.instance or not number.isascii() or not number.isdecimal():
            return None
        oldest = self._updates[0][0] if self._updates else self._seq + 1
        return int(number) if oldest - 1 <= int(number) <= self._seq else None


async def _came(news: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(ALIVE_S):
            await news.wait()
    except TimeoutError:
        return False
    return True


def now_ms() -> int:
    """Get the time, UTC milliseconds."""
    return time.time_ns() // NANOS
