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
from director.door import note_connection
from director.events import ClientCame, ClockTold, Observe
from director.ranging import FixedRanges
from director.server_log import server_log
from director.session import Session
from director.signing import answer_sign
from director.station import Station
from evidence.layout import may_be_fetched
from evidence.summary import Summary
from metrology.errors import PeerError, PeerGoneError, SessionError, WattrigError
from wire.clock_report import read_clock
from wire.comeback import Pass, hello_reply, new_secret, public, same_secret
from wire.keys import KeyFolder
from wire.limits import Allowance
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
LONGEST_REASON = 300
LONGEST_LOGGED = 500
"""Longest command in the log, characters; the longest of the protocol is below 300."""
OFFSET = re.compile(r"[0-9]{1,12}")
RANGE = re.compile(r"[0-9]{1,9}(\.[0-9]{1,17})?|Auto", re.ASCII)
"""A range as a client may name it; whatever else it says must not reach the daemon."""
LABEL_LETTERS = re.compile(r"[A-Za-z0-9_-]*")


class House(Protocol):
    """What a conversation needs of the director."""

    station: Station
    observe: Observe
    stop_asked: asyncio.Event

    def busy(self) -> str:
        """Tell which session measures, and since when; "" where none does."""

    def opened(self, session: Session | None, owner: "Conversation") -> None:
        """Take note of the session that holds the analyzers now, or of none, and of who talks about it."""

    def secret_of(self, session: str) -> str:
        """Get the secret of a session that was opened lately; "" for another."""


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
        self._allowance = Allowance()
        self._said_hello = False
        self._stops = False
        self.secret = new_secret()
        self._listens = False
        self._return: asyncio.Future[Lines] = asyncio.get_running_loop().create_future()

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
        self._listens = True
        try:
            return await self._command_in(self._session)
        finally:
            self._listens = False

    async def _command_in(self, session: Session) -> tuple[str, float] | None:
        while not session.watch.fault.done():
            try:
                if (line := await self._hear(session)) is not None:
                    return line, time.time()
            except PeerGoneError as problem:
                await self._wait_for_return(session, problem)
            if self._return.done():
                await self._change_lines(session)
        return None

    async def _hear(self, session: Session) -> str | None:
        """Wait for a line; None where the measurement failed, or the client came back over another connection."""
        receiving = asyncio.ensure_future(self._lines.receive(None))
        others: tuple[asyncio.Future[Any], ...] = (session.watch.fault, self._return)
        try:
            await asyncio.wait([receiving, *others], return_when=asyncio.FIRST_COMPLETED)
            return None if any(other.done() for other in others) else receiving.result()
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    # A client of ours that lost the connection while a phase is measured may come back over a new one.

    @property
    def may_be_resumed(self) -> bool:
        """Tell whether the client could come back now: a phase is measured, and nothing else is under way."""
        measuring = self._session is not None and self._session.is_measuring
        return self._listens and self._said_hello and measuring and not self._return.done()

    async def welcome(self, words: list[str], lines: Lines) -> bool:
        """Go on with a client over another connection, if it proves to be the same; tell whether it did."""
        session = self._session
        if lines.party != self._lines.party:
            return False  # over TLS only the very same peer comes back
        if session is None or not self.may_be_resumed or words[:2] != ["wattrig", "resume"]:
            return False
        if words[2:3] != [session.name] or not same_secret(",".join(words[3:]), self.secret):
            self._log.warning(f"{lines.peer} did not prove that it began the session {session.name}")
            return False
        self._return.set_result(lines)
        return True

    async def _wait_for_return(self, session: Session, problem: PeerGoneError) -> None:
        grace_s = self._house.station.session.grace_s
        if not self.may_be_resumed:
            if not self._return.done():
                raise problem
            return
        self._log.warning(f"{problem.message}; measuring goes on for {grace_s:g} s, in which it may come back")
        session.note("lost", reason=problem.message)
        waiting: tuple[asyncio.Future[Any], ...] = (session.watch.fault, self._return)
        done, _ = await asyncio.wait(waiting, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            raise PeerGoneError(f"{problem.message}; it did not come back within {grace_s:g} s") from problem

    async def _change_lines(self, session: Session) -> None:
        before, self._lines = self._lines, self._return.result()
        self._return = asyncio.get_running_loop().create_future()
        self._log.warning(f"The client came back as {self._lines.peer}")
        session.note("returned", peer=self._lines.peer)
        await before.close()
        await self._lines.send(OK)

    async def _serve(self, command: str, came_s: float) -> None:
        await asyncio.sleep(self._allowance.spend(command))
        self._log.info(f"Got command from the client {public(command)[:LONGEST_LOGGED]!r}")
        if self._session is not None:
            self._session.note("asked", of="client", cmd=public(command))
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
            self._log.info(f"Sending reply to client {public(reply)!r}")
            self._record(public(command), came_s, public(reply))
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
            "wattrig": self._extension,
        }
        handler = handlers.get(words[0])
        return await handler(words) if handler is not None else ERROR

    async def _time(self, _words: list[str]) -> str:
        return str(time.time())

    async def _stop(self, _words: list[str]) -> str:
        self._log.info("The server will be stopped after processing this client")
        self._stops = True
        return OK

    async def _extension(self, words: list[str]) -> str | None:
        handlers: dict[str, Callable[[list[str]], Awaitable[str | None]]] = {
            "hello": self._hello,
            "clock": self._clock,
            "abort": self._abort,
            "repeat": self._repeat,
            "fetch": self._fetch,
            "sign": self._sign,
        }
        handler = handlers.get(words[1]) if len(words) > 1 else None
        return await handler(words) if handler is not None else ERROR

    async def _hello(self, _words: list[str]) -> str:
        self._said_hello = True
        return hello_reply(version("wattrig"), Pass(self.secret, self._house.station.session.grace_s))

    async def _clock(self, words: list[str]) -> str:
        found = read_clock(words[2:])
        if found is None or self._session is None:
            return ERROR
        self._house.observe(ClockTold(self._session.name, *found))
        return OK

    async def _abort(self, words: list[str]) -> str:
        reason = "".join(c for c in ",".join(words[2:])[:LONGEST_REASON] if c.isprintable())
        await self._break_off(f"the client ended the session: {reason}")
        return OK

    async def _repeat(self, words: list[str]) -> str:
        session = self._session
        if session is None or words[2:] != ["testing"]:
            return ERROR
        return OK if await session.repeat() else f"{ERROR}: no further testing run is allowed"

    async def _fetch(self, words: list[str]) -> str | None:
        """Answer `fetch`, over whichever connection: the secret shows whose session it is."""
        _, _, name, secret, file, offset = words
        if not same_secret(secret, self._house.secret_of(name)) or not may_be_fetched(file):
            return ERROR
        if OFFSET.fullmatch(offset) is None:
            return ERROR
        await self._lines.send_file(self._house.station.director.store / name / file, int(offset))
        return None

    async def _sign(self, words: list[str]) -> str:
        if self._last is None or self._last.is_open or words[2:] != [self._last.name]:
            return ERROR
        keys = KeyFolder(self._house.station.director.keys)
        return await answer_sign(self._lines, self._last.folder, keys, self._log)

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
        self._open(session := Session(self._house.station, name, self._summary, self._log, self._house.observe))
        note_connection(session.folder, self._lines, self._log)
        party = self._lines.party
        self._house.observe(ClientCame(name, self._lines.peer, party.name if party else "", party is not None))
        return f"OK {name},{self._summary.server_uuid}"

    def _open(self, session: Session | None) -> None:
        self._session = session
        self._last = session or self._last
        self._house.opened(session, self)

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
        for setting in (ranges.voltage, ranges.current):
            if RANGE.fullmatch(setting) is None:
                raise SessionError(f"Error: got the range {setting[:40]!r}, expected a number")
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
        if self._last is None or words[1] != self._last.name or not may_be_fetched(words[2]):
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
