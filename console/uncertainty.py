"""`wattrig uncertainty`: what a daemon told of the uncertainty of a session, worked out once more, and their sum."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from evidence.layout import OURS
from metrology.errors import EvidenceError

if TYPE_CHECKING:
    from compliance.uncertainty import PowerUncertainty
    from evidence.ptd_parts import AnalyzerPart
    from evidence.session import SessionFolder
    from evidence.uncertainty_reply import UncertaintyReply
    from metrology.judgement import Judgement

MODELS = ("ptd", "datasheet")
EQUAL, DIFFERENT, NO_SESSION = 0, 1, 3
"""Exit codes: equal, or nothing to compare with; a phase differs; there is no session."""


class Compared(NamedTuple):
    """A phase as worked out here, and as the daemon told it; None where the director did not ask."""

    recomputed: "UncertaintyReply"
    recorded: "UncertaintyReply | None"


class Compare(NamedTuple):
    """An analyzer: how it was judged here, whether its daemon judged it so too, and its phases."""

    judgement: "Judgement"
    is_own: bool
    phases: dict[str, Compared]

    def is_equal(self, phase: str) -> bool:
        """Tell whether nothing speaks against what is recorded; what another model told is not compared."""
        both = self.phases[phase]
        return not self.is_own or both.recorded in (None, both.recomputed)


@click.command()
@click.argument("session", type=click.Path(path_type=Path))
@click.option("--model", type=click.Choice(MODELS), help="whose formula: ptd, PTDaemon's own; datasheet, the maker's "
              "accuracy terms; by default the daemon's, which for SPEC's PTDaemon is ptd")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def uncertainty(session: Path, model: str | None, form: str) -> None:
    """Work out the reply to `Uncertainty` from the samples and ranges of SESSION, and compare; then how sure the mean
    power and the energy in the power window are, of all meters together.

    SESSION is a session folder, or the performance folder of a submission; of several analyzers it must hold the
    samples of each, in wattrig/, as a session measured by wattrig does.

    \b
    Examples:
      wattrig uncertainty out/2026-11-22_14-17-07
      wattrig uncertainty out/2026-11-22_14-17-07 --model datasheet --format json

    \b
    Exit codes: 0 equal, or the daemon told nothing, or went by another model; 1 a phase differs; 2 the tool failed;
    3 there is no session.
    """
    from compliance.facts import gather
    from compliance.uncertainty import uncertainty_of_power
    from evidence.session import find_session

    folder = find_session(session)
    if folder is None:
        click.echo(f"wattrig: '{session}' holds no session (no power/, ranging/ or run_1/)", err=True)
        sys.exit(NO_SESSION)
    found, total = compared(folder, model), uncertainty_of_power(gather(folder), model)
    click.echo(json.dumps(as_json(found, total), indent=2) if form == "json" else "\n".join(as_text(found, total)))
    sys.exit(EQUAL if all(each.is_equal(phase) for each in found for phase in each.phases) else DIFFERENT)


def compared(folder: "SessionFolder", model: str | None = None) -> list[Compare]:
    """Work out for each analyzer each phase that has samples.

    Args:
        folder: the session.
        model: "ptd" or "datasheet"; None for that of each daemon.

    Raises:
        EvidenceError: a file is missing or damaged, or the accuracy is not known.
    """
    from evidence.layout import OWN_SPL, PHASE_FOLDERS, PTD_LOGS, SERVER_JSON
    from evidence.ptd_log import read_ptd_log
    from evidence.ptd_parts import split_by_analyzer
    from evidence.session_json import read_session_json

    server = read_session_json(folder.root / SERVER_JSON, SERVER_JSON, folder.within)
    log = read_ptd_log(folder.root / PTD_LOGS, PTD_LOGS, folder.within)
    if not log.file.was_read:
        raise EvidenceError(f"{PTD_LOGS} was not read: {log.file.reason}")
    parts = split_by_analyzer(server, log)
    found = []
    for part in parts:
        names = {
            phase: f"{place}/spl.txt" if len(parts) == 1 else OWN_SPL.format(number=part.number, phase=phase)
            for phase, place in PHASE_FOLDERS.items()
        }
        found.append(compared_phases(folder, names, part, model))
    return found


def compared_phases(
    folder: "SessionFolder", names: dict[str, str], part: "AnalyzerPart", model: str | None
) -> Compare:
    """Work out each phase of one analyzer from its samples, in the files named.

    Raises:
        EvidenceError: see `compared`.
    """
    from evidence.uncertainty_reply import last_of_run

    judgement = judgement_used(part, model)
    own = part.judgement()
    found = {
        phase: Compared(recounted(folder, name, phase, part, judgement), last_of_run(part.messages, phase))
        for phase, name in names.items()
        if (folder.root / name).is_file()
    }
    if not found:
        hint = "the samples of each of several analyzers are in wattrig/ of the session that wattrig measured"
        raise EvidenceError(
            f"there is neither {' nor '.join(names.values())}", hint if OURS in names["testing"] else ""
        )
    return Compare(judgement, own is not None and own.model == judgement.model, found)


def judgement_used(part: "AnalyzerPart", model: str | None) -> "Judgement":
    """Get how an analyzer is judged.

    Raises:
        EvidenceError: its terms are not known.
    """
    found = part.judgement(model)
    if found is None:
        driver, whose = part.identity.driver[:60], "the data sheet" if model == "datasheet" else "PTDaemon"
        raise EvidenceError(
            f"by which formula {whose} judges an analyzer '{driver}' is not known",
            "" if model == "datasheet" else "try --model datasheet",
        )
    return found


def recounted(
    folder: "SessionFolder", name: str, phase: str, part: "AnalyzerPart", judgement: "Judgement"
) -> "UncertaintyReply":
    """Count the uncertainties of the samples in spl.txt.

    Raises:
        EvidenceError: it was not read, or the daemon's log does not show the start of the run.
    """
    from evidence.power_log import read_power_log
    from scoring.recount import recount

    samples = read_power_log(folder.root / name, name, folder.within)
    if not samples.file.was_read:
        raise EvidenceError(f"{name} was not read: {samples.file.reason}")
    ranges = part.ranges(phase)
    channels = range(1, max(2, len(samples.channels)))
    return recount(samples, judgement.in_force, [ranges.product_va(channel) for channel in channels])


def as_json(found: list[Compare], total: "PowerUncertainty | None") -> dict[str, Any]:
    """Put it into JSON: one analyzer's phases at the top, those of several below `analyzers`."""
    each = [
        {
            "model": one.judgement.model,
            "source": one.judgement.source,
            "unverified": one.judgement.unverified,
            "phases": {phase: both._asdict() for phase, both in one.phases.items()},
        }
        for one in found
    ]
    power = None if total is None else {**total._asdict(), "meters": [meter._asdict() for meter in total.meters]}
    return {**(each[0] if len(each) == 1 else {"analyzers": each}), "power": power}


def as_text(found: list[Compare], total: "PowerUncertainty | None") -> Iterator[str]:
    """Put it into lines of text."""
    for number, one in enumerate(found, 1):
        for phase in one.phases:
            yield from lines_of(phase if len(found) == 1 else f"analyzer {number}, {phase}", one, phase)
        if one.judgement.model != "ptd":
            doubt = f"; not verified: {one.judgement.unverified}" if one.judgement.unverified else ""
            yield f"  terms of the data sheet from {one.judgement.source}{doubt}"
    if total is not None:
        yield from total_lines(total)


def lines_of(name: str, one: Compare, phase: str) -> Iterator[str]:
    """Get the lines that tell one phase."""
    both = one.phases[phase]
    verdict = ("equal" if both.recorded else "nothing recorded") if one.is_equal(phase) else "DIFFERENT"
    yield f"{name}: {verdict if one.is_own else f'by {one.judgement.model}, which its daemon did not go by'}"
    for label, reply in both._asdict().items():
        if reply is not None:
            yield f"  {label:<10} {said(reply)}"


def total_lines(total: "PowerUncertainty") -> Iterator[str]:
    """Get the lines that tell how sure mean power and energy are."""
    mean_w = sum(meter.mean_w for meter in total.meters)
    yield f"mean power in the power window: {mean_w:.3f} W +- {total.at_worst * mean_w:.3f} W ({total.at_worst:.3%})"
    if len(total.meters) > 1:
        for meter in total.meters:
            name = f"analyzer {meter.number}"
            yield f"  {name:<12} {meter.mean_w:.3f} W +- {meter.uncertainty:.3%} by {meter.model}, {meter.analyzer}"
        yield f"  if the meters' errors are independent: +- {total.independent:.3%}"


def said(reply: "UncertaintyReply") -> str:
    """Put a reply into words."""
    counts = f"{reply.total} samples: {reply.above} above 1 %, {reply.within} within, {reply.unknown} unknown"
    if not reply.above + reply.within:
        return counts
    return f"average {reply.mean:.6f}, minimum {reply.minimum:.6f}, maximum {reply.maximum:.6f}; {counts}"
