"""`wattrig results`: performance, power and efficiency of every result of a tree, and against another tree."""

import csv
import io
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.round_option import round_option

if TYPE_CHECKING:
    from compliance.summary_rows import Comparison, Row

NOTHING_FOUND = 3
FORMS = ("text", "csv", "json", "html")


@click.command()
@click.argument("root", type=click.Path(path_type=Path))
@click.option("--against", type=click.Path(path_type=Path), metavar="ROOT2", help="a tree to compare with")
@round_option
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True)
def results(root: Path, against: Path | None, round_name: str, form: str) -> None:
    """Tell performance, power and efficiency of all power results, as the official summary has them.

    ROOT is a tree with results, as folder or archive, or a session. --against finds the same submitter, system,
    benchmark and scenario in another tree, and says whether the efficiency is equal or better (with 2 % for noise)
    and within the 10 % that waive an audit. Exit codes: 0 told, 2 the tool failed, 3 there are no results.

    \b
    Examples:
      wattrig results submission
      wattrig results submission --against last-round --format csv
    """
    from compliance.summary_rows import compare, rows_of
    from console.check_run import searched

    with ExitStack() as stack:
        rows = list(rows_of(searched(root, stack), round_name))
        old = list(rows_of(searched(against, stack))) if against else []
    if not rows:
        sys.exit(NOTHING_FOUND)
    compared = compare(rows, old)
    make = {"text": _text, "csv": _csv, "json": _json, "html": _html}[form]
    click.echo(make(compared))


def _json(compared: Sequence["Comparison"]) -> str:
    from compliance.summary_rows import as_json

    return json.dumps({"schema": 1, "results": [as_json(each) for each in compared]}, indent=2)


def _csv(compared: Sequence["Comparison"]) -> str:
    from compliance.summary_rows import Row

    ratios = ("performance_ratio", "efficiency_ratio", "equal_or_better", "within_audit")
    with io.StringIO(newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*Row._fields, *ratios])
        writer.writerows([*each.row, *(getattr(each, name) for name in ratios)] for each in compared)
        return text.getvalue().rstrip("\n")


HEADS = ("division/submitter", "system", "benchmark", "scenario", "performance", "power", "samples/J", "")


def cells(each: "Comparison") -> tuple[str, ...]:
    """Get what is told of a result, in the order of `HEADS`."""
    row = each.row
    return (
        f"{row.division}/{row.submitter}".strip("/") or "-",
        row.system or "-",
        row.benchmark,
        row.scenario,
        _number(row.performance, row.performance_unit),
        _number(row.power, row.power_unit),
        _number(row.samples_per_j, ""),
        "; ".join(_notes(each)),
    )


def _number(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{value:.6g} {unit}".strip()


def _notes(each: "Comparison") -> list[str]:
    marks = [word for word, holds in (("inferred", each.row.inferred), ("simulated", each.row.simulated)) if holds]
    return marks + (_against(each, each.against) if each.against else [])


def _against(each: "Comparison", old: "Row") -> list[str]:
    if each.efficiency_ratio is None:
        return [f"cannot be compared with {old.round}"]
    better = "equal or better" if each.equal_or_better else "worse by more than 2 %"
    audit = {True: "within 10 %", False: "not within 10 %", None: "performance not comparable"}[each.within_audit]
    return [f"efficiency {each.efficiency_ratio - 1:+.1%} against {old.round}: {better}, {audit}"]


def _text(compared: Sequence["Comparison"]) -> str:
    from console.plain import plain

    table = [HEADS, *(tuple(map(plain, cells(each))) for each in compared)]
    widths = [max(len(line[column]) for line in table) for column in range(len(HEADS) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip()
        for line in table
    )


def _html(compared: Sequence["Comparison"]) -> str:
    from console.templates import render

    return render("results.html", heads=HEADS, rows=[cells(each) for each in compared], numbers=(4, 5, 6))
