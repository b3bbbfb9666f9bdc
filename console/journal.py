"""`wattrig journal`: print the journals of a session, or finish a session whose process died."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import click

from console.format_option import format_option
from evidence.journal import Kept, is_being_written, read_journal
from evidence.layout import CLIENT_JOURNAL, DIRECTOR_JOURNAL
from evidence.recovery import last_phase
from evidence.stamps import format_stamp
from evidence.state import mark, read_state
from metrology.errors import EvidenceError, SessionError

REASON = "the process that measured ended without closing the session; finished by wattrig journal"
SIDES = {"director": DIRECTOR_JOURNAL, "client": CLIENT_JOURNAL}


@click.command()
@click.argument("session", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--records", is_flag=True, help="Print every whole record, one JSON object a line.")
@click.option("--recover", is_flag=True, help="Finish a session that was broken off: wattrig/partial/ and its state.")
@format_option
def journal(session: Path, records: bool, recover: bool, form: str) -> None:
    """Print the journals of a session, or finish a session whose process died.

    Director and client each journal what they do and see in wattrig/*.journal, record by record with a checksum.
    Damaged records are named and passed over; whatever happened, all whole ones can be read.

    \b
    Examples:
      wattrig journal sessions/2026-01-05_10-11-12             how much there is, and whether it is whole
      wattrig journal sessions/2026-01-05_10-11-12 --records   all of it, for jq and the like
      wattrig journal sessions/2026-01-05_10-11-12 --recover   write what can be had of a broken session

    A director does the last by itself at its next start, and sets the analyzer's ranges back besides.
    Exit code 0: whole; 1: something is damaged or missing; 2: there is no journal.
    """
    found = {side: session / name for side, name in SIDES.items() if (session / name).exists()}
    if not found:
        raise EvidenceError(f"'{session}' holds no journal", f"name a session folder, with {DIRECTOR_JOURNAL} in it")
    kept = {side: read_journal(path) for side, path in found.items()}
    if form == "json" and not records:
        click.echo(json.dumps({side: _summary(found[side], each) for side, each in kept.items()}, indent=2))
    else:
        for side, each in kept.items():
            _print_records(each) if records else _print_summary(side, found[side], each)
    if recover:
        _recover(session, found, kept)
    raise SystemExit(0 if all(each.is_whole for each in kept.values()) else 1)


def _summary(path: Path, kept: Kept) -> dict[str, Any]:
    return {
        "journal": str(path),
        "records": len(kept.records),
        "kinds": dict(Counter(record["kind"] for record in kept.records)),
        "damages": [damage._asdict() for damage in kept.damages],
    }


def _print_records(kept: Kept) -> None:
    for record in kept.records:
        click.echo(json.dumps(record, separators=(",", ":")))


def _print_summary(side: str, path: Path, kept: Kept) -> None:
    click.echo(f"{side}: {len(kept.records)} records in '{path}'")
    if kept.records:
        first, last = (format_stamp(kept.records[at]["t_utc_ns"]) for at in (0, -1))
        click.echo(f"  from {first} to {last} UTC")
    for kind, count in sorted(Counter(record["kind"] for record in kept.records).items()):
        click.echo(f"  {count:8} {kind}")
    for damage in kept.damages:
        click.echo(f"  DAMAGED in line {damage.line}, at byte {damage.offset}: {damage.reason}")


def _recover(session: Path, found: dict[str, Path], kept: dict[str, Kept]) -> None:
    from director.recovery import finish_partial
    from sut_client.partial import keep_partial

    if any(is_being_written(path) for path in found.values()):
        raise SessionError(f"'{session}' is being measured", "wait for its end, or end the process")
    if (state := read_state(session)) is not None:
        click.echo(f"nothing to finish: the session is {state.state} already")
        return
    for side, finish in (("director", finish_partial), ("client", keep_partial)):
        if side in found:
            finish(session, REASON)
    mark(session, "aborted", REASON, max((last_phase(each) for each in kept.values()), default=""))
    click.echo(f"finished as aborted: '{session / 'wattrig/partial'}'")
