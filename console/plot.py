"""The ground that charts stand on: axes, ticks, numbers for people, and an SVG that fits any width.

A chart is an `<svg>` of full width and fixed height. Lines and areas are drawn in a stretched square of 1000 x 1000;
texts and marks are placed in percent, so they keep their size on a phone and on paper. Colours are left to the
page's style sheet.
"""

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MINUS = "\N{MINUS SIGN}"
SIDE = 1000
"""Units along each side of the stretched square."""
_TIME_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
NARROW = 8.0
"""Below this factor from end to end the ticks of a logarithmic axis stand at even steps."""
RIM = 0.02
"""Part of the values' span that is kept free at both ends of an axis: on the very edge half of a line is cut off."""
LARGEST = 1e15
"""Values beyond this are no readings of anything; they are left out of charts."""


class Axis(NamedTuple):
    """One axis of a chart.

    Attributes:
        low, high: its ends; high is above low.
        ticks: where it is labelled, with the label.
        name: what it shows, with the unit.
        log: whether its steps are factors.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    name: str
    log: bool = False

    def part(self, values: Floats) -> Floats:
        """Get where values lie, 0 at the low end and 1 at the high one."""
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            return (np.log(values) - low) / (high - low)
        return (values - self.low) / (self.high - self.low)

    def percent(self, value: float) -> float:
        """Get where one value lies in percent."""
        return float(self.part(np.array([value]))[0]) * 100


def number(value: float, digits: int = 4) -> str:
    """Write a number for people: so many significant digits, no exponent where none is needed."""
    if not math.isfinite(value):
        return "-"
    if value == 0 or 1e-4 <= abs(value) < 1e7:
        places = max(0, digits - 1 - (math.floor(math.log10(abs(value))) if value else 0))
        return f"{value:,.{places}f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{value:.{digits - 1}e}"


def percent(part: float, digits: int, *, signed: bool = False) -> str:
    """Write a fraction as percent; what rounds to nothing has no minus sign."""
    text = f"{part * 100:+.{digits}f}" if signed else f"{part * 100:.{digits}f}"
    if float(text) == 0:
        text = text.replace("-", "+" if signed else "")
    return f"{text.replace('-', MINUS)}\N{NO-BREAK SPACE}%"


def duration(seconds: float) -> str:
    """Write a time since an origin, as 0:05, 12:30 or 3:25:00."""
    whole = round(abs(seconds))
    hours, minutes = divmod(whole // 60, 60)
    text = f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
    return f"\N{MINUS SIGN}{text}" if seconds < 0 and whole else text


def time_axis(low_s: float, high_s: float, name: str) -> Axis:
    """Make an axis of time in seconds."""
    high_s = max(high_s, low_s + 1)
    step = next((step for step in _TIME_STEPS_S if (high_s - low_s) / step <= 6), None)
    step = step or math.ceil((high_s - low_s) / 6 / 86400) * 86400
    found = range(math.ceil(low_s / step), math.floor(high_s / step) + 1)
    return Axis(low_s, high_s, tuple((at * step, duration(at * step)) for at in found), name)


def value_axis(values: Sequence[float] | Floats, name: str, *, zero: bool = False) -> Axis:
    """Make an axis that holds all finite values; from zero where `zero` asks so, or they come down to half.

    An axis without values goes from 0 to 1.
    """
    low, high = _span(values)
    if low >= 0 and (zero or low < high / 2):
        low = 0.0
    step = _step((high - low) or abs(high) * 0.1 or 1.0)
    rim = (high - low) * RIM or step / 2
    first, last = math.floor((low - rim) / step), math.ceil((high + rim) / step)
    first = max(first, 0) if low >= 0 else first
    ticks = tuple((at * step, _tick(at * step, step)) for at in range(first, last + 1))
    return Axis(first * step, last * step, ticks, name)


def log_axis(values: Sequence[float], name: str) -> Axis:
    """Make an axis of factors that holds all values, which are above zero."""
    low, high = min(values) / 1.3, max(values) * 1.3
    if high < NARROW * low:
        step = _step(high - low)
        even = range(math.ceil(low / step), math.floor(high / step) + 1)
        return Axis(low, high, tuple((at * step, _tick(at * step, step)) for at in even), name, log=True)
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if len(decades) < 5 else (1,)
    found = [factor * 10.0**decade for decade in decades for factor in steps if low <= factor * 10.0**decade <= high]
    return Axis(low, high, tuple((at, number(at, 1)) for at in found), name, log=True)


def _span(values: Sequence[float] | Floats) -> tuple[float, float]:
    array = np.asarray(values, np.float64)
    array = array[np.isfinite(array) & (np.abs(array) < LARGEST)]
    return (float(array.min()), float(array.max())) if len(array) else (0.0, 1.0)


def _step(span: float) -> float:
    """Get a round step that divides a span into four parts or so."""
    power = 10.0 ** math.floor(math.log10(span / 4))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if span / (factor * power) <= 5)


def _tick(value: float, step: float) -> str:
    places = max(0, -math.floor(math.log10(step)) + (1 if f"{step:e}".startswith("2.5") else 0))
    return f"{value:,.{places}f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def line(x: Floats, y: Floats, broken: NDArray[np.bool_] | None = None) -> str:
    """Get the path of a line through parts (0 to 1) of both axes; a new piece begins where `broken` or after NaN."""
    pieces, pen = [], False
    breaks = np.zeros(len(x), np.bool_) if broken is None else broken
    for across, up, new in zip((x * SIDE).tolist(), ((1 - y) * SIDE).tolist(), breaks.tolist(), strict=True):
        if not math.isfinite(across + up):
            pen = False
            continue
        pieces.append(f"{'L' if pen and not new else 'M'}{across:.1f} {up:.1f}")
        pen = True
    return "".join(pieces)


def shape(path: str, kind: str) -> str:
    """Draw a path in the stretched square."""
    return f'<path class="{kind}" d="{path}"/>'


def band(low: float, high: float, kind: str) -> str:
    """Draw an area of full height between two parts of the horizontal axis."""
    left, right = (min(1.0, max(0.0, part)) * SIDE for part in (low, high))
    return f'<rect class="{kind}" x="{left:.1f}" y="0" width="{max(0.0, right - left):.1f}" height="{SIDE}"/>'


def dot(x: Axis, y: Axis, at: tuple[float, float], kind: str, said: str, radius: float = 3) -> str:
    """Draw a mark at a place, with the text that a pointer or a screen reader gets."""
    across, up = x.percent(at[0]), 100 - y.percent(at[1])
    place = f'cx="{across:.2f}%" cy="{up:.2f}%" r="{radius}"'
    return f'<circle class="{kind}" {place}><title>{escape(said)}</title></circle>'


def text(across: float, up: float, said: str, kind: str = "note", *, dx: float = 0, dy: float = 0) -> str:
    """Write a text at a place in percent from the left and from the top, moved by pixels."""
    return f'<text class="{kind}" x="{across:.2f}%" y="{up:.2f}%" dx="{dx}" dy="{dy}">{escape(said)}</text>'


def chart(
    x: Axis,
    y: Axis,
    shapes: Iterable[str],
    marks: Iterable[str] = (),
    *,
    said: str,
    height: int = 240,
    more: str = "",
) -> str:
    """Put a chart together.

    Args:
        x, y: its axes.
        shapes: drawn in the stretched square.
        marks: placed in percent, above the shapes.
        said: what a screen reader says of it: what is shown, and the figures that matter.
        height: in pixels.
        more: further attributes of the `<svg>`.
    """
    rules = "".join(f'<path class="rule" d="M0 {(1 - part) * SIDE:.1f}H{SIDE}"/>' for part in _parts(y))
    return (
        f'<svg class="chart" role="img" width="100%" height="{height}" aria-label="{escape(said)}" {more}>'
        f'<svg class="area" viewBox="0 0 {SIDE} {SIDE}" preserveAspectRatio="none" width="100%" height="100%">'
        f'<g class="rules">{rules}</g>{"".join(shapes)}</svg>'
        f'<g class="marks">{"".join(marks)}</g>'
        f'<g class="x-ticks">{_x_ticks(x)}</g><g class="y-ticks">{_y_ticks(y)}</g>'
        f"{text(0, 0, y.name, 'axis-name', dx=-52, dy=-12)}"
        f"{text(100, 100, x.name, 'axis-name end', dy=38)}</svg>"
    )


def _parts(axis: Axis) -> list[float]:
    return [axis.percent(at) / 100 for at, _ in axis.ticks]


def _x_ticks(axis: Axis) -> str:
    return "".join(text(axis.percent(at), 100, label, "tick middle", dy=18) for at, label in axis.ticks)


def _y_ticks(axis: Axis) -> str:
    return "".join(text(0, 100 - axis.percent(at), label, "tick end", dx=-8, dy=4) for at, label in axis.ticks)
