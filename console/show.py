"""`wattrig show`: a session's power in the terminal."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.round_option import round_option

if TYPE_CHECKING:
    from rich.text import Text

    from console.charts import Curve
    from console.session_view import SessionView

NARROWEST, WIDEST = 40, 200
"""Width of the picture in characters, whatever the terminal says."""
HEIGHT = 10
SAID = {"testing": "cyan", "ranging": "yellow"}


@click.command()
@click.argument("session", type=click.Path(path_type=Path))
@click.option("--phase", type=click.Choice(["testing", "ranging", "both"]), default="testing", show_default=True)
@click.option(
    "--width", type=click.IntRange(NARROWEST, WIDEST), metavar="N", help="columns  [default: the terminal's]"
)
@round_option
def show(session: Path, phase: str, width: int | None, round_name: str) -> None:
    """Draw the power of SESSION in the terminal, with its number and both verdicts.

    LoadGen's window is marked below the curve; NO_COLOR=1 leaves out all colours.

    \b
    Examples:
      wattrig show demo-out/2026-03-01_10-00-00
      wattrig show v5.1/closed/Example/results/system/resnet50/Offline --phase both
    """
    from rich.console import Console

    from console.session_view import phases_with_samples, view_session

    console = Console(highlight=False)
    view = view_session(session, round_name)
    columns = width or min(WIDEST, max(NARROWEST, console.width))
    for line in head(view):
        console.print(line, soft_wrap=True)
    for name, curve in reversed(phases_with_samples(view)):
        if phase in {"both", name}:
            for line in picture(curve, columns):
                console.print(line, soft_wrap=True)


def head(view: "SessionView") -> "Iterator[Text]":
    """Get the lines above the curve: the verdicts, what speaks against the session, and the number."""
    from rich.text import Text

    from console.plain import plain
    from console.report_tables import broken, ended, headline
    from console.result import COLOURS

    yield Text(plain(view.name), "bold")
    line = Text()
    for name, verdict in (("strict", view.result.strict_verdict), ("reference", view.result.reference_verdict)):
        line += Text(f"{name}: ") + Text(verdict.replace("_", " "), COLOURS[verdict]) + Text("   ")
    yield line + Text(view.result.round, "dim")
    if said := ended(view):
        yield Text(plain(said), "red")
    found = broken(view)
    if found:
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        yield Text(plain(f"{found[0].code} {found[0].message}{more}"), "red")
    number = headline(view)
    power = view.result.power
    if number is None or power is None:
        yield Text("no number: no sample in a LoadGen window", "yellow")
        return
    sure = f" +- {number[1].value} {number[1].unit}" if number[1] else ", uncertainty unknown"
    yield Text(
        plain(f"{number[0].value} {number[0].unit}{sure}   {power.mean_w:.2f} W over {power.window_s:.1f} s"), "bold"
    )


def picture(curve: "Curve", width: int) -> "Iterator[Text]":
    """Get the lines of the curve: a title, the plot with its axes, LoadGen's window, and the times."""
    import numpy as np
    from rich.text import Text

    from console.braille import draw
    from console.plot import time_axis, value_axis

    inner = width - MARGIN
    series = curve.series(2 * inner)
    x, y = time_axis(*curve.span_s(), ""), value_axis(np.concatenate([series.low, series.high]), "")
    bad = int(np.count_nonzero(curve.bad))
    yield Text(f"{curve.name}, W" + (f"   {bad} bad samples" if bad else ""), "dim")
    labels = {round((100 - y.percent(at)) / 100 * (HEIGHT - 1)): label for at, label in y.ticks}
    for row, text in enumerate(draw(series, x, y, inner, HEIGHT)):
        yield Text(f"{labels.get(row, ''):>{MARGIN - 2}} \N{BOX DRAWINGS LIGHT VERTICAL}") + Text(
            text, SAID[curve.name]
        )
    if curve.window_ns is not None:
        ends = (x.percent(0.0), x.percent((curve.window_ns[1] - curve.window_ns[0]) / 1e9))
        begin, end = (round(min(100.0, max(0.0, at)) / 100 * (inner - 1)) for at in ends)
        yield Text(" " * (MARGIN + begin) + "\N{UPPER HALF BLOCK}" * (end - begin + 1), "green")
    yield Text(_times(x.ticks, [round(x.percent(at) / 100 * (inner - 1)) for at, _ in x.ticks], inner), "dim")


MARGIN = 10


def _times(ticks: tuple[tuple[float, str], ...], places: list[int], width: int) -> str:
    """Write the labels of the time axis below their places; one that would touch another is left out."""
    line = [" "] * (MARGIN + width)
    free = 0
    for place, (_, label) in zip(places, ticks, strict=True):
        start = MARGIN + place - len(label) // 2
        if start >= free and start + len(label) <= len(line):
            line[start : start + len(label)] = label
            free = start + len(label) + 1
    return "".join(line).rstrip()
