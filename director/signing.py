"""The director's signature under a session's statement: given only where the statement agrees with its own files.

client:   wattrig,sign,<session>,<secret of hello>
director: OK,<fingerprint of the director's certificate>, or Error: <why not>
client:   the statement, in blocks as files are sent
director: OK,<signature, base64>, or Error: <why not>
"""

import asyncio
import base64
import json
import time
from pathlib import Path

from evidence.digest import file_sha256
from evidence.envelope import sign
from evidence.layout import DOWNLOADS, OUR_PLACE, may_be_fetched
from evidence.statement import LARGEST_STATEMENT, describe, parse_statement
from evidence.traffic_log import TrafficLog
from metrology.errors import EvidenceError, PeerError, WattrigError
from wire.keys import KeyFolder
from wire.protocol import Lines

STATEMENT_S = 60.0
"""Longest wait for the statement: the client hashes every file of the session meanwhile."""
CLOCKS_APART_S = 60
"""Most that the stated time may differ from ours; a measured session has the clocks within 0.4 s."""


async def answer_sign(lines: Lines, folder: Path, keys: KeyFolder, log: TrafficLog) -> str:
    """Serve `wattrig,sign` for a session that is complete; get the reply.

    Raises:
        PeerError: the client sent no statement.
    """
    if not keys.has_identity:
        return "Error: the director has no key (wattrig keys init)"
    try:
        own = keys.own()
        await lines.send(f"OK,{own.fingerprint}")
        payload = await lines.receive_bytes(LARGEST_STATEMENT, STATEMENT_S)
        await asyncio.to_thread(require_agreement, payload, folder, own.fingerprint)
        signature = await asyncio.to_thread(sign, payload, own.fingerprint, keys.key)
    except PeerError:
        raise
    except (WattrigError, OSError, ValueError, ModuleNotFoundError) as problem:
        log.warning(f"The statement of {folder.name} is not signed: {problem}")
        return f"Error: {' '.join(str(problem).split())}"
    log.info(f"Signed the statement of {folder.name} with {own.fingerprint}")
    return f"OK,{base64.b64encode(signature).decode()}"


def require_agreement(payload: bytes, folder: Path, fingerprint: str) -> None:
    """Make sure that a statement says of our files what they are, and nothing else in our name.

    Raises:
        EvidenceError: it is no statement, is about another session, or a file differs.
    """
    statement = parse_statement(payload)
    if statement.session != folder.name or statement.signers.get("director") != fingerprint:
        raise EvidenceError(f"the statement is about {statement.session!r}, or names another director")
    if abs(statement.t_utc_ns - time.time_ns()) > CLOCKS_APART_S * 10**9:
        raise EvidenceError(f"the statement's time is over {CLOCKS_APART_S} s from the director's")
    told = describe(folder)
    if any(_as_text(statement.predicate[part]) != _as_text(told[part]) for part in ("uuid", "analyzers")):
        raise EvidenceError("the statement says something else of the analyzers than server.json")
    # The files of single analyzers are fetched where both sides are ours: what is stated of them must be true too.
    names = {OUR_PLACE.get(name, name): name for name in DOWNLOADS}
    names |= {name: name for name in statement.subjects if name not in names and may_be_fetched(name)}
    for stated, name in names.items():
        path = folder / name
        if (file_sha256(path) if path.is_file() else None) != statement.subjects.get(stated):
            raise EvidenceError(f"the statement does not agree with the director's copy of '{name}'")


def _as_text(value: object) -> str:
    # For Python 1, 1.0 and true are the same, for whoever reads the statement they may not be.
    return json.dumps(value, sort_keys=True)
