"""`wattrig uncertainty`: what PTDaemon told of the uncertainty of a session, worked out once more."""

import json
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from evidence.layout import OURS
from metrology.errors import EvidenceError

if TYPE_CHECKING:
    from evidence.ptd_log import PtdLog
    from evidence.session import SessionFolder
    from evidence.session_json import SessionRecord
    from evidence.uncertainty_reply import UncertaintyReply
    from metrology.uncertainty import Accuracy

Messages = tuple[tuple[str, str], ...]
"""Commands to one daemon with their replies, `Identify` the first."""
HEADING = re.compile(r"Analyzer \d{1,2}")
EQUAL, DIFFERENT, NO_SESSION = 0, 1, 3
"""Exit codes: equal, or nothing to compare with; a phase differs; there is no session."""


class Compared(NamedTuple):
    """A phase as worked out here, and as PTDaemon told it; None where the director did not ask."""

    recomputed: "UncertaintyReply"
    recorded: "UncertaintyReply | None"

    @property
    def is_equal(self) -> bool:
        """Tell whether nothing speaks against what is recorded."""
        return self.recorded in (None, self.recomputed)


@click.command()
@click.argument("session", type=click.Path(path_type=Path))
@click.option("--model", type=click.Choice(["ptd"]), default="ptd", show_default=True,
              help="whose formula: ptd, the one that PTDaemon itself uses")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def uncertainty(session: Path, model: str, form: str) -> None:  # noqa: ARG001 - there is one model so far
    """Work out PTDaemon's reply to `Uncertainty` from the samples and ranges of SESSION, and compare.

    SESSION is a session folder, or the performance folder of a submission; of several analyzers, the session in the
    director's store, which holds the samples of each.

    \b
    Exit codes: 0 equal, or PTDaemon told nothing; 1 a phase differs; 2 the tool failed; 3 there is no session.
    """
    from evidence.session import find_session

    folder = find_session(session)
    if folder is None:
        click.echo(f"wattrig: '{session}' holds no session (no power/, ranging/ or run_1/)", err=True)
        sys.exit(NO_SESSION)
    found = compared(folder)
    if form == "json":
        phases = [{phase: both._asdict() for phase, both in each.items()} for each in found]
        several = {"analyzers": [{"phases": each} for each in phases]}
        click.echo(json.dumps({"phases": phases[0]} if len(found) == 1 else several, indent=2))
    else:
        for number, each in enumerate(found, 1):
            for phase, both in each.items():
                name = phase if len(found) == 1 else f"analyzer {number}, {phase}"
                click.echo("\n".join(lines_of(name, both)))
    sys.exit(EQUAL if all(both.is_equal for each in found for both in each.values()) else DIFFERENT)


def compared(folder: "SessionFolder") -> list[dict[str, Compared]]:
    """Work out for each analyzer each phase that has samples.

    Raises:
        EvidenceError: a file is missing or damaged, or the accuracy is not known.
    """
    from evidence.layout import OWN_SPL, PHASE_FOLDERS, PTD_LOGS, SERVER_JSON
    from evidence.ptd_log import read_ptd_log
    from evidence.session_json import read_session_json

    server = read_session_json(folder.root / SERVER_JSON, SERVER_JSON, folder.within)
    said = said_by_analyzer(server)
    log = read_ptd_log(folder.root / PTD_LOGS, PTD_LOGS, folder.within)
    if not log.file.was_read:
        raise EvidenceError(f"{PTD_LOGS} was not read: {log.file.reason}")
    found = []
    for number, (messages, part) in enumerate(zip(said, parts_of(log, len(said)), strict=True), 1):
        names = {
            phase: f"{place}/spl.txt" if len(said) == 1 else OWN_SPL.format(number=number, phase=phase)
            for phase, place in PHASE_FOLDERS.items()
        }
        found.append(compared_phases(folder, names, messages, part))
    return found


def compared_phases(
    folder: "SessionFolder", names: dict[str, str], messages: Messages, log: "PtdLog"
) -> dict[str, Compared]:
    """Work out each phase of one analyzer from its samples, in the files named.

    Raises:
        EvidenceError: see `compared`.
    """
    from evidence.uncertainty_reply import last_of_run

    accuracy = accuracy_used(messages[0][1])
    found = {
        phase: Compared(recounted(folder, name, phase, log, accuracy), last_of_run(messages, phase))
        for phase, name in names.items()
        if (folder.root / name).is_file()
    }
    if not found:
        hint = "the samples of each of several analyzers are in the director's store alone; give the session there"
        raise EvidenceError(
            f"there is neither {' nor '.join(names.values())}", hint if OURS in names["testing"] else ""
        )
    return found


def said_by_analyzer(server: "SessionRecord") -> list[Messages]:
    """Get what was said to each analyzer's daemon, from `Identify` on.

    Raises:
        EvidenceError: there is none.
    """
    places = [place for place, (command, _) in enumerate(server.ptd_messages) if command == "Identify"]
    if not places:
        raise EvidenceError(f"{server.file.name}: {server.error or 'there is no reply to Identify'}")
    return [server.ptd_messages[begin:end] for begin, end in pairwise([*places, len(server.ptd_messages)])]


def parts_of(log: "PtdLog", count: int) -> list["PtdLog"]:
    """Split PTDaemon's log at the headings that the director writes above the part of each analyzer.

    Raises:
        EvidenceError: it has not one heading for each of several analyzers.
    """
    if count == 1:
        return [log]
    places = [place for place, message in enumerate(log.messages) if HEADING.fullmatch(message.text)]
    if len(places) != count:
        raise EvidenceError(f"{log.file.name} has {len(places)} headings 'Analyzer N', expected {count}")
    pairs = pairwise([*places, len(log.messages)])
    return [log._replace(messages=log.messages[begin:end]) for begin, end in pairs]


def accuracy_used(identify: str) -> "Accuracy":
    """Get the accuracy by which a daemon judged its analyzer, from the reply to `Identify`.

    Raises:
        EvidenceError: it is not known.
    """
    from evidence.ptd_protocol import parse_identity
    from metrology.accuracy import accuracy_of

    identity = parse_identity(identify)
    accuracy = accuracy_of(identity.driver, identity.version, identity.model)
    if accuracy is None:
        raise EvidenceError(f"by which formula PTDaemon judges an analyzer '{identity.driver[:60]}' is not known")
    return accuracy


def recounted(
    folder: "SessionFolder", name: str, phase: str, log: "PtdLog", accuracy: "Accuracy"
) -> "UncertaintyReply":
    """Count the uncertainties of the samples in spl.txt.

    Raises:
        EvidenceError: it was not read, or PTDaemon's log does not show the start of the run.
    """
    from compliance.checks.uncertainty import ranges_in_force
    from evidence.power_log import read_power_log
    from scoring.recount import recount

    samples = read_power_log(folder.root / name, name, folder.within)
    if not samples.file.was_read:
        raise EvidenceError(f"{name} was not read: {samples.file.reason}")
    starts = [message for message, mark in log.goes() if mark.endswith(f"_{phase}")]
    if not starts:
        raise EvidenceError(f"{log.file.name} has no start of the {phase} run, so its ranges are not known")
    ranges = ranges_in_force(log, starts[-1].line)
    channels = range(1, max(2, len(samples.channels)))
    return recount(samples, accuracy, [ranges.product_va(channel) for channel in channels])


def lines_of(phase: str, found: Compared) -> Iterator[str]:
    """Get the lines that tell one phase."""
    verdict = ("equal" if found.recorded else "nothing recorded") if found.is_equal else "DIFFERENT"
    yield f"{phase}: {verdict}"
    for name, reply in found._asdict().items():
        if reply is not None:
            yield f"  {name:<10} {said(reply)}"


def said(reply: "UncertaintyReply") -> str:
    """Put a reply into words."""
    counts = f"{reply.total} samples: {reply.above} above 1 %, {reply.within} within, {reply.unknown} unknown"
    if not reply.above + reply.within:
        return counts
    return f"average {reply.mean:.6f}, minimum {reply.minimum:.6f}, maximum {reply.maximum:.6f}; {counts}"
