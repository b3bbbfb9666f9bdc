"""`wattrig compare`: two sessions held against each other."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.round_option import round_option

if TYPE_CHECKING:
    from console.comparing import Comparison, Figure

SCHEMA = 1


@click.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json", "html"]), default="text", show_default=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="where to write it instead of stdout"
)
@round_option
def compare(a: Path, b: Path, form: str, output: Path | None, round_name: str) -> None:
    """Hold session B against session A: what differs, by how much, and what that may mean.

    Power, performance and efficiency are held against the limits that MLPerf's auditors use: more than 2 % apart is
    materially different, and a system within 10 % may stand for an equivalent one.

    \b
    Examples:
      wattrig compare submitted/performance reproduced/performance
      wattrig compare before after --format html -o compare.html

    \b
    Exit codes: 0 compared, whatever the difference; 2 the tool failed.
    """
    from console.comparing import compare as compared
    from console.report_file import say_written, write_page
    from console.session_view import view_session

    found = compared(view_session(a, round_name), view_session(b, round_name))
    told = {"text": text_of, "json": json_of, "html": html_of}[form](found)
    if output is None:
        click.echo(told)
        return
    write_page(told if told.endswith("\n") else told + "\n", output, "html")
    say_written(output, opens=False)


def text_of(found: "Comparison") -> str:
    """Tell a comparison as text."""
    return "\n".join(_lines(found))


def _lines(found: "Comparison") -> Iterator[str]:
    from console.plain import plain

    for name, view in (("A", found.a), ("B", found.b)):
        yield plain(f"{name}  {view.result.path}  ({view.name})")
    yield ""
    yield f"  {'':28}{'A':>15}{'B':>15}   B over A"
    for figure in found.figures:
        yield plain(f"  {' '.join(_titled(figure)):28}{_cell(figure.a):>15}{_cell(figure.b):>15}   {_apart(figure)}")
    if found.others:
        yield from ("", "  What else differs")
        for other in found.others:
            yield from (plain(f"    {other.name:<20} A {other.a}"), plain(f"    {'':<20} B {other.b}"))
    yield from ("", f"  {said(found)}", *(plain(f"  {note}") for note in found.notes))


def _titled(figure: "Figure") -> list[str]:
    return [figure.name, *([figure.unit] if figure.unit not in {"", "1"} else [])]


def _cell(value: float | None) -> str:
    from console.plot import number

    if value is None:
        return "-"
    return (str(value) if isinstance(value, int) else number(value, 6)).replace("\N{NARROW NO-BREAK SPACE}", "")


def _apart(figure: "Figure") -> str:
    if figure.difference is None:
        return ""
    return f"{figure.difference:+8.2%}  {figure.band}".rstrip()


def said(found: "Comparison") -> str:
    """Say in one sentence how far apart two sessions are."""
    return {
        "within 2 %": "Not materially different: every figure that auditors compare is within 2 %.",
        "within 10 %": "Materially different: more than 2 % apart, but equivalent for the exclusion from audits.",
        "more than 10 %": "Materially different: more than 10 % apart.",
    }.get(found.band, "Nothing that auditors compare is told by both sessions.")


def json_of(found: "Comparison") -> str:
    """Tell a comparison as JSON; differences are fractions, B over A less one."""
    sessions = {
        name: {"path": view.result.path, "session": view.name, "strict": view.result.strict_verdict,
               "reference": view.result.reference_verdict}
        for name, view in (("a", found.a), ("b", found.b))
    }  # fmt: skip
    content = {
        "schema": SCHEMA,
        **sessions,
        "band": found.band or None,
        "figures": [figure.as_json() for figure in found.figures],
        "others": [other._asdict() for other in found.others],
        "notes": found.notes,
    }
    return json.dumps(content, indent=2, allow_nan=False)


def html_of(found: "Comparison") -> str:
    """Tell a comparison as a page that needs nothing else."""
    from console.charts import against
    from console.templates import render

    drawn = [(name, view.curve("testing")) for name, view in (("a", found.a), ("b", found.b))]
    curves = [curve._replace(name=name) for name, curve in drawn if curve is not None]
    figures = [
        (" ".join(_titled(each)), _cell(each.a), _cell(each.b), _percent(each), each.band) for each in found.figures
    ]
    chart = against(curves, "power, W") if len(curves) == len(drawn) else ""
    return render("compare.html", found=found, figures=figures, chart=chart, said=said(found))


def _percent(figure: "Figure") -> str:
    from console.plot import percent

    return "" if figure.difference is None else percent(figure.difference, 2, signed=True)
