"""`wattrig verify`: is a session what was signed, and by whom."""

import datetime
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from console.format_option import format_option
from evidence.envelope import is_signed_by, is_valid_at, read_envelope
from evidence.statement import ROLES, STATEMENT, Comparison, Statement, compare, parse_statement
from metrology.errors import EvidenceError
from wire.keys import FINGERPRINT, KeyFolder, Party

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope

NOT_VERIFIED, NOTHING_TO_VERIFY = 1, 3


class Judged(NamedTuple):
    """One signature: whose it is, and whether it counts; `wrong` where it should not even be there."""

    key: str
    text: str
    counts: bool = False
    wrong: bool = False


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("session", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--threshold", type=click.IntRange(1, 100), default=1, show_default=True, metavar="N",
              help="How many different keys that you trust must have signed.")  # fmt: skip
@click.option("--keys", "folder", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Folder of keys that you trust.  [default: see wattrig keys]")  # fmt: skip
@format_option
def verify(session: Path, threshold: int, folder: Path | None, form: str) -> None:
    """Check a session against its signed statement, offline.

    Every file of the session is compared with the SHA-256 that client and director signed; what was changed, is
    missing or came on top is named, and fails. A signature counts where its key is trusted here (wattrig keys) and
    not revoked.

    \b
    Examples:
      wattrig verify out/2026-11-22_12-00-00
      wattrig verify out/2026-11-22_12-00-00 --threshold 2      client and director both
      wattrig verify out/2026-11-22_12-00-00 --format json

    Exit code 0: all files are what was signed, by enough trusted keys. 1: they are not. 2: the tool failed.
    3: there is no statement.
    """
    path = session / STATEMENT
    if not os.path.lexists(path):
        click.echo(f"'{session}' is not signed: there is no {STATEMENT}", err=form == "json")
        sys.exit(NOTHING_TO_VERIFY)
    try:
        envelope = read_envelope(path)
        statement = parse_statement(envelope.payload)
    except EvidenceError as problem:
        _tell_damaged(problem.message, form)
        sys.exit(NOT_VERIFIED)
    found = compare(statement, session)
    judged = judge_signatures(envelope, statement, KeyFolder(folder))
    count = counted(judged, KeyFolder(folder))
    wrong = any(signature.wrong for signature in judged)
    good = found.agrees and not wrong and count >= threshold
    if form == "json":
        click.echo(json.dumps(document(found, statement, judged, verified=good), indent=2))
    else:
        told = "VERIFIED" if good else "NOT VERIFIED"
        click.echo(
            "\n".join([*lines(found, statement, judged), f"{told}: {count} trusted keys signed, {threshold} needed"])
        )
    sys.exit(0 if good else NOT_VERIFIED)


def _tell_damaged(problem: str, form: str) -> None:
    if form == "json":
        click.echo(json.dumps({"schema": 1, "verified": False, "problem": f"{STATEMENT}: {problem}"}, indent=2))
    else:
        click.echo(f"changed   {STATEMENT}: {problem}\nNOT VERIFIED")


def document(found: Comparison, statement: Statement, judged: list[Judged], *, verified: bool) -> dict[str, object]:
    """Get what was found, for programs."""
    return {
        "schema": 1,
        "verified": verified,
        "session": statement.session,
        "t_utc_ns": statement.t_utc_ns,
        "files": len(statement.subjects),
        "changed": list(found.changed),
        "missing": list(found.missing),
        "extra": list(found.extra),
        "added_later": list(found.uncovered),
        "signatures": [
            {"key": each.key, "counts": each.counts, "wrong": each.wrong, "told": each.text} for each in judged
        ],
    }


def counted(judged: list[Judged], keys: KeyFolder) -> int:
    """Count the keys that signed: two certificates of one key are one."""
    known = {party.fingerprint: party.public_key for party in keys.trusted()}
    return len({known[signature.key] for signature in judged if signature.counts})


def judge_signatures(envelope: "Envelope", statement: Statement, keys: KeyFolder) -> list[Judged]:
    """Judge each signature, and each one that the statement announces and that is not there."""
    judged = [_judge(envelope, key, statement.t_utc_ns, keys) for key in envelope.signatures]
    absent = dict.fromkeys(key for key in statement.signers.values() if key not in envelope.signatures)
    return judged + [Judged(key, "announced by the statement, but missing", wrong=True) for key in absent]


def _judge(envelope: "Envelope", key: str, t_utc_ns: int, keys: KeyFolder) -> Judged:
    known = {party.fingerprint: party for party in (*keys.trusted(), *keys.revoked())}
    if key not in known:
        return Judged(key, "unknown key: not trusted here (wattrig keys trust)")
    party = known[key]
    try:
        return _judge_by(envelope, party, t_utc_ns, is_revoked=party in keys.revoked())
    except EvidenceError as problem:
        return Judged(key, f"key of {party.name}, as kept here: {problem.message}; it does not count")


def _judge_by(envelope: "Envelope", party: Party, t_utc_ns: int, *, is_revoked: bool) -> Judged:
    key = party.fingerprint
    if not is_signed_by(envelope, key, party.der):
        return Judged(key, f"WRONG: not made by the key of {party.name}", wrong=True)
    if is_revoked:
        return Judged(key, f"revoked key of {party.name}; it does not count")
    if not is_valid_at(party.der, t_utc_ns):
        return Judged(
            key, f"key of {party.name}, whose certificate was not valid when it was made; it does not count"
        )
    return Judged(key, f"good, by {party.name}", counts=True)


def lines(found: Comparison, statement: Statement, judged: list[Judged]) -> list[str]:
    """Get what to print of a session."""
    same = len(statement.subjects) - len(found.changed) - len(found.missing)
    text = [f"session   {statement.session[:100]!r}: {same} of {len(statement.subjects)} files are what was signed"]
    stated = datetime.datetime.fromtimestamp(statement.t_utc_ns // 10**9, datetime.UTC)
    text.append(f"stated    {stated:%Y-%m-%dT%H:%M:%SZ} by the client's clock")
    for title in ("changed", "missing", "extra"):
        text += [f"{title:<9} {name!r}" for name in getattr(found, title)]
    text += [f"later     {name!r} was added after signing, as wattrig does" for name in found.uncovered]
    for signature in judged:
        roles = [role for role in ROLES if statement.signers.get(role) == signature.key]
        # What a file says reaches a terminal only where it is a fingerprint.
        key = signature.key if FINGERPRINT.fullmatch(signature.key) else repr(signature.key[:40])
        text.append(f"signature {key} ({' and '.join(roles) or 'another'}): {signature.text}")
    return text
