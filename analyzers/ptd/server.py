"""The daemon's TCP side: lines on the loopback interface, one client at a time, whatever its bytes are."""

import asyncio
import socket
from contextlib import suppress

from analyzers.ptd.arrival import StampedSocket, stamped
from analyzers.ptd.daemon import Daemon
from analyzers.ptd.report import Log, pieces
from metrology.errors import ConfigError

HOST = "127.0.0.1"
"""The protocol knows no authentication, so nobody but this machine may speak it."""
LONGEST_COMMAND = 1024
"""Longest command accepted, bytes; the longest of the protocol is `Go` with a mark of some 300."""
SENDING_S = 60.0
"""How long a client may take to accept a reply before it is dropped."""
CLOSING_S = 2.0
"""How long a client that has gone may take for the rest of its reply."""


def bind(port: int) -> socket.socket:
    """Take a TCP port, early; nobody can connect before `serve` listens.

    Raises:
        ConfigError: it is in use.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as problem:
        listener.close()
        raise ConfigError(
            f"TCP port {port} cannot be used: {problem}",
            "see with 'ss -ltnp' whether another daemon holds it, or choose another with -p",
        ) from problem
    listener.setblocking(False)
    return listener


async def serve(daemon: Daemon, listener: socket.socket, log: Log) -> None:
    """Serve one client after another, for ever; errors as in `Daemon.answer`, and `OSError` if the log is gone."""
    loop = asyncio.get_running_loop()
    log.say(f"Establishing the listener on port {listener.getsockname()[1]}...")
    listener.listen(5)
    while True:
        log.say("Waiting for a connection...")
        accepted, (host, port) = await loop.sock_accept(listener)
        log.say(f"Accepted connection from {host}:{port}")
        connection = stamped(accepted)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader, writer = await asyncio.open_connection(sock=connection, limit=LONGEST_COMMAND)
        try:
            await _converse(daemon, connection, reader, writer, log)
            await _close(writer)
        finally:
            writer.transport.abort()
        log.say("No data returned by socket read.", "Shutting connection down...", "Connection is down.")


async def _converse(
    daemon: Daemon, connection: StampedSocket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: Log
) -> None:
    """Answer commands until the client goes."""
    while (line := await _command(reader)) is not None:
        reply = await daemon.answer(line, connection.arrived_ns)
        # Logged first: whoever has the reply finds it in the log, also in a copy made at once.
        for piece in pieces(reply):
            log.say(f"Response to client sent: {piece}")
        try:
            writer.write("".join(f"{text}\r\n" for text in reply).encode("ascii", errors="replace"))
            async with asyncio.timeout(SENDING_S):
                await writer.drain()
        except (ConnectionError, TimeoutError):
            return


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close the connection once the client has what was sent; one that takes nothing is not waited for."""
    writer.close()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(CLOSING_S):
            await writer.wait_closed()


async def _command(reader: asyncio.StreamReader) -> str | None:
    """Receive one command, ended by LF or CR LF; one that is too long is read away and comes out empty.

    Returns:
        The command; None when the client has gone.
    """
    too_long = False
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.LimitOverrunError as problem:
            too_long = True
            await reader.readexactly(problem.consumed)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        else:
            return "" if too_long else line.decode("ascii", errors="replace")
