"""Protocol v3 between client and director, byte-compatible with the reference (mlcommons/power-dev).

Text lines in UTF-8 over TCP: sent with CR LF, split at LF on receipt with CRs stripped on the right; bytes that are
no UTF-8 become U+FFFD. One command, one reply; `download` is answered by blocks instead (`send_file`). Every wait
and every line is bounded, which the reference's are not.
"""

import asyncio
import contextlib
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from metrology.errors import PeerError, PeerGoneError, PeerLostError
from wire.keys import Party

MAGIC_CLIENT = "mlcommons/power client v3"
MAGIC_SERVER = "mlcommons/power server v3"
HELLO = "wattrig,hello,1"
"""Sent right after the magic by our client: the reference director answers `Error`, ours `OK,...`."""
ABORT = "wattrig,abort,"
"""Start of the one line that our director sends unasked, to a client that said hello, before it ends a session."""
DEFAULT_PORT = 4950
LONGEST_LINE = 8192
"""Longest line accepted, bytes; the longest of the protocol is below 300."""
LARGEST_BLOCK = 1 << 20
"""Longest block of a file, bytes, as the reference cuts them."""
LARGEST_FILE = 4 << 30
"""Largest file accepted, bytes: 500,000 samples (PTDaemon's limit) of 60 channels."""
LINE_ENDS = {ord("\r"): " ", ord("\n"): " "}
MOST_BLOCKS = 8192
"""Most blocks of a file, twice those of the largest: a peer that sends byte by byte must not keep us busy."""
CLOSE_S = 2.0
"""How long the end of a connection may take; a peer that is cut off must not hold up what comes next."""
UNACKNOWLEDGED_MS = 30_000
"""How long what was sent may stay unacknowledged by the other machine before the connection counts as broken."""
LABEL = re.compile(r"[A-Za-z0-9_-]{0,64}")
SESSION_NAME = re.compile(r"\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}(_[A-Za-z0-9_-]{1,64})?", re.ASCII)
"""A session is named by the director's local time and the label; what does not match never names a folder."""


class Lines:
    """One end of a connection that speaks lines.

    Args:
        reader, writer: the connection.
        peer: what to call the other end in errors ("director", "client 127.0.0.1:40000").
        party: who it is, proven by TLS; None in plain text.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str, party: Party | None = None
    ) -> None:
        self._reader = reader
        self._writer = writer
        self.peer = peer
        self.party = party
        _tune(writer.get_extra_info("socket"))

    @property
    def is_local(self) -> bool:
        """Tell whether the other end is on this machine."""
        host = str(self._writer.get_extra_info("peername")[0])
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback

    async def send(self, text: str) -> None:
        """Send one line; what would end it within becomes a space.

        Raises:
            PeerGoneError: the connection is closed.
        """
        try:
            # A reason may quote a file's name, which need be no text and may hold any character.
            self._writer.write(text.translate(LINE_ENDS).encode(errors="replace") + b"\r\n")
            await self._writer.drain()
        except OSError as problem:
            raise PeerLostError(f"the {self.peer} closed the connection ({problem})") from problem

    async def receive(self, timeout_s: float | None) -> str:
        """Receive one line.

        Raises:
            PeerGoneError: the peer closed the connection, or sent no whole line in time.
            PeerError: the line is longer than `LONGEST_LINE`.
        """
        try:
            async with asyncio.timeout(timeout_s):
                line = await self._come(self._reader.readuntil(b"\n"))
        except TimeoutError as problem:
            raise PeerGoneError(f"the {self.peer} sent no line within {timeout_s:g} s") from problem
        except asyncio.IncompleteReadError as problem:
            raise PeerLostError(f"the {self.peer} closed the connection") from problem
        except asyncio.LimitOverrunError as problem:
            raise PeerError(
                f"the {self.peer} sent a line of over {LONGEST_LINE} bytes, expected at most that"
            ) from problem
        return line.rstrip(b"\r\n").decode(errors="replace")

    async def _come(self, reading: Awaitable[bytes]) -> bytes:
        """Wait for bytes; what the system reports as timed out (ETIMEDOUT) must not pass for our own time-out."""
        try:
            return await reading
        except OSError as problem:
            raise PeerLostError(f"the connection to the {self.peer} broke ({problem})") from problem

    async def ask(self, command: str, timeout_s: float | None) -> str:
        """Send a command and receive its reply; errors as in `send` and `receive`."""
        await self.send(command)
        return await self.receive(timeout_s)

    async def ended(self) -> str:
        """Wait, while the peer has nothing to say, until it ends the connection; get the reason it gave, or ""."""
        try:
            line = await self.receive(None)
        except PeerGoneError:
            return ""
        return line.removeprefix(ABORT)

    async def send_file(self, path: Path, offset: int = 0) -> None:
        """Send a file from a byte on: blocks, each after a line with its decimal length, then the line `0`."""
        with path.open("rb") as file:
            file.seek(offset)
            while block := file.read(LARGEST_BLOCK):
                self._writer.write(b"%d\r\n" % len(block) + block)
                await self._writer.drain()
        await self.send("0")

    async def receive_file(self, path: Path, timeout_s: float, offset: int = 0) -> None:
        """Receive a file into `path`, which appears only when all of it has come; until then it is `partial(path)`.

        Args:
            path: where it goes.
            timeout_s: longest silence.
            offset: the first so many bytes came before, and lie in the partial file.

        Raises:
            PeerError: the peer answered with an error instead, sent too much, or a length makes no sense.
            PeerGoneError: nothing came for `timeout_s`.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial(path).open("ab" if offset else "wb") as file:
            file.truncate(offset)
            await self._receive_blocks(file.write, LARGEST_FILE - offset, timeout_s)
        partial(path).replace(path)

    async def _receive_blocks(self, take: Callable[[bytes], object], largest: int, timeout_s: float) -> None:
        total = 0
        for _ in range(MOST_BLOCKS):
            if not (length := block_length(await self.receive(timeout_s), self.peer)):
                return
            if (total := total + length) > largest:
                raise PeerError(f"the {self.peer} sent over {largest} bytes, expected at most that")
            take(await self._exactly(length, timeout_s))
        raise PeerError(f"the {self.peer} sent over {MOST_BLOCKS} blocks, expected fewer and larger ones")

    async def send_bytes(self, content: bytes) -> None:
        """Send bytes as `send_file` sends a file.

        Raises:
            PeerGoneError: the connection is closed.
        """
        for start in range(0, len(content), LARGEST_BLOCK):
            block = content[start : start + LARGEST_BLOCK]
            self._writer.write(b"%d\r\n" % len(block) + block)
        await self.send("0")

    async def receive_bytes(self, largest: int, timeout_s: float) -> bytes:
        """Receive what `send_bytes` sent.

        Raises:
            PeerError: it is more than `largest` bytes, or no such thing.
            PeerGoneError: not all of it came within `timeout_s`.
        """
        content = bytearray()
        try:
            async with asyncio.timeout(timeout_s):
                await self._receive_blocks(content.extend, largest, timeout_s)
        except TimeoutError as problem:
            raise PeerGoneError(f"the {self.peer} did not send all within {timeout_s:g} s") from problem
        return bytes(content)

    async def _exactly(self, length: int, timeout_s: float) -> bytes:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._come(self._reader.readexactly(length))
        except TimeoutError as problem:
            raise PeerGoneError(f"the {self.peer} sent no whole block within {timeout_s:g} s") from problem
        except asyncio.IncompleteReadError as problem:
            raise PeerLostError(f"the {self.peer} closed the connection in the middle of a file") from problem

    async def close(self) -> None:
        """Close the connection; a peer that is gone already, or does not read, is no error."""
        self._writer.close()
        closing = asyncio.ensure_future(self._writer.wait_closed())
        done, _ = await asyncio.wait([closing], timeout=CLOSE_S)
        if not done:
            self._writer.transport.abort()
        with contextlib.suppress(OSError):
            await closing


def partial(path: Path) -> Path:
    """Get where a file lies while it is being received."""
    return path.with_name(path.name + ".tmp")


def block_length(line: str, peer: str) -> int:
    """Read the length line of a block.

    Raises:
        PeerError: it is no number from 0 to `LARGEST_BLOCK`, as when the peer answers `Error`.
    """
    if not (line.isascii() and line.isdecimal() and len(line) <= 7 and int(line) <= LARGEST_BLOCK):
        raise PeerError(f"got {line[:80]!r} from the {peer}, expected a block length of 0 to {LARGEST_BLOCK}")
    return int(line)


def _tune(connection: socket.socket) -> None:
    """Notice a dead peer within 22 s, as the reference does, and send small lines at once, as it does not.

    While something that was sent is not acknowledged, Linux probes nobody, and gives up after 15 minutes only unless
    it is told when (tcp(7)).
    """
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    limits = (("TCP_KEEPIDLE", 2), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 10), ("TCP_USER_TIMEOUT", UNACKNOWLEDGED_MS))
    for option, value in limits:
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
