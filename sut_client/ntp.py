"""Whether this machine's clock is right: one strict SNTP query (RFC 5905), or what chrony says. Nothing is ever set.

A packet is 48 bytes: leap indicator, version and mode; stratum; poll; precision; root delay and dispersion (16.16
fixed point seconds); reference id; four time stamps (32.32 fixed point seconds since 1900, wrapping in 2036).
"""

import asyncio
import contextlib
import secrets
import socket
import struct
import time
from dataclasses import dataclass

from metrology.errors import ConfigError, PeerError, PeerGoneError, PeerRefusedError

NTP_PORT = 123
TRIES, TRY_S = 3, 2.0
_PACKET = struct.Struct("!BBbb3I4Q")
_CLIENT, _SERVER = 3, 4
_UNSYNCHRONISED = 3
LONGEST_ROOT_DISTANCE_S = 1.5
"""Root delay / 2 + root dispersion beyond which a server's time is of no use; MAXDIST of RFC 5905, section 11.2."""
_UNIX_EPOCH_S = 2_208_988_800
"""Seconds from 1900-01-01 to 1970-01-01."""
CHRONYC = ("chronyc", "-c", "-n", "tracking")
CHRONYC_S = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer that passed every check.

    Attributes:
        offset_ms: true time minus our clock, milliseconds.
        delay_ms: round trip, milliseconds.
        stratum: 1 to 15.
    """

    offset_ms: float
    delay_ms: float
    stratum: int


def ntp_stamp(t_utc_ns: int) -> int:
    """Turn UTC nanoseconds into an NTP time stamp (32.32 fixed point, modulo 2^32 seconds)."""
    seconds, rest_ns = divmod(t_utc_ns, 10**9)
    return (seconds + _UNIX_EPOCH_S) % (1 << 32) << 32 | (rest_ns << 32) // 10**9


def unix_ns(stamp: int, near_ns: int) -> int:
    """Turn an NTP time stamp into UTC nanoseconds, in the era that brings it nearest to `near_ns`."""
    era_ns = 10**9 << 32
    t_utc_ns = ((stamp >> 32) - _UNIX_EPOCH_S) * 10**9 + ((stamp & 0xFFFFFFFF) * 10**9 >> 32)
    return t_utc_ns + (near_ns - t_utc_ns + era_ns // 2) // era_ns * era_ns


def question(cookie: int) -> bytes:
    """Build a client's packet; the random `cookie` stands where the time of sending would, and must be echoed."""
    return _PACKET.pack(4 << 3 | _CLIENT, 0, 0, 0, 0, 0, 0, 0, 0, 0, cookie)


def parse_answer(packet: bytes, cookie: int, sent_ns: int, received_ns: int) -> Answer | None:
    """Read a packet; None where it does not answer the question with this cookie, and so may be anybody's.

    Raises:
        PeerRefusedError: a kiss of death: the server refuses to serve us.
        PeerError: it answers, but its time must not be trusted.
    """
    if len(packet) < _PACKET.size:
        return None
    flags, stratum, _, _, root_delay, dispersion, reference, _, origin, arrived, left = _PACKET.unpack_from(packet)
    if flags & 7 != _SERVER or origin != cookie:
        return None
    if stratum == 0:
        code = reference.to_bytes(4, "big").decode("ascii", "replace").strip("\0")
        raise PeerRefusedError(f"it refuses to serve (kiss of death {code!r})")
    distance_s = (root_delay / 2 + dispersion) / 65536
    if flags >> 6 == _UNSYNCHRONISED or stratum > 15 or distance_s > LONGEST_ROOT_DISTANCE_S:
        raise PeerError(
            f"it is not synchronised itself (leap indicator {flags >> 6}, stratum {stratum}, root distance "
            f"{distance_s:.3f} s; expected 0 to 2, 1 to 15 and at most {LONGEST_ROOT_DISTANCE_S} s)"
        )
    arrived_ns, left_ns = unix_ns(arrived, sent_ns), unix_ns(left, sent_ns)
    delay_ns = (received_ns - sent_ns) - (left_ns - arrived_ns)
    if not arrived or not left or left_ns < arrived_ns or delay_ns < -1_000_000:
        raise PeerError("its time stamps contradict each other")
    offset_ns = ((arrived_ns - sent_ns) + (left_ns - received_ns)) / 2
    return Answer(offset_ns / 1e6, max(delay_ns, 0) / 1e6, stratum)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.got: asyncio.Queue[tuple[bytes, int] | OSError] = asyncio.Queue(100)

    def datagram_received(self, data: bytes, addr: object) -> None:
        received_ns = time.time_ns()
        with contextlib.suppress(asyncio.QueueFull):
            self.got.put_nowait((data, received_ns))

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError):
            with contextlib.suppress(asyncio.QueueFull):
                self.got.put_nowait(exc)


def split_address(address: str, default_port: int = NTP_PORT) -> tuple[str, int]:
    """Split HOST, HOST:PORT, [IPv6]:PORT or a bare IPv6 address.

    Raises:
        ConfigError: the port is no number from 1 to 65535, or there is no host.
    """
    host, colon, port = address.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = address, str(default_port)
    if not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536) or not host.strip("[]"):
        raise ConfigError(f"got the NTP server {address!r}, expected HOST or HOST:PORT")
    return host.strip("[]"), int(port)


async def query(address: str, try_s: float = TRY_S) -> Answer:
    """Ask an NTP server for the time, up to `TRIES` times, each waiting `try_s` seconds.

    Raises:
        PeerGoneError: nobody answered.
        PeerError: the answer must not be trusted; the message says why.
    """
    host, port = split_address(address)
    loop = asyncio.get_running_loop()
    try:
        transport, datagrams = await loop.create_datagram_endpoint(_Datagrams, remote_addr=(host, port))
    except (socket.gaierror, OSError, UnicodeError) as problem:
        raise PeerGoneError(f"the NTP server '{address}' cannot be reached: {problem}") from problem
    try:
        for _ in range(TRIES):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(try_s):
                    return await _ask(transport, datagrams)
    except OSError as problem:
        raise PeerGoneError(f"the NTP server '{address}' cannot be reached: {problem}") from problem
    except PeerError as problem:
        raise type(problem)(f"the NTP server '{address}' gives no time: {problem.message}") from problem
    finally:
        transport.close()
    raise PeerGoneError(f"the NTP server '{address}' gave no answer to {TRIES} questions within {TRIES * try_s:g} s")


async def _ask(transport: asyncio.DatagramTransport, datagrams: _Datagrams) -> Answer:
    cookie = secrets.randbits(64) | 1
    packet = question(cookie)
    sent_ns = time.time_ns()
    transport.sendto(packet)
    while True:
        got = await datagrams.got.get()
        if isinstance(got, OSError):
            raise got
        if answer := parse_answer(got[0], cookie, sent_ns, got[1]):
            return answer


@dataclass(frozen=True, slots=True)
class Tracking:
    """What chrony says of this machine's clock; `offset_ms` is true time minus ours, milliseconds."""

    synchronised: bool
    offset_ms: float
    stratum: int


def parse_tracking(text: str) -> Tracking | None:
    """Read the line of `chronyc -c tracking` (14 fields; chrony 4); None where it is none."""
    fields = text.strip().split(",")
    try:
        # Field 5 is the correction that chronyd still has to add to the system clock, seconds.
        return Tracking(fields[13] != "Not synchronised", float(fields[4]) * 1e3, int(fields[2]))
    except (IndexError, ValueError):
        return None


async def chrony_tracking() -> Tracking | None:
    """Ask chrony, where it runs on this machine; None where it does not."""
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(*CHRONYC, stdin=nothing, stdout=pipe, stderr=nothing)
    except OSError:
        return None
    try:
        async with asyncio.timeout(CHRONYC_S):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return parse_tracking(output.decode(errors="replace")) if process.returncode == 0 else None
