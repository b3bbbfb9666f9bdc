"""Two pages of the reference that are one table each: the analyzers, and the rounds."""

from collections.abc import Iterable, Sequence

from analyzers.catalogue import NOT_READ, UNTRIED, Entry, catalogue
from rules.documents import RoundRules
from rules.rulebook import all_rounds

ANALYZERS = """# Analyzers

What `wattrig-ptd` reads, as the drivers declare it; `wattrig analyzers list` prints the same. Device types are
PTDaemon's numbers, from 9000 on ours. An interface in brackets is one that nobody has tried with an instrument.
*Dialogue* says what the driver's commands were checked against: logs of published sessions, the maker's manual, or
nothing yet.
"""
ROUNDS = """# Rounds

What the documents in `rules/rounds/` say of each round; [the rules](rules/index.md) use it. A device type that is not
listed was not accepted in that round. *Phases apart* is how far the clocks of client and director may differ at the
beginning and end of a phase; a dash under LoadGen says that no release can be told by its log.
"""


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table."""
    lines = ["| " + " | ".join(line) + " |" for line in (headings, *rows)]
    lines.insert(1, "|---" * len(headings) + "|")
    return "\n".join(lines) + "\n"


def analyzers_page(note: str) -> str:
    """Write the page of all device types."""
    headings = ("type", "analyzer", "", "channels", "interfaces", "raw socket", "baud", "dialogue")
    notes = [f"- ({name}): {why}" for name, why in UNTRIED.items()]
    notes += [f"- not read: {name}: {why}" for name, why in NOT_READ.items()]
    return "\n".join([f"{note}\n{ANALYZERS}", table(headings, map(analyzer, catalogue())), *notes, ""])


def analyzer(entry: Entry) -> list[str]:
    """Write the row of a device type."""
    family = entry.family
    return [
        str(family.device_type),
        family.title,
        "DC" if family.dc else "AC",
        f"1 to {family.channels} and sum" if family.multichannel else f"1 of {family.channels}",
        ", ".join(f"({name})" if name in entry.untried else name for name in family.interfaces) or "none",
        f"port {family.socket_port}" if family.socket_port else "",
        str(family.baud) if "serial" in family.interfaces else "",
        family.verified,
    ]


def rounds_page(note: str) -> str:
    """Write the page of all rounds."""
    headings = ("round", "LoadGen", "PTDaemon", "device types", "phases apart", "checker")
    return "\n".join([f"{note}\n{ROUNDS}", table(headings, map(round_row, all_rounds().values()))])


def round_row(rules: RoundRules) -> list[str]:
    """Write the row of a round."""
    reference = rules.reference
    limit = "at most" if reference.phase_tolerance_inclusive else "under"
    return [
        rules.name,
        ", ".join(rules.loadgen.releases) or "-",
        ", ".join(rules.ptdaemon.versions),
        ", ".join(map(str, sorted(set(rules.ptdaemon.models.values())))),
        f"{limit} {reference.phase_tolerance_s * 1000:.0f} ms",
        rules.checker,
    ]
