"""The director's end of the PTDaemon line protocol: one command, one reply; `RL` is followed by the samples it tells.

Every wait is bounded, a listing is read in linear time, and the end of the connection is noticed while nothing is
being asked.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Protocol

from evidence.ptd_protocol import HELLO_REPLY, WRONG_COUNT_REPLY, parse_list_header
from metrology.errors import PeerError, PeerGoneError, PeerRefusedError

LOOPBACK = "127.0.0.1"
LONGEST_LINE = 8192
"""Longest line accepted, bytes; a sample of 60 channels is below 5 kB."""
LARGEST_BACKLOG = 512 << 20
"""Most bytes held: 500,000 samples (PTDaemon's limit) of three channels are 150 MB."""
REPLY_S = 10.0
"""Longest wait for an ordinary reply; published daemons answer within 1 ms."""
RANGE_S = 60.0
"""Longest wait for `SR`; published daemons need up to 6.5 s (WT330 multichannel)."""
LISTING_S = 30.0
"""Longest wait for the header of a listing: the last sample after a stop is taken first."""
LINES_PER_S = 1000.0
"""Slowest rate at which a listing may come; published daemons send over 10,000 lines a second."""
UNKNOWN_COMMAND = "Unknown command"
"""How a DC analyzer's daemon answers `RL,*,*`; the reference then asks `DC-RL`."""
BREATH_S = 0.005
"""Pause before a Go to many daemons: whoever has just waited is not taken off its processor in the middle of it."""


class Witness(Protocol):
    """Hears all that is said, for logs and records."""

    def asked(self, command: str) -> None:
        """Hear a command that is about to be sent."""

    def answered(self, command: str, reply: str) -> None:
        """Hear the reply to it."""

    def announced(self, count: int) -> None:
        """Hear how many sample lines are going to follow."""

    def listed(self, lines: Sequence[str]) -> None:
        """Hear the sample lines."""


class PtdClient:
    """A connection to a daemon.

    Attributes:
        gone: set once the daemon has closed the connection, or broke the protocol.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, witness: Witness) -> None:
        self.gone = asyncio.Event()
        self._writer = writer
        self._witness = witness
        self._buffer = bytearray()
        self._line_ends = 0
        self._news = asyncio.Event()
        self._turn = asyncio.Lock()
        self._receiving = asyncio.create_task(self._receive(reader))

    @classmethod
    async def connect(cls, port: int, witness: Witness) -> "PtdClient":
        """Connect to a daemon on this machine; raises `OSError` where none listens."""
        return cls(*await asyncio.open_connection(LOOPBACK, port), witness)

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        try:
            while (chunk := await reader.read(1 << 16)) and len(self._buffer) < LARGEST_BACKLOG:
                self._buffer += chunk
                self._line_ends += chunk.count(b"\n")
                self._news.set()
        except OSError:
            return
        finally:
            self.gone.set()
            self._news.set()

    async def ask(self, command: str, timeout_s: float = REPLY_S) -> str:
        """Send a command and get its reply, whatever it says.

        Raises:
            PeerGoneError: the daemon closed the connection, or did not answer in time; it can be asked no more.
            PeerError: it broke the protocol.
        """
        async with self._turn:
            return await self._exchange(command, timeout_s)

    async def _exchange(self, command: str, timeout_s: float) -> str:
        self._check_quiet()
        self._writer.write(_message(command))
        return await self._reply(command, timeout_s)

    def _check_quiet(self) -> None:
        if self._buffer:
            self._break()
            raise PeerError(f"the analyzer's daemon sent {bytes(self._buffer[:80])!r} without being asked")

    async def _reply(self, command: str, timeout_s: float) -> str:
        """Get the reply to a command that was written just now."""
        try:
            self._witness.asked(command)
            await self._writer.drain()
        except OSError as problem:
            raise PeerGoneError(f"the analyzer's daemon closed the connection before {command!r}") from problem
        (reply,) = await self._lines(1, timeout_s, command)
        self._witness.answered(command, reply)
        return reply

    async def _lines(self, count: int, timeout_s: float, command: str) -> list[str]:
        try:
            async with asyncio.timeout(timeout_s):
                while self._line_ends < count:
                    self._check_can_come(count, command)
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as problem:
            self._break()
            got = f", got {self._line_ends} of {count} lines" if count > 1 else ""
            raise PeerGoneError(
                f"the analyzer's daemon did not answer {command!r} within {timeout_s:g} s{got}",
                "look at the end of the daemon's log, and at the analyzer's display",
            ) from problem
        *lines, rest = bytes(self._buffer).split(b"\n", count)
        self._buffer = bytearray(rest)
        self._line_ends -= count
        return [line.rstrip(b"\r").decode("ascii", errors="replace") for line in lines]

    def _check_can_come(self, count: int, command: str) -> None:
        if self.gone.is_set():
            raise PeerGoneError(f"the analyzer's daemon closed the connection before it answered {command!r}")
        if len(self._buffer) > count * LONGEST_LINE:
            self._break()
            raise PeerError(f"the analyzer's daemon answered {command!r} with lines of over {LONGEST_LINE} bytes")

    async def command(self, command: str, expected: str, timeout_s: float = REPLY_S) -> str:
        """Send a command whose reply must start with `expected`.

        Raises:
            PeerRefusedError: it does not.
            PeerError: as `ask`.
        """
        return _expected(command, await self.ask(command, timeout_s), expected)

    async def hello(self) -> None:
        """Make sure that a PTDaemon listens there."""
        await self.command("Hello", HELLO_REPLY)

    async def set_range(self, quantity: str, setting: str) -> None:
        """Set the range of "V" or "A" to at least `setting` volts or amperes, or to "Auto"."""
        await self.command(f"SR,{quantity},{setting}", f"Range {quantity} changed", RANGE_S)

    async def stop(self) -> None:
        """Stop measuring; the daemon answers at once and takes one more sample."""
        await self.command("Stop", "Stopping")

    async def listing(self) -> list[str]:
        """Get the sample lines not read yet, as the daemon writes them.

        Asks `RL,*,*` first, then `RL` for one channel or `DC-RL` for direct current, as the reference does.
        """
        async with self._turn:
            command, reply = "RL,*,*", await self._exchange("RL,*,*", LISTING_S)
            if WRONG_COUNT_REPLY in reply or UNKNOWN_COMMAND in reply:
                command = "RL" if WRONG_COUNT_REPLY in reply else "DC-RL"
                reply = await self._exchange(command, LISTING_S)
            header = parse_list_header(reply)
            if header is None:
                raise PeerRefusedError(
                    f"the analyzer's daemon answered {command!r} with {reply!r}, expected 'Last <count> samples'"
                )
            count = header[0]
            self._witness.announced(count)
            lines = await self._lines(count, LISTING_S + count / LINES_PER_S, command) if count else []
            self._witness.listed(lines)
            return lines

    def _break(self) -> None:
        """End a connection on which no reply could be told from the next any more."""
        self.gone.set()
        self._writer.close()

    async def close(self) -> None:
        """Close the connection; the daemon stays."""
        self._writer.close()
        self._receiving.cancel()
        await asyncio.gather(self._receiving, return_exceptions=True)
        try:
            await self._writer.wait_closed()
        except OSError:
            return


async def go_together(clients: Sequence[PtdClient], interval_ms: int, mark: str) -> None:
    """Start measuring until `stop`, without ramp-up, samples marked; all daemons are told within a millisecond.

    That takes under 10 us of a processor for each. Told by coroutines of their own it is 20 us, and the operating
    system takes a busy director off its processor in the middle.

    Raises:
        PeerError: one does not answer, or refuses; what the others answered was waited for.
    """
    command = f"Go,{interval_ms},0,{mark}"
    message = _message(command)
    async with AsyncExitStack() as turns:
        for client in clients:
            await turns.enter_async_context(client._turn)
            client._check_quiet()
        await asyncio.sleep(BREATH_S)
        for client in clients:
            client._writer.write(message)
        works = [client._reply(command, REPLY_S) for client in clients]
        replies = await asyncio.gather(*works, return_exceptions=True)
    for reply in replies:
        if isinstance(reply, BaseException):
            raise reply
        _expected(command, reply, "Starting")


def _message(command: str) -> bytes:
    return command.encode() + b"\r\n"


def _expected(command: str, reply: str, expected: str) -> str:
    if not reply.startswith(expected):
        raise PeerRefusedError(f"the analyzer's daemon answered {command!r} with {reply!r}, expected '{expected}'")
    return reply
