"""The end of a phase: stop all analyzers, fetch what they measured, and write it into the store."""

from collections.abc import Sequence
from pathlib import Path

from director.analyzer import Analyzer
from director.loss import explained
from director.merge import merge
from director.package import keep_differences, keep_listing, write_figures, write_power_log
from director.ranging import FixedRanges, choose_ranges
from director.together import all_of
from evidence.layout import OURS
from evidence.ptd_protocol import marked_line, parse_sample
from evidence.traffic_log import TrafficLog
from metrology.errors import InstrumentError


async def harvest(session: Path, phase: str, analyzers: Sequence[Analyzer]) -> list[list[str]]:
    """Stop the measurement of all analyzers at once; get the sample lines of each.

    Raises:
        PeerError: a daemon does not answer.
        InstrumentError: an analyzer has no sample.
    """
    async with explained(analyzers):
        return await _harvest(session, phase, analyzers)


async def _harvest(session: Path, phase: str, analyzers: Sequence[Analyzer]) -> list[list[str]]:
    if phase == "testing":
        told = await all_of(analyzer.figures("Watts", "Uncertainty") for analyzer in analyzers)
        for analyzer, (watts, uncertainty) in zip(analyzers, told, strict=True):
            write_figures(session, analyzer.number, watts, uncertainty)
    await all_of(analyzer.ptd.stop() for analyzer in analyzers)
    return await all_of(_listing(analyzer, phase) for analyzer in analyzers)


async def _listing(analyzer: Analyzer, phase: str) -> list[str]:
    listing = await analyzer.ptd.listing()
    await analyzer.figures("Uncertainty", "Watts")
    if not listing:
        raise InstrumentError(f"analyzer {analyzer.number} delivered no sample in {phase}")
    return listing


def write_samples(
    session: Path, phase: str, analyzers: Sequence[Analyzer], listings: Sequence[Sequence[str]], log: TrafficLog
) -> None:
    """Write the spl.txt of a phase, and hold each daemon's own log against its listing.

    Raises:
        EvidenceError: a line of a listing is no sample.
    """
    mark = f"{session.name}_{phase}"
    marked = [[marked_line(line, mark) for line in listing] for listing in listings]
    for analyzer, lines in zip(analyzers, marked, strict=True):
        if len(analyzers) > 1:
            keep_listing(session, phase, analyzer.number, lines)
        if kept := keep_differences(session, phase, analyzer.journal, lines, analyzer.journal_start):
            log.warning(
                f"Analyzer [{analyzer.number}]: the samples in the daemon's log and in its listing differ, "
                f"see {OURS}/{kept.name}"
            )
    lines = marked[0] if len(marked) == 1 else merge(listings, mark, analyzers[0].interval_ms * 1_000_000)
    write_power_log(session, phase, lines)


def ranges_shown(analyzers: Sequence[Analyzer], listings: Sequence[Sequence[str]]) -> dict[int, FixedRanges]:
    """Choose the ranges of the testing run for each analyzer, by its number, from its own ranging run.

    Raises:
        SessionError: one shows no usable sample, or has fewer channels than are configured.
    """
    return {
        analyzer.number: choose_ranges(map(parse_sample, listing), analyzer.channels)
        for analyzer, listing in zip(analyzers, listings, strict=True)
    }
