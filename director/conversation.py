"""One client's connection: the commands of protocol v3 and their replies, exactly as the reference director's."""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable, Coroutine
from importlib.metadata import version
from typing import Any, Protocol
from uuid import UUID, uuid4

from director.clock_step import step_clock
from director.events import Observe
from director.ranging import FixedRanges
from director.server_log import server_log
from director.session import Session
from director.station import Station
from evidence.layout import DOWNLOADS
from evidence.summary import Summary
from metrology.errors import PeerError, WattrigError
from wire.protocol import ABORT, LABEL, MAGIC_CLIENT, MAGIC_SERVER, Lines

ROOMS = ("director", "analyzers", "evidence", "wire", "metrology", "rules", "console")
"""The packages a director's process uses; their digests go into server.json."""
HANDSHAKE_S = 10.0
IDLE_S = 300.0
"""Longest silence of a client outside a session; within one it waits for its workload, as long as that takes."""

OK, ERROR, EXCEPTION = "OK", "Error", "Error: exception"
UNKNOWN_SESSION = "Error: unknown session"
UNKNOWN_SESSION_COMMAND = "Error Unknown session command"
INVALID_LABEL = "Error: invalid label"
LABEL_LETTERS = re.compile(r"[A-Za-z0-9_-]*")


class House(Protocol):
    """What a conversation needs of the director."""

    station: Station
    observe: Observe
    stop_asked: asyncio.Event

    def busy(self) -> str:
        """Tell which session measures, and since when; "" where none does."""

    def opened(self, session: Session | None) -> None:
        """Take note of the session that holds the analyzers now, or of none."""


class Conversation:
    """The conversation with one client.

    Args:
        lines: the connection.
        house: the director.
    """

    def __init__(self, lines: Lines, house: House) -> None:
        self._lines = lines
        self._house = house
        self._log = server_log(house.observe)
        self._summary: Summary | None = Summary(ROOMS)
        self._session: Session | None = None
        self._last: Session | None = None
        self._said_hello = False
        self._stops = False

    async def run(self) -> None:
        """Serve the client until it is gone; whatever happens, a session is closed and the connection ended."""
        reason = "the director failed"
        try:
            reason = await self._talk()
        except asyncio.CancelledError:
            reason = "the director was stopped"
            raise
        finally:
            await self._tell(reason)
            await self._lines.close()
            await self._break_off(reason)
            if self._stops:
                self._log.info("Stopping the server")
                self._house.stop_asked.set()

    async def _talk(self) -> str:
        """Talk; get the reason why it ended."""
        try:
            if not await self._shake_hands():
                return "the handshake failed"
            while True:
                asked = await self._next_command()
                if asked is None:
                    return self._session.watch.fault.result() if self._session else ""
                await self._serve(*asked)
        except PeerError as problem:
            self._log.info("Connection closed")
            if self._session is not None:
                self._log.warning("Client connection closed unexpectedly")
            return problem.message

    async def _shake_hands(self) -> bool:
        magic, came_s = await self._lines.receive(HANDSHAKE_S), time.time()
        self._record(magic, came_s, MAGIC_SERVER)
        await self._lines.send(MAGIC_SERVER)
        if magic != MAGIC_CLIENT:
            self._log.error(f"Handshake failed, expected {MAGIC_CLIENT!r}, got {magic[:80]!r}")
        return magic == MAGIC_CLIENT

    async def _next_command(self) -> tuple[str, float] | None:
        """Wait for a command and when it came; None where the measurement failed instead."""
        if self._session is None:
            return await self._lines.receive(IDLE_S), time.time()
        receiving = asyncio.ensure_future(self._lines.receive(None))
        try:
            await asyncio.wait([receiving, self._session.watch.fault], return_when=asyncio.FIRST_COMPLETED)
            if self._session.watch.fault.done():
                return None
            return receiving.result(), time.time()
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    async def _serve(self, command: str, came_s: float) -> None:
        self._log.info(f"Got command from the client {command!r}")
        broken = ""
        try:
            reply = await self._answer(command.split(","))
        except WattrigError as problem:
            self._log.error(f"Got an exception: {problem}")
            broken = problem.message
            reply = broken if broken.startswith(ERROR) else f"Error: {broken}"
        except (OSError, ValueError, IndexError) as problem:
            self._log.error(f"Got an exception: {problem!r}")
            # What fails within the session's own work leaves it unusable; elsewhere it is a bad command.
            broken = f"{problem}" if isinstance(problem, OSError) and command.startswith("session,") else ""
            reply = EXCEPTION
        if reply is not None:
            self._log.info(f"Sending reply to client {reply!r}")
            self._record(command, came_s, reply)
            await self._lines.send(reply)
        if broken:
            await self._break_off(broken)

    def _record(self, command: str, came_s: float, reply: str) -> None:
        if self._summary is not None:
            self._summary.message(command, came_s, reply, time.time())

    async def _answer(self, words: list[str]) -> str | None:
        handlers: dict[str, Callable[[list[str]], Awaitable[str | None]]] = {
            "time": self._time,
            "set_ntp": self._set_ntp,
            "stop": self._stop,
            "new": self._new,
            "session": self._session_command,
            "download": self._download,
            "cleanup": self._cleanup,
            "wattrig": self._hello,
        }
        handler = handlers.get(words[0])
        return await handler(words) if handler is not None else ERROR

    async def _time(self, _words: list[str]) -> str:
        return str(time.time())

    async def _stop(self, _words: list[str]) -> str:
        self._log.info("The server will be stopped after processing this client")
        self._stops = True
        return OK

    async def _hello(self, words: list[str]) -> str:
        if words[1:2] != ["hello"]:
            return ERROR
        self._said_hello = True
        return f"OK,{version('wattrig')}"

    async def _set_ntp(self, _words: list[str]) -> str:
        config = self._house.station.director
        if not config.allow_clock_step or not config.ntp:
            self._log.error("set_ntp is refused: set ntp and allow_clock_step = true in [director] to allow it")
            return EXCEPTION
        return OK if await step_clock(config.ntp) else EXCEPTION

    async def _new(self, words: list[str]) -> str:
        if len(words) != 3:
            return ERROR
        if not LABEL_LETTERS.fullmatch(words[1]):
            return INVALID_LABEL
        if not LABEL.fullmatch(words[1]) or self._summary is None:
            return EXCEPTION  # too long; or the record of this connection is closed: one session each
        client_uuid = UUID(words[2])
        await self._break_off("the client began another session")
        if busy := self._house.busy():
            return f"Error: {busy}"
        name = session_name(words[1])
        self._summary.client_uuid, self._summary.server_uuid = client_uuid, uuid4()
        self._summary.phases = {}
        self._open(Session(self._house.station, name, self._summary, self._log, self._house.observe))
        return f"OK {name},{self._summary.server_uuid}"

    def _open(self, session: Session | None) -> None:
        self._session = session
        self._last = session or self._last
        self._house.opened(session)

    async def _session_command(self, words: list[str]) -> str:
        if len(words) < 3:
            return ERROR
        session = self._session
        if session is None or words[1] not in (session.name, "*"):
            return UNKNOWN_SESSION
        if words[2:] == ["done"]:
            return await self._done(session)
        if words[2:] == ["start"]:
            return EXCEPTION
        if words[2] in ("start", "stop") and words[3:4] in (["ranging"], ["testing"]):
            return await self._phase_command(session, words[2], words[3], words[4:])
        return UNKNOWN_SESSION_COMMAND

    async def _phase_command(self, session: Session, verb: str, phase: str, more: list[str]) -> str:
        if verb == "stop" and not more:
            return OK if await session.stop(phase) else ERROR
        if verb == "start" and not more:
            return OK if await session.start(phase) else ERROR
        if verb == "start" and phase == "testing" and len(more) == 2:
            return await self._start_fixed(session, FixedRanges(voltage=more[0], current=more[1]))
        return UNKNOWN_SESSION_COMMAND

    async def _start_fixed(self, session: Session, ranges: FixedRanges) -> str:
        for number in range(1, len(self._house.station.analyzer) + 1):
            self._log.info(
                f"Analyzer [{number}] set initial values for Amps {ranges.current} and Volts {ranges.voltage}"
            )
        return OK if await session.start("testing", ranges) else ERROR

    async def _done(self, session: Session) -> str:
        self._summary = None
        try:
            await to_the_end(session.finish())
        finally:
            if not session.is_open:
                self._open(None)
        return OK

    async def _download(self, words: list[str]) -> str | None:
        if self._last is None or words[1] != self._last.name or words[2] not in DOWNLOADS:
            return ERROR
        await self._lines.send_file(self._last.folder / words[2])
        return None

    async def _cleanup(self, words: list[str]) -> str:
        # Our copy stays in the store: nothing proves that the client's is whole.
        return OK if self._last is not None and words[1] == self._last.name else ERROR

    async def _tell(self, reason: str) -> None:
        """Tell a client of ours at once that its session is lost, so that it ends the workload."""
        if self._said_hello and self._session is not None:
            with contextlib.suppress(PeerError):
                await self._lines.send(f"{ABORT}{' '.join(reason.split())}")

    async def _break_off(self, reason: str) -> None:
        """End a session that cannot go on; all that it has is kept."""
        session = self._session
        if session is None:
            return
        try:
            await to_the_end(session.abort(reason))
        except (WattrigError, OSError) as problem:
            self._log.error(f"The session {session.name} could not be closed in order: {problem}")
        finally:
            self._open(None)


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Do work that must not stop halfway, such as giving an analyzer back; a cancellation waits until it is done."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise


def session_name(label: str) -> str:
    """Name a session that begins now: this machine's local time, and the label where there is one."""
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
    return f"{stamp}_{label}" if label else stamp
