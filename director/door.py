"""The door: a connection is let in encrypted or plain, or sent away with a reason that both sides can read.

Both kinds share the port: the first byte tells them apart, and it is looked at without being taken from the line.
"""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import cast

from director.refusals import Refusals
from director.station import DirectorConfig
from evidence.connection import write_connection
from evidence.traffic_log import TrafficLog
from metrology.errors import ConfigError, PeerError, PeerRefusedError
from wire.keys import KeyFolder
from wire.protocol import Lines
from wire.security import FIRST_BYTE, NO_KEY, alert, director_context, reason_of, require_trusted, trust_hint

HANDSHAKE_S = 10.0
"""Longest time from connecting to the end of the TLS handshake; the first command has as long again."""
FAREWELL_S = 2.0
"""How long a client that is turned away may take to read why."""
TLS_ONLY = "Error: this director serves encrypted connections alone (TLS 1.3, wattrig client --tls)"


class Door:
    """Lets clients in.

    Args:
        config: what is allowed.
        log: gets every refusal, with what the operator can do about it.
    """

    def __init__(self, config: DirectorConfig, log: TrafficLog) -> None:
        self._config = config
        self._log = log
        self._refusals = Refusals(log)

    def close(self) -> None:
        """Let nobody in any more."""
        self._refusals.sum_up()

    async def admit(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience_s: float = HANDSHAKE_S
    ) -> Lines | None:
        """Let one client in.

        Args:
            reader, writer: the connection, with reading paused since it was accepted (`hold`).
            patience_s: how long the client may be silent before it is taken for one in plain text.

        Returns:
            The connection; None where it was refused and closed.
        """
        host, port = writer.get_extra_info("peername")[:2]
        name = f"client {host}:{port}"
        try:
            encrypted = await begins_tls(writer, patience_s)
        except OSError:
            writer.transport.abort()
            return None
        if encrypted:
            return await self._secure(reader, writer, name)
        transport_of(writer).resume_reading()
        lines = Lines(reader, writer, name)
        if self._config.serves_plaintext:
            return lines
        self._refusals.tell(self._log.warning, name, "it does not encrypt, and this director serves TLS alone")
        await turn_away(lines, writer, TLS_ONLY)
        return None

    async def _secure(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str) -> Lines | None:
        keys, claims, raw = KeyFolder(self._config.keys), [""], writer.transport
        try:
            context = director_context(keys, claims.append, raw.write)
            await writer.start_tls(context, ssl_handshake_timeout=HANDSHAKE_S)
            party = require_trusted(writer.get_extra_info("ssl_object"), keys)
        except ConfigError as problem:
            raw.write(alert(NO_KEY))
            self._refusals.tell(self._log.error, name, f"it wants to encrypt, but {problem}")
        except PeerRefusedError as problem:
            self._refusals.tell(self._log.warning, name, str(problem))
        except (OSError, ssl.SSLError) as problem:
            self._refusals.tell(self._log.warning, name, self._refusal(keys, claims[-1], problem))
        else:
            self._log.info(f"{name} is {party.name!r} with the key {party.fingerprint}; the connection is encrypted")
            return Lines(reader, writer, name, party)
        writer.transport.abort()
        return None

    def _refusal(self, keys: KeyFolder, claimed: str, problem: Exception) -> str:
        """Say why a handshake failed, and how to let that client in if it is a friend."""
        if any(claimed == party.fingerprint for party in keys.revoked()):
            return f"its key {claimed} was revoked here"
        if claimed and all(claimed != party.fingerprint for party in keys.trusted()):
            return f"its key {claimed} is not trusted here; {trust_hint(claimed)}"
        return f"{reason_of(problem)}{f'; it claims the key {claimed}' if claimed else ''}"


def note_connection(session: Path, lines: Lines, log: TrafficLog) -> None:
    """Record in the evidence and in server.log who the client of a session is, and what proves it."""
    name, fingerprint = (lines.party.name, lines.party.fingerprint) if lines.party else ("", "")
    if fingerprint:
        log.info(f"{lines.peer} is {name!r} with the key {fingerprint}; the connection is encrypted")
    elif not lines.is_local:
        log.warning(f"{lines.peer} is not encrypted, which allow_plaintext allows: nothing proves who it is")
    write_connection(session, lines.peer, is_local=lines.is_local, name=name, fingerprint=fingerprint)


def hold(writer: asyncio.StreamWriter) -> None:
    """Leave what comes on the line; to be called when the connection is accepted, before anything else runs."""
    transport_of(writer).pause_reading()


def transport_of(writer: asyncio.StreamWriter) -> asyncio.Transport:
    """Get the transport of a connection, which can be paused."""
    return cast("asyncio.Transport", writer.transport)


async def begins_tls(writer: asyncio.StreamWriter, patience_s: float) -> bool:
    """Tell whether a client begins with TLS; False where it says nothing for `patience_s`.

    Raises:
        OSError: the connection broke.
    """
    loop = asyncio.get_running_loop()
    # The transport keeps its own descriptor to itself.
    with writer.get_extra_info("socket").dup() as connection:
        readable = asyncio.Event()
        # By its number: a look for the socket itself would put its two addresses into words in vain.
        loop.add_reader(connection.fileno(), readable.set)
        try:
            async with asyncio.timeout(patience_s):
                await readable.wait()
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(connection.fileno())
        return bool(connection.recv(1, socket.MSG_PEEK) == FIRST_BYTE)


async def turn_away(lines: Lines, writer: asyncio.StreamWriter, reply: str) -> None:
    """Tell a client why it is not served, and close.

    What it has sent already is read first: closing with unread data would reset the connection and could take the
    reply with it.
    """
    try:
        await lines.send(reply)
        if writer.can_write_eof():
            writer.write_eof()
        await lines.receive(FAREWELL_S)
    except (PeerError, OSError):
        return
    finally:
        await lines.close()
