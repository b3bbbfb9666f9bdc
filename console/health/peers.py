"""The other machine: keys, and how far the director's clock is from ours."""

import asyncio
import datetime
import socket
from collections.abc import Iterator
from pathlib import Path

from analyzers.preflight import Line, State
from director.server import require_closed
from director.station import Station
from evidence.clock_record import Burst
from evidence.summary import Summary
from evidence.traffic_log import TrafficLog
from metrology.errors import ConfigError, PeerGoneError, PeerRefusedError, WattrigError
from sut_client.clocks import CLOCK_LIMIT_MS
from sut_client.connection import connect
from sut_client.link import Link
from sut_client.ntp import split_address
from sut_client.options import Options
from wire.identity import check_certificate
from wire.keys import KeyFolder
from wire.protocol import DEFAULT_PORT, MAGIC_CLIENT, MAGIC_SERVER, Lines
from wire.security import ALERTS

PATIENCE_S = 30.0
"""Longest time for all of the exchange with a director; each step of it has its own, shorter one."""
TRUST = "wattrig keys trust NAME FILE    with what `wattrig keys show` prints on the other machine"


def key_lines(folder: KeyFolder, station: Station | None, station_file: str) -> Iterator[Line]:
    """Judge this machine's key, whom it trusts, and whether a director may listen as its station file says."""
    if station is not None:
        try:
            require_closed(station, station_file)
        except WattrigError as problem:
            yield Line("protection", State.PROBLEM, problem.message, problem.hint or "wattrig keys init")
    if not folder.has_identity:
        told = f"none in '{folder.path}', so nothing is encrypted to other machines, and sessions are not signed"
        yield Line("key", State.OK, f"{told}; make one: wattrig keys init")
        return
    try:
        check_certificate(folder.own().der, datetime.datetime.now(datetime.UTC))
        yield from _trust_lines(folder)
    except WattrigError as problem:
        yield Line("key", State.PROBLEM, problem.message, problem.hint or f"ls -l '{folder.path}'")
    except ModuleNotFoundError as problem:
        told = f"there is one, but it cannot be used without the package {problem.name}"
        yield Line("key", State.PROBLEM, told, "pip install 'wattrig[security]'")


def _trust_lines(folder: KeyFolder) -> Iterator[Line]:
    yield Line("key", State.OK, f"{folder.own().fingerprint} in '{folder.path}'")
    if peers := folder.peers():
        yield Line("trust", State.OK, f"{len(peers)} trusted: {', '.join(party.name for party in peers[:10])}")
    else:
        yield Line("trust", State.WARNING, "no other machine's key is trusted yet", TRUST)


def peer_options(address: str, keys: Path | None, *, allow_plaintext: bool) -> Options:
    """Make a client's options.

    Raises:
        ConfigError: the address is neither HOST nor HOST:PORT.
    """
    try:
        host, port = split_address(address, DEFAULT_PORT)
    except ConfigError as problem:
        raise ConfigError(f"got --peer {address[:80]!r}, expected HOST or HOST:PORT") from problem
    return Options(
        address=host, port=port, keys=keys, allow_plaintext=allow_plaintext, workload="", loadgen_logs=Path(),
        output=Path(), called_as=f"wattrig doctor --peer {address}",
    )  # fmt: skip


def peer_lines(options: Options) -> Iterator[Line]:
    """Ask a director for its time, as a client does before a session; none is opened."""
    place = f"{options.address}:{options.port}"
    try:
        lines, burst = asyncio.run(asyncio.wait_for(_ask(options), PATIENCE_S))
    except WattrigError as problem:
        remedy = (
            _known_there(problem) or problem.hint or f"see there what listens: ss -ltnp 'sport = :{options.port}'"
        )
        yield Line("director", State.PROBLEM, problem.message, remedy)
        return
    except TimeoutError:
        told = f"{place} did not answer within {PATIENCE_S:g} s"
        yield Line("director", State.PROBLEM, told, "look into the director's log")
        return
    known = f", encrypted, known as {lines.party.name}" if lines.party else ", not encrypted"
    yield Line("director", State.OK, f"{place} answers{known}")
    yield offset_line(burst)


def _known_there(problem: WattrigError) -> str:
    """Say how the other side gets to trust this machine's key; empty where that is not what is wrong."""
    if ALERTS["UNKNOWN_CA"] not in problem.message:
        return ""
    return f"wattrig keys show > sut.pem    and there: wattrig keys trust NAME sut.pem\n{problem.hint}"


def _way_there(options: Options, cause: BaseException | None) -> str:
    """Say what mends a connection that could not be made."""
    if isinstance(cause, ConnectionRefusedError):
        return (
            "start it there: wattrig director -c STATION\n"
            f"if it runs, see where it listens: ss -ltn 'sport = :{options.port}'    (127.0.0.1 is for itself alone)"
        )
    if isinstance(cause, socket.gaierror):
        return f"getent hosts {options.address}    or give its IP address"
    if isinstance(cause, TimeoutError):
        return (
            f"ping {options.address}\n"
            f"if that answers, a firewall is in between; there: sudo ufw allow {options.port}/tcp, or "
            f"sudo firewall-cmd --add-port={options.port}/tcp"
        )
    return f"ip route get {options.address}"


async def _ask(options: Options) -> tuple[Lines, Burst]:
    try:
        lines = await connect(options)
    except PeerGoneError as problem:
        raise PeerGoneError(problem.message, _way_there(options, problem.__cause__)) from problem
    link = Link(lines, TrafficLog("doctor", lambda _: None, must_write=False), Summary(()), lambda: connect(options))
    link.stop_recording()
    try:
        if (magic := await link.ask(MAGIC_CLIENT)) != MAGIC_SERVER:
            raise _unwelcome(magic)
        return lines, await link.burst("doctor")
    finally:
        await lines.close()


def _unwelcome(greeting: str) -> PeerRefusedError:
    """Say why a director, or what listens in its place, does not talk to us."""
    if not greeting.startswith("Error"):
        return PeerRefusedError(f"got {greeting[:80]!r} as the greeting, expected {MAGIC_SERVER!r}")
    remedy = "wattrig keys init, and no --allow-plaintext" if "TLS" in greeting else "wait for its end, and ask again"
    return PeerRefusedError(f"it answers {greeting[:200]!r}", remedy)


def offset_line(burst: Burst) -> Line:
    """Judge how far the director's clock is from ours, at worst."""
    offset_ms, uncertainty_ms = burst.offset.offset_ns / 1e6, burst.offset.uncertainty_ns / 1e6
    found = f"the director's minus this machine's is {offset_ms:+.3f} ms +- {uncertainty_ms:.3f} ms"
    if abs(offset_ms) + uncertainty_ms <= CLOCK_LIMIT_MS:
        return Line("clock offset", State.OK, found)
    remedy = "sudo chronyc makestep    on the machine that `wattrig doctor` says is not synchronized"
    return Line("clock offset", State.PROBLEM, f"{found}, expected {CLOCK_LIMIT_MS:g} ms at most either way", remedy)
