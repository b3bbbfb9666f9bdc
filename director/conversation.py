"""One client's connection: greeting, commands one after the other, and its coming back over another connection."""

import asyncio
import contextlib
import time
from typing import Any

from director.commands import ERROR, EXCEPTION, OK, Commands
from director.house import House
from director.server_log import server_log
from director.session import Session
from metrology.errors import PeerError, PeerGoneError, WattrigError
from wire.comeback import new_secret, public, read_resume, same_secret
from wire.limits import Allowance
from wire.protocol import ABORT, MAGIC_CLIENT, MAGIC_SERVER, Lines

HANDSHAKE_S = 10.0
IDLE_S = 300.0
"""Longest silence of a client outside a session; while a phase is measured its workload takes however long."""
BETWEEN_S = 3600.0
"""Longest silence of a client in a session while nothing is measured: it may be reading gigabytes of LoadGen's logs,
but one that hangs must not keep the analyzers for ever."""

LONGEST_LOGGED = 500
"""Longest command in the log, characters; the longest of the protocol is below 300."""


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
        self._allowance = Allowance()
        self.secret = new_secret()
        self._commands = Commands(lines, house, self, self._log)
        self._return: asyncio.Future[tuple[Lines, int]] = asyncio.get_running_loop().create_future()
        self._waits_until_s = 0.0

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
            await self._commands.break_off(reason)
            if self._commands.stops:
                self._log.info("Stopping the server")
                self._house.stop_asked.set()

    @property
    def _session(self) -> Session | None:
        return self._commands.session

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
        if (asked := read_resume(magic)) is not None:
            await self._lines.send(self._commands.ended(*asked[:2]))
            return False
        self._record(magic, came_s, MAGIC_SERVER)
        await self._lines.send(MAGIC_SERVER)
        if magic != MAGIC_CLIENT:
            self._log.error(f"Handshake failed, expected {MAGIC_CLIENT!r}, got {magic[:80]!r}")
        return magic == MAGIC_CLIENT

    async def _next_command(self) -> tuple[str, float] | None:
        """Wait for a command and when it came; None where the measurement failed instead."""
        if self._session is None:
            await self._change_lines_after_all()
            return await self._lines.receive(IDLE_S), time.time()
        return await self._command_in(self._session)

    async def _command_in(self, session: Session) -> tuple[str, float] | None:
        while not session.watch.fault.done():
            try:
                if (line := await self._hear(session)) is not None:
                    return line, time.time()
                if self._return.done():
                    await self._change_lines(session)
            except PeerGoneError as problem:
                await self._wait_for_return(session, problem)
        return None

    async def _hear(self, session: Session) -> str | None:
        """Wait for a line; None where the measurement failed, or the client came back over another connection."""
        receiving = asyncio.ensure_future(self._lines.receive(None if session.is_measuring else BETWEEN_S))
        others: tuple[asyncio.Future[Any], ...] = (session.watch.fault, self._return)
        try:
            await asyncio.wait([receiving, *others], return_when=asyncio.FIRST_COMPLETED)
            return None if any(other.done() for other in others) else receiving.result()
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    # A client of ours that lost the connection while its session is open may come back over a new one. A client that
    # was killed looks no different from one whose line broke, so the analyzers are held for either.

    @property
    def waits_s(self) -> float:
        """Tell how much longer a client that is gone is waited for, seconds; 0 while it is here."""
        return max(0.0, self._waits_until_s - time.monotonic())

    @property
    def may_be_resumed(self) -> bool:
        """Tell whether the client could come back now; what is being served for it is served to the end first."""
        session = self._session
        return self._commands.said_hello and session is not None and not session.is_ending and not self._return.done()

    async def welcome(self, line: str, lines: Lines) -> bool:
        """Go on with a client over another connection, if it proves to be the same; tell whether it did."""
        session, asked = self._session, read_resume(line)
        if lines.party != self._lines.party:
            return False  # over TLS only the very same peer comes back
        if session is None or not self.may_be_resumed or asked is None:
            return False
        name, secret, heard = asked
        if name != session.name or not same_secret(secret, self.secret) or not self._may_have_heard(heard):
            self._log.warning(f"{lines.peer} did not prove that it began the session {session.name}")
            return False
        self._return.set_result((lines, heard))
        return True

    def _may_have_heard(self, heard: int) -> bool:
        """Tell whether all but the last reply was heard; the one that is being worked out does not count."""
        summary = self._commands.summary
        return summary is None or 0 <= len(summary.messages) - heard <= 1

    async def _wait_for_return(self, session: Session, problem: PeerGoneError) -> None:
        grace_s = self._house.station.session.grace_s
        if not self.may_be_resumed:
            if not self._return.done():
                raise problem
            return
        self._log.warning(f"{problem.message}; the session stays open for {grace_s:g} s, in which it may come back")
        session.note("lost", reason=problem.message)
        waiting: tuple[asyncio.Future[Any], ...] = (session.watch.fault, self._return)
        self._waits_until_s = time.monotonic() + grace_s
        done, _ = await asyncio.wait(waiting, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        self._waits_until_s = 0.0
        if not done:
            raise PeerGoneError(f"{problem.message}; it did not come back within {grace_s:g} s") from problem

    async def _change_lines_after_all(self) -> None:
        """Go on over the connection of a client that came back while its session was being closed."""
        if self._return.done():
            before, (self._lines, _) = self._lines, self._return.result()
            self._commands.lines = self._lines
            self._return = asyncio.get_running_loop().create_future()
            await before.close()
            await self._lines.send(OK)

    async def _change_lines(self, session: Session) -> None:
        before, (self._lines, heard) = self._lines, self._return.result()
        self._commands.lines = self._lines
        lost = ""
        if self._commands.summary is not None and self._commands.summary.take_back(heard):
            lost = "; its last reply was lost"
        self._return = asyncio.get_running_loop().create_future()
        self._log.warning(f"The client came back as {self._lines.peer}{lost}")
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
            reply = await self._commands.answer(command.split(","))
        except WattrigError as problem:
            self._log.error(f"Got an exception: {problem}")
            broken = self._explained(problem.message)
            reply = broken if broken.startswith(ERROR) else f"Error: {broken}"
        except (OSError, ValueError, IndexError) as problem:
            self._log.error(f"Got an exception: {problem!r}")
            # What fails within the session's own work leaves it unusable; elsewhere it is a bad command.
            broken = f"{problem}" if isinstance(problem, OSError) and command.startswith("session,") else ""
            reply = EXCEPTION
        if reply is not None:
            self._log.info(f"Sending reply to client {public(reply)!r}")
            self._record(public(command), came_s, public(reply))
            await self._send(reply)
        if broken:
            await self._commands.break_off(broken)

    def _explained(self, message: str) -> str:
        """Put a disk that fails before what that led to, such as the end of a daemon that could not write either."""
        problem = self._session.problem if self._session else ""
        return f"{problem}; {message}" if problem else message

    async def _send(self, reply: str) -> None:
        try:
            await self._lines.send(reply)
        except PeerGoneError:
            if self._session is None or not self._commands.said_hello:
                raise
            # The next attempt to hear it fails as well, and waits for the client.

    def _record(self, command: str, came_s: float, reply: str) -> None:
        if self._commands.summary is not None:
            self._commands.summary.message(command, came_s, reply, time.time())

    async def _tell(self, reason: str) -> None:
        """Tell a client of ours at once that its session is lost, so that it ends the workload."""
        if self._commands.said_hello and self._session is not None:
            with contextlib.suppress(PeerError):
                await self._lines.send(f"{ABORT}{' '.join(reason.split())}")
