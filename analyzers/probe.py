"""Looking for instruments at addresses that the operator named, and at no others.

VXI-11 is asked for by its remote procedure call: the portmapper tells where the core channel is (RFC 1833, GETPORT),
or a port that is named answers the call that does nothing (RFC 5531). Numbers are those of VXI-11 1.0.
"""

import ipaddress
import re
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from analyzers.catalogue import catalogue
from metrology.errors import ConfigError

MOST_HOSTS = 256
"""Most addresses of one subnet: a /24."""
CONNECT_S = 1.0
"""How long an address may take to answer; instruments are near."""
AT_ONCE = 32
PORTMAPPER, PORTMAPPER_PROGRAM, GET_PORT = 111, 100_000, 3
CORE, CORE_VERSION, NOTHING = 0x0607AF, 1, 0
TCP = 6
LAST_FRAGMENT = 1 << 31
LONGEST_REPLY = 400
"""Longest answer to one of these calls, bytes, its record mark left out; with the longest verifier of RFC 5531."""
_TARGET = re.compile(r"([A-Za-z0-9._-]{1,253})(?::(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Target:
    """An address to look at: at one port, or at all that instruments are known to use."""

    host: str
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that listens: how to name it as a port, and what it seems to be."""

    port: str
    what: str


def targets(text: str) -> list[Target]:
    """Read HOST, HOST:PORT or a subnet as `192.168.1.0/28`.

    Raises:
        ConfigError: it is none of them, or too large.
    """
    if "/" in text:
        return _subnet(text)
    match = _TARGET.fullmatch(text)
    if match is None or int(match[2] or 1) not in range(1, 65536):
        raise ConfigError(f"got --net {text[:60]!r}, expected HOST, HOST:PORT or a subnet as in 192.168.1.0/28")
    return [Target(match[1], int(match[2]) if match[2] else None)]


def _subnet(text: str) -> list[Target]:
    try:
        network = ipaddress.IPv4Network(text, strict=False)
    except ValueError as problem:
        raise ConfigError(f"got --net {text[:60]!r}: {problem}", "write a subnet as in 192.168.1.0/28") from problem
    if network.num_addresses > MOST_HOSTS:
        raise ConfigError(
            f"the subnet {network} has {network.num_addresses} addresses, expected {MOST_HOSTS} at most",
            "name the part of it that holds the instruments, /24 or smaller",
        )
    return [Target(str(host)) for host in network.hosts()]


def known_ports() -> dict[int, str]:
    """Get the TCP ports that instruments listen on, and whose: those that the drivers declare."""
    ports: dict[int, list[str]] = {}
    for entry in catalogue():
        if entry.family.socket_port is not None and not (entry.family.dc or entry.family.multichannel):
            ports.setdefault(entry.family.socket_port, []).append(entry.family.title)
    return {port: ", ".join(titles) for port, titles in sorted(ports.items())}


def look(found: Sequence[Target], on_progress: Callable[[int, int], None] = lambda *_: None) -> list[Heard]:
    """Look at many addresses, several at once; `on_progress` gets (addresses done, all)."""
    ports = known_ports()
    heard: list[Heard] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done, each in enumerate(pool.map(lambda target: list(_look_at(target, ports)), found), 1):
            heard += each
            on_progress(done, len(found))
    return heard


def _look_at(target: Target, ports: dict[int, str]) -> Iterator[Heard]:
    if target.port is not None:
        if call(target.host, target.port, CORE, CORE_VERSION, NOTHING) is not None:
            yield Heard(f"TCPIP::{target.host},{target.port}::INSTR", "VXI-11")
        elif is_open(target.host, target.port):
            yield Heard(f"{target.host}:{target.port}", "a TCP port that is open")
        return
    if vxi11_port(target.host):
        yield Heard(f"TCPIP::{target.host}::INSTR", "VXI-11")
    for port, titles in ports.items():
        if is_open(target.host, port):
            yield Heard(f"{target.host}:{port}", f"a TCP port that is open; that of {titles}")


def is_open(host: str, port: int) -> bool:
    """Tell whether something accepts connections; nothing is sent to it."""
    try:
        socket.create_connection((host, port), CONNECT_S).close()
    except (OSError, UnicodeError):
        return False
    return True


def vxi11_port(host: str, portmapper: int = PORTMAPPER) -> int:
    """Ask a portmapper for the TCP port of VXI-11's core channel; 0 for none."""
    wanted = struct.pack(">4I", CORE, CORE_VERSION, TCP, 0)
    answer = call(host, portmapper, PORTMAPPER_PROGRAM, 2, GET_PORT, wanted)
    return int.from_bytes(answer, "big") if answer is not None and len(answer) == 4 else 0


def call(host: str, port: int, program: int, version: int, procedure: int, arguments: bytes = b"") -> bytes | None:
    """Make one remote procedure call over TCP; None where nobody listens or what comes is no reply to it."""
    number = 0x57_41_54_54
    body = struct.pack(">6I", number, 0, 2, program, version, procedure) + bytes(16) + arguments
    try:
        with socket.create_connection((host, port), CONNECT_S) as connection:
            connection.settimeout(CONNECT_S)
            connection.sendall(struct.pack(">I", LAST_FRAGMENT | len(body)) + body)
            return result_of(_record(connection), number)
    except (OSError, UnicodeError, ValueError, struct.error):
        return None


def _record(connection: socket.socket) -> bytes:
    length = struct.unpack(">I", _exactly(connection, 4))[0] & ~LAST_FRAGMENT
    if length > LONGEST_REPLY:
        raise ValueError(f"got a reply of {length} bytes, expected {LONGEST_REPLY} at most")
    return _exactly(connection, length)


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        if not chunk:
            raise ConnectionError("the connection was closed")
        data += chunk
    return data


def result_of(record: bytes, number: int) -> bytes | None:
    """Get the result from a reply; None where the call was not accepted.

    Raises:
        struct.error: it is too short for a reply.
    """
    got, kind, denied, _, verifier = struct.unpack_from(">5I", record)
    at = 20 + verifier
    (status,) = struct.unpack_from(">I", record, at)
    return record[at + 4 :] if (got, kind, denied, status) == (number, 1, 0, 0) else None
