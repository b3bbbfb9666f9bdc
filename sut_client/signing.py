"""The signed statement of a session: made here, signed here, and by the director too where it can.

Nothing here may cost a measurement: what goes wrong is told, and the session stays complete without signature.
"""

import asyncio
import base64
import contextlib
import time
from pathlib import Path

from evidence.envelope import is_signed_by, seal, sign, unseal
from evidence.state import write_bytes_atomically
from evidence.statement import STATEMENT, make_statement
from evidence.traffic_log import TrafficLog
from metrology.errors import PeerError, PeerGoneError, PeerRefusedError, WattrigError
from sut_client.link import Link
from wire.comeback import sign_line
from wire.keys import FINGERPRINT, KeyFolder

SIGN_S = 120.0
MOST_TRIES, RETRY_S = 5, 1.0
"""How often the director is asked where the connection breaks, and the pause before, seconds."""
SIGNATURE_BYTES = 64
"""Length of an Ed25519 signature (RFC 8032, 5.1.6)."""


async def sign_session(link: Link, folder: Path, name: str, keys: KeyFolder, log: TrafficLog) -> None:
    """Write `wattrig/statement.dsse.json` of a session that is complete; tell the operator how it went."""
    if not keys.has_identity:
        log.info("The session is not signed: there is no key (make one: wattrig keys init)")
        return
    try:
        signed_by = await _sign(link, folder, name, keys, log)
    except (WattrigError, OSError, ValueError) as problem:
        log.warning(f"The session is not signed: {problem}")
    except ModuleNotFoundError as problem:
        log.warning(f"The session is not signed: {problem.name!r} is missing (pip install 'wattrig[security]')")
    else:
        log.info(f"The session is signed by {' and '.join(signed_by)}; check it with: wattrig verify {str(folder)!r}")


async def _sign(link: Link, folder: Path, name: str, keys: KeyFolder, log: TrafficLog) -> list[str]:
    """Sign together with a director of ours; alone where it has no key, or cannot be had again."""
    for _ in range(MOST_TRIES if link.given else 0):
        try:
            director = await ask_director(link, name, log)
            return await _seal(link, folder, name, keys, director)
        except PeerGoneError as problem:
            log.warning(f"{problem.message}; asking for the director's signature again, over a new connection")
            await asyncio.sleep(RETRY_S)
            with contextlib.suppress(PeerError):  # the next try fails as well
                await link.reconnect()
    return await _seal(link, folder, name, keys, "")


async def _seal(link: Link, folder: Path, name: str, keys: KeyFolder, director: str) -> list[str]:
    own = keys.own().fingerprint
    signers = {"client": own} | ({"director": director} if director else {})
    payload = await asyncio.to_thread(make_statement, folder, name, signers, time.time_ns())
    theirs = {director: await fetch_signature(link, payload)} if director else {}
    # On one machine both may have the same key; one signature then stands for both.
    signatures = theirs | {own: await asyncio.to_thread(sign, payload, own, keys.key)}
    sealed = await asyncio.to_thread(seal, payload, signatures)
    _require_right(sealed, director, keys)
    write_bytes_atomically(folder / STATEMENT, sealed)
    return [f"{role} {key}" for role, key in signers.items()]


def _require_right(sealed: bytes, director: str, keys: KeyFolder) -> None:
    """Make sure that the director's signature is right, where its key is known here.

    Raises:
        PeerError: it is wrong.
    """
    known = next((party for party in keys.trusted() if party.fingerprint == director), None)
    if known is not None and not is_signed_by(unseal(sealed), director, known.der):
        raise PeerError(f"the director's signature is not made by the key {director} of {known.name}")


async def ask_director(link: Link, name: str, log: TrafficLog) -> str:
    """Ask a director of ours for its signature; get the fingerprint of its key, "" where it has none.

    Raises:
        PeerError: the director is gone, its answer makes no sense, or TLS has shown it to be another one.
    """
    reply = await link.ask(sign_line(name, link.given.secret if link.given else ""))
    if not reply.startswith("OK,"):
        log.info(f"The director does not sign: {reply[:300]!r}")
        return ""
    if FINGERPRINT.fullmatch(found := reply.removeprefix("OK,")) is None:
        raise PeerError(f"got {found[:80]!r} from the director as the fingerprint of its key")
    if link.lines.party is not None and link.lines.party.fingerprint != found:
        raise PeerError(
            f"the director wants to sign with the key {found}, and TLS proved {link.lines.party.fingerprint}"
        )
    return found


async def fetch_signature(link: Link, payload: bytes) -> bytes:
    """Send the statement and get the director's signature.

    Raises:
        PeerRefusedError: the director's files are not what the statement says.
        PeerError: the director is gone, or its answer makes no sense.
    """
    await link.lines.send_bytes(payload)
    return parse_signature(await link.lines.receive(SIGN_S))


def parse_signature(reply: str) -> bytes:
    """Read the director's answer to the statement; errors as `fetch_signature`."""
    if not reply.startswith("OK,"):
        raise PeerRefusedError(f"the director does not sign: {reply[:300]!r}", "look into the director's log")
    try:
        signature = base64.b64decode(reply.removeprefix("OK,"), validate=True)
    except ValueError:
        signature = b""
    if len(signature) != SIGNATURE_BYTES:
        raise PeerError(f"got {reply[:120]!r} from the director, expected a signature of {SIGNATURE_BYTES} bytes")
    return signature
