"""The client's end of the conversation: commands, their replies checked and recorded, and exchanges of time."""

import asyncio
import ipaddress
import math
import os
import socket
import time

from evidence.clock_record import Burst
from evidence.summary import Summary
from evidence.traffic_log import TrafficLog
from metrology.clock import Exchange
from metrology.errors import ConfigError, PeerError, PeerGoneError, PeerRefusedError, SessionError
from sut_client.options import Options
from wire.protocol import ABORT, LONGEST_LINE, Lines

CONNECT_S, ANSWER_S = 10.0, 10.0
START_S = 600.0
"""Longest wait for `start`: a PTDaemon takes up to 24 s to start, each range up to 60 s, with several analyzers."""
STOP_S = 900.0
"""Longest wait for `stop`: listing 500,000 samples took the reference director 290 s on Python 3.11."""
BURST = 8
"""Exchanges of time in a burst; the shortest round trip of 8 is near the line's shortest, and takes milliseconds."""
EARLIEST_S, LATEST_S = 946_684_800.0, 4_102_444_800.0
"""A director's clock before the year 2000 or after 2100 is taken for a broken reply."""


async def connect(options: Options) -> Lines:
    """Connect to the director.

    Raises:
        ConfigError: it is on another machine and the operator did not allow plain text.
        PeerGoneError: nobody answers there.
    """
    place = f"{options.address}:{options.port}"
    try:
        async with asyncio.timeout(CONNECT_S):
            addresses = await _resolve(options)
            reader, writer = await asyncio.open_connection(addresses[0], options.port, limit=LONGEST_LINE)
    except (OSError, UnicodeError) as problem:
        errno = getattr(problem, "errno", None) or 0
        reason = os.strerror(errno) if errno > 0 else str(problem) or f"no answer within {CONNECT_S:g} s"
        raise PeerGoneError(
            f"cannot connect to the director at {place}: {reason}",
            "start 'wattrig director' there, and check the address, the port and the firewall",
        ) from problem
    return Lines(reader, writer, "director")


async def _resolve(options: Options) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(options.address, options.port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    outside = [address for address in addresses if not ipaddress.ip_address(address.partition("%")[0]).is_loopback]
    if outside and not options.allow_plaintext:
        raise ConfigError(
            f"the director '{options.address}' ({outside[0]}) is not on this machine, and nothing would protect the "
            "connection: anybody in the network could read or change the measurement",
            f"in a lab network that you trust: {options.called_as} --allow-plaintext",
        )
    return addresses


class Link:
    """A connection to the director.

    Args:
        lines: the connection.
        log: gets every command and reply, as the reference client logs them.
        summary: records every command and reply until `stop_recording`.
    """

    def __init__(self, lines: Lines, log: TrafficLog, summary: Summary) -> None:
        self.lines = lines
        self._log = log
        self._summary: Summary | None = summary

    def stop_recording(self) -> None:
        """Record no more: neither side's JSON holds what comes after the runs."""
        self._summary = None

    async def ask(self, command: str, timeout_s: float = ANSWER_S) -> str:
        """Send a command and get its reply.

        Raises:
            PeerError: the director is gone, silent, or ended the session; the message has its reason.
        """
        reply, _, _ = await self._ask(command, timeout_s)
        return reply

    async def _ask(self, command: str, timeout_s: float) -> tuple[str, int, int]:
        self._log.info(f"Sending command to the server: {command!r}")
        sent_ns = time.time_ns()
        reply = await self.lines.ask(command, timeout_s)
        received_ns = time.time_ns()
        self._log.info(f"Got response: {reply!r}")
        if reply.startswith(ABORT):
            raise PeerGoneError(f"the director ended the session: {reply.removeprefix(ABORT)}")
        if self._summary is not None:
            self._summary.message(command, sent_ns / 1e9, reply, received_ns / 1e9)
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
        reply, sent_ns, received_ns = await self._ask("time", ANSWER_S)
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
