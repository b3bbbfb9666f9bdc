"""The client's end of the conversation: commands, their replies checked and recorded, and exchanges of time."""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable

from evidence.clock_record import Burst
from evidence.summary import Summary
from evidence.traffic_log import TrafficLog
from metrology.clock import Exchange
from metrology.errors import PeerError, PeerGoneError, PeerLostError, PeerRefusedError, SessionError, WattrigError
from wire.comeback import DONE, Pass, public, read_hello, resume_line
from wire.protocol import ABORT, HELLO, MAGIC_CLIENT, Lines

ANSWER_S = 10.0
RETRY_S = 0.5
LONGEST_REASON = 300
TAKEN_BACK = ("OK", DONE)
BROKEN_OFF = "Error: the session was broken off: "
START_S = 600.0
"""Longest wait for `start`: a PTDaemon takes up to 24 s to start, each range up to 60 s, with several analyzers."""
STOP_S = 900.0
"""Longest wait for `stop`: listing 500,000 samples took the reference director 290 s on Python 3.11."""
BURST = 8
"""Exchanges of time in a burst; the shortest round trip of 8 is near the line's shortest, and takes milliseconds."""
EARLIEST_S, LATEST_S = 946_684_800.0, 4_102_444_800.0
"""A director's clock before the year 2000 or after 2100 is taken for a broken reply."""


class Link:
    """A connection to the director.

    Args:
        lines: the connection.
        log: gets every command and reply, as the reference client logs them.
        summary: records every command and reply until `stop_recording`.
        connect: makes another connection to the same director.

    Attributes:
        given: what a director of ours gave us to come back with; None from the reference's.
        session: the session's name once it has one.
    """

    def __init__(
        self, lines: Lines, log: TrafficLog, summary: Summary, connect: Callable[[], Awaitable[Lines]]
    ) -> None:
        self.lines = lines
        self.given: Pass | None = None
        self.session = ""
        self._log = log
        self._summary: Summary | None = summary
        self._connect = connect
        self._lost_s: float | None = None
        self._heard = 0
        self._is_done = False

    def stop_recording(self) -> None:
        """Record no more: neither side's JSON holds what comes after the runs."""
        self._summary = None

    def finish(self) -> None:
        """Take note that the session is done: what breaks from now on is made anew by `reconnect`."""
        self._is_done = True

    async def hello(self) -> None:
        """Find out whether the director is one of ours; the reference's answers `Error` and stays."""
        self.given = read_hello(await self.ask(HELLO))

    async def lost(self) -> str:
        """Wait, while the workload runs, until the director has ended the session; get its reason, or "".

        A connection that merely breaks is made anew meanwhile, where director and session allow that.
        """
        while True:
            if reason := await self.lines.ended():
                return reason
            self._lost_s = time.monotonic()
            if self.given is None:
                return ""
            try:
                await self.regain()
            except PeerError as problem:
                return problem.message

    async def regain(self, answer_s: float = ANSWER_S) -> None:
        """Come back to the session over a new connection where the last one broke; else there is nothing to do.

        Args:
            answer_s: longest wait for the director, which first ends what it was asked before.

        Raises:
            PeerGoneError: that did not succeed for as long as the director waits.
            PeerRefusedError: the director has broken the session off.
        """
        if self._lost_s is None:
            return
        grace_s = self.given.grace_s if self.given else 0.0
        self._log.warning(f"The connection to the director broke; trying for {grace_s:g} s to come back")
        answer = "not tried"
        while time.monotonic() < self._lost_s + grace_s:
            answer = await self._resume(answer_s)
            if answer.startswith(BROKEN_OFF):
                raise PeerRefusedError(f"the director ended the session: {answer.removeprefix(BROKEN_OFF)}")
            if answer in TAKEN_BACK:
                self._is_done = answer == DONE
                self._lost_s = None
                self._log.warning("The connection to the director is back")
                return
            await asyncio.sleep(RETRY_S)
        raise PeerGoneError(
            f"the connection to the director broke and could not be made anew within {grace_s:g} s: {answer}",
            "look into the director's log, and at the network between the two machines",
        )

    async def _resume(self, answer_s: float) -> str:
        """Try once to come back; get the director's answer, or why there is none."""
        try:
            lines = await self._connect()
        except WattrigError as problem:  # our own key may be out of place, too
            return problem.message
        answer = ""
        try:
            secret = self.given.secret if self.given else ""
            answer = await lines.ask(resume_line(self.session, secret, self._heard), answer_s)
        except PeerError as problem:
            answer = problem.message
        finally:
            await (self.lines if answer in TAKEN_BACK else lines).close()
        self.lines = lines if answer in TAKEN_BACK else self.lines
        return answer

    async def reconnect(self) -> None:
        """Make a new connection, with a greeting of its own, to fetch files over, and the signature.

        Raises:
            PeerError: the director cannot be had.
        """
        await self.lines.close()
        self.lines = await self._connect()
        for command in (MAGIC_CLIENT, HELLO):
            await self.lines.ask(command, ANSWER_S)

    async def leave(self, reason: str) -> None:
        """Tell a director of ours that we give up, so that it waits for us no longer, and close the connection."""
        if self.given is not None and reason:
            with contextlib.suppress(PeerError):
                await self.lines.send(f"{ABORT}{' '.join(reason.split())[:LONGEST_REASON]}")
        await self.lines.close()

    async def ask(self, command: str, timeout_s: float = ANSWER_S) -> str:
        """Send a command and get its reply.

        Raises:
            PeerError: the director is gone, silent, or ended the session; the message has its reason.
        """
        reply, _, _ = await self._ask_until_heard(command, timeout_s)
        return reply

    @property
    def _may_come_back(self) -> bool:
        return self.given is not None and self.session != "" and not self._is_done

    async def _ask_until_heard(self, command: str, timeout_s: float) -> tuple[str, int, int]:
        """Ask; where the connection breaks in a session, come back to it and ask again."""
        while True:
            try:
                return await self._ask(command, timeout_s)
            except PeerLostError:
                if not self._may_come_back:
                    raise
            self._lost_s = time.monotonic()
            await self.regain(timeout_s)
            if self._is_done:
                return "OK", time.time_ns(), time.time_ns()

    async def _ask(self, command: str, timeout_s: float) -> tuple[str, int, int]:
        self._log.info(f"Sending command to the server: {public(command)!r}")
        sent_ns = time.time_ns()
        reply = await self.lines.ask(command, timeout_s)
        received_ns = time.time_ns()
        self._log.info(f"Got response: {public(reply)!r}")
        if reply.startswith(ABORT):
            raise PeerGoneError(f"the director ended the session: {reply.removeprefix(ABORT)}")
        if self._summary is not None:
            self._summary.message(command, sent_ns / 1e9, public(reply), received_ns / 1e9)
            self._heard += 1
        return reply, sent_ns, received_ns

    async def ask_ok(self, command: str, timeout_s: float = ANSWER_S) -> None:
        """Send a command that must be answered by exactly `OK`.

        Raises:
            PeerRefusedError: it was not; otherwise as `ask`.
        """
        reply = await self.ask(command, timeout_s)
        if reply != "OK":
            raise PeerRefusedError(
                f"the director answered {command!r} with {reply!r}, expected 'OK'", "look into the director's log"
            )

    async def burst(self, where: str) -> Burst:
        """Exchange the time several times.

        Raises:
            SessionError: our own clock went backwards all the while; otherwise as `ask`.
        """
        exchanges = tuple([await self._exchange() for _ in range(BURST)])
        if all(exchange.round_trip_ns < 0 for exchange in exchanges):
            raise SessionError("this machine's clock went backwards", "stop what sets the clock while measuring")
        return Burst(where, exchanges)

    async def _exchange(self) -> Exchange:
        reply, sent_ns, received_ns = await self._ask_until_heard("time", ANSWER_S)
        return Exchange(sent_ns, parse_time(reply), received_ns)


def parse_time(reply: str) -> int:
    """Read the reply to `time`, Unix seconds as a decimal number, as nanoseconds.

    Raises:
        PeerError: it is no such number, or no time of this century.
    """
    try:
        seconds = float(reply) if len(reply) <= 40 else math.nan
    except ValueError:
        seconds = math.nan
    if not EARLIEST_S < seconds < LATEST_S:
        raise PeerError(f"got {reply[:80]!r} from the director as the time, expected Unix seconds")
    whole = int(seconds)
    return whole * 10**9 + round((seconds - whole) * 1e9)
