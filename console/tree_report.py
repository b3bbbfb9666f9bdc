"""A report of a tree: a page with all results, one for each system, and one for each session."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import click

from compliance.batch import cores
from compliance.pool import shared_out
from compliance.tree import Found, find_results, place_of
from console.check_run import progress
from console.frontier import Point, frontier, pareto
from console.plain import plain
from console.plot import number
from console.report_file import write_page
from console.report_page import report_page
from console.report_tables import said_unit
from console.session_view import SessionView, view_session
from console.templates import render
from metrology.errors import ConfigError

FEW = 3
"""Up to so many sessions are told one after the other; starting processes would take longer."""


class Entry(NamedTuple):
    """A result of the tree: what the table tells, and where its own page lies below the folder of pages."""

    shown: str
    system: str
    benchmark: str
    scenario: str
    submitter: str
    strict: str
    reference: str
    mean_w: float | None
    metric: float | None
    unit: str
    performance: float | None
    efficiency: float | None
    page: str

    @property
    def energy_j(self) -> float | None:
        """Joules per sample, the inverse of the efficiency."""
        return 1 / self.efficiency if self.efficiency else None


def write_tree(root: Path, output: Path, form: str, round_name: str) -> bool:
    """Write the pages of a tree: `output`, and a folder of the same name without suffix beside it.

    Returns:
        whether there was a session to tell of.

    Raises:
        ConfigError: there is no such folder, or it is to be a PDF, which has no pages to link.
    """
    if form != "html":
        raise ConfigError("a tree is told in HTML alone: its pages link to each other", "give one session for a PDF")
    if not root.is_dir():
        raise ConfigError(plain(f"'{root}' is no folder"), "give a session folder, or a tree that holds some")
    walk = find_results(root.resolve(), str(root))
    for note in walk.notes[:FEW]:
        click.echo(plain(f"wattrig: '{root}': {note}"), err=True)
    if not walk.found:
        click.echo(plain(f"wattrig: '{root}' holds no session (no power/, ranging/ or run_1/)"), err=True)
        return False
    folder = output.with_suffix("")
    entries = _write_sessions(walk.found, folder, round_name)
    for system, group in _by(entries, "system").items():
        page = _table_page(f"Power results of {system}", group, "")
        write_page(page, folder / _safe(system) / "index.html", "html")
    write_page(_table_page(f"Power results below {root}", entries, f"{folder.name}/"), output, "html")
    return True


def _write_sessions(found: Sequence[Found], folder: Path, round_name: str) -> list[Entry]:
    """Write the page of each session; get what the table tells of each, in the order found."""
    write = partial(_write_chunk, folder=folder, round_name=round_name)
    numbered = list(enumerate(found))
    if len(found) <= FEW:
        return [entry for _, entry in write(numbered)]
    entries = {}
    with progress(len(found)) as advance, closing(shared_out(write, numbered, cores())) as written:
        for count, entry in written:
            entries[count] = entry
            advance()
    return [entries[count] for count in range(len(found))]


def _write_chunk(pieces: Sequence[tuple[int, Found]], folder: Path, round_name: str) -> list[tuple[int, Entry]]:
    return [(count, _write_session(found, count, folder, round_name)) for count, found in pieces]


def _write_session(found: Found, count: int, folder: Path, round_name: str) -> Entry:
    view = view_session(found.path, round_name, shown=found.shown, within=found.within)
    entry = _entry(view, found, count)
    write_page(report_page(view), folder / entry.page, "html")
    return entry


def _entry(view: SessionView, found: Found, count: int) -> Entry:
    place, power = place_of(found.path), view.result.power
    ran = view.facts.loadgen_logs["testing"].detail.text("effective_scenario") or ""
    system, name = (place.system, "-".join(place.parts[1:])) if place else ("sessions", view.path.name)
    return Entry(
        shown=found.shown,
        system=system,
        benchmark=place.benchmark if place else "",
        scenario=(power.scenario if power else None) or (place.scenario if place else ran),
        submitter=f"{place.division}/{place.submitter}" if place else "",
        strict=view.result.strict_verdict,
        reference=view.result.reference_verdict,
        mean_w=power.mean_w if power else None,
        metric=power.metric if power else None,
        unit=said_unit(power) if power else "",
        performance=view.performance,
        efficiency=view.efficiency,
        page=f"{_safe(system)}/{count + 1:04}-{_safe(name)}.html",
    )


def _safe(name: str) -> str:
    """Make a name of a file that is the same on every system, and leads nowhere else."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip(".")[:80] or "unnamed"


def _by(entries: Sequence[Entry], field: str) -> dict[str, list[Entry]]:
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[getattr(entry, field)].append(entry)
    return groups


def _table_page(heading: str, entries: Sequence[Entry], base: str) -> str:
    """Write a page with a table; `base` leads from it to the folder of pages, "" from a folder below."""
    shown = [entry._replace(page=f"{base}{entry.page}" if base else entry.page.split("/")[1]) for entry in entries]
    systems = {entry.system: f"{base}{_safe(entry.system)}/index.html" for entry in entries} if base else {}
    return render(
        "tree.html", heading=heading, entries=shown, charts=list(_charts(entries)), number=number, systems=systems
    )


def _charts(entries: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """Draw energy against performance for each task that has two results or more: title and chart."""

    def task(entry: Entry) -> tuple[str, str]:
        return entry.benchmark, entry.scenario

    measured = [entry for entry in entries if entry.performance and entry.efficiency]
    for (benchmark, scenario), group in groupby(sorted(measured, key=task), task):
        points = list(_points(list(group)))
        if len(points) > 1:
            yield f"{benchmark} {scenario}".strip(), frontier(points, "samples/s", "joules per sample")


def _points(entries: Sequence[Entry]) -> Iterator[Point]:
    pairs = [(entry.performance or 0.0, entry.energy_j or 0.0) for entry in entries]
    for entry, (performance, energy_j), best in zip(entries, pairs, pareto(pairs), strict=True):
        name = entry.system if entry.benchmark else Path(entry.shown).name
        said = f"{name}: {number(performance)} samples/s, {number(energy_j)} J per sample"
        yield Point(performance, energy_j, plain(said), best)
