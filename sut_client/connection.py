"""How the client gets a connection to the director: encrypted wherever the place or the operator asks for it."""

import asyncio
import ipaddress
import os
import socket
from pathlib import Path

from evidence.connection import write_connection
from metrology.errors import ConfigError, PeerGoneError
from sut_client.options import Options
from wire.keys import KeyFolder
from wire.protocol import LONGEST_LINE, Lines
from wire.secured import secure

CONNECT_S = 10.0


async def connect(options: Options) -> Lines:
    """Connect to the director, encrypted where the options or the place ask for it.

    Raises:
        ConfigError: it is on another machine, there is no key, and the operator did not allow plain text.
        PeerRefusedError: one side does not trust the other.
        PeerGoneError: nobody answers there.
    """
    place = f"{options.address}:{options.port}"
    try:
        async with asyncio.timeout(CONNECT_S):
            addresses = await _resolve(options)
            encrypted = require_protection(options, addresses)
            reader, writer = await asyncio.open_connection(addresses[0], options.port, limit=LONGEST_LINE)
    except (OSError, UnicodeError) as problem:
        errno = getattr(problem, "errno", None) or 0
        said = getattr(problem, "strerror", None) or str(problem)
        reason = os.strerror(errno) if errno > 0 else said or f"no answer within {CONNECT_S:g} s"
        raise PeerGoneError(
            f"cannot connect to the director at {place}: {reason}",
            "start 'wattrig director' there, and check the address, the port and the firewall",
        ) from problem
    if encrypted:
        return await secure(reader, writer, f"director {place}", KeyFolder(options.keys))
    return Lines(reader, writer, "director")


async def _resolve(options: Options) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(options.address, options.port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def require_protection(options: Options, addresses: list[str]) -> bool:
    """Tell whether to encrypt: as the options say, or else where the director is not on this machine.

    Raises:
        ConfigError: it should be, but there is no key; or the options contradict each other.
    """
    if options.tls and options.allow_plaintext:
        raise ConfigError("both --tls and --allow-plaintext were given", "leave one of them out")
    outside = [address for address in addresses if not ipaddress.ip_address(address.partition("%")[0]).is_loopback]
    if options.tls or not outside or options.allow_plaintext:
        return options.tls
    if KeyFolder(options.keys).has_identity:
        return True
    raise ConfigError(
        f"the director '{options.address}' ({outside[0]}) is not on this machine, and nothing would protect the "
        "connection: anybody in the network could read or change the measurement",
        "with keys it is encrypted: wattrig keys init\n"
        f"  or, in a lab network that you trust: {options.called_as} --allow-plaintext",
    )


def note_connection(session: Path, lines: Lines) -> None:
    """Record in the evidence who the director is, and what proves it."""
    name, fingerprint = (lines.party.name, lines.party.fingerprint) if lines.party else ("", "")
    write_connection(session, lines.peer, is_local=lines.is_local, name=name, fingerprint=fingerprint)
