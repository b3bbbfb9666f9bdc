"""Charts of a session as SVG: pure functions from figures to text."""

import json
from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from console.plot import (
    LARGEST,
    SIDE,
    Axis,
    Floats,
    band,
    chart,
    dot,
    duration,
    line,
    number,
    shape,
    text,
    time_axis,
    value_axis,
)  # fmt: skip
from console.series import Ints, Series, decimate, packed

COLUMNS = 800
"""Columns of a line that is drawn in the page: about one for each pixel."""
ZOOM_COLUMNS = 20_000
"""Columns that the page's script gets to zoom into: 4 s each in a day, 213 kB for each line."""
MOST_MARKS = 200
"""Bad samples that are marked one by one."""
SINCE_WINDOW = "time since the window begins"


class Curve(NamedTuple):
    """What a chart over time shows of one phase.

    Attributes:
        t_utc_ns: (n,) when, UTC nanoseconds.
        values: (n,) what is drawn; NaN where nothing was measured.
        bad: (n,) whether a sample is no good reading, or why it is marked.
        window_ns: LoadGen's window; None where there is none.
        name: `testing` or `ranging`; also the class that gives the line its colour.
    """

    t_utc_ns: Ints
    values: Floats
    bad: NDArray[np.bool_]
    window_ns: tuple[int, int] | None
    name: str

    @property
    def origin_ns(self) -> int:
        """The zero of its time: where the window begins, else the first sample."""
        if self.window_ns is not None:
            return self.window_ns[0]
        return int(self.t_utc_ns.min()) if len(self.t_utc_ns) else 0

    def series(self, columns: int) -> Series:
        """Reduce the samples to columns."""
        sane = np.where(np.abs(self.values) < LARGEST, self.values, np.nan)
        return decimate(self.t_utc_ns, sane, self.origin_ns, columns)

    def span_s(self) -> tuple[float, float]:
        """Get the first and the last time, seconds since the origin, window included."""
        at_s = (self.t_utc_ns - self.origin_ns) / 1e9
        ends = [0.0, (self.window_ns[1] - self.window_ns[0]) / 1e9] if self.window_ns else []
        found = [*ends, *((float(at_s.min()), float(at_s.max())) if len(at_s) else ())] or [0.0]
        return min(found), max(found)


def over_time(curve: Curve, name: str, *, limit: float | None = None, digits: int = 4, factor: float = 1.0) -> str:
    """Draw one curve: lowest to highest value as a band, the mean as a line, the window shaded, bad samples marked.

    Args:
        curve: what to draw.
        name: of the vertical axis, with its unit.
        limit: a value that is not to be exceeded, drawn as a line.
        digits: significant digits in what a screen reader says.
        factor: values are multiplied by it, 100 to show fractions in percent.
    """
    scaled = curve._replace(values=curve.values * factor)
    series = scaled.series(COLUMNS)
    limits = [] if limit is None else [limit * factor]
    x = time_axis(*curve.span_s(), SINCE_WINDOW if curve.window_ns else "time since the first sample")
    y = value_axis(np.concatenate([series.low, series.high, limits]), name)
    said = _said(scaled, series, name, digits)
    zoom = json.dumps(packed(scaled.series(ZOOM_COLUMNS)))
    shapes = [*_window(curve, x), *_lines(series, x, y, curve.name)]
    if limit is not None:
        shapes.append(shape(line(np.array([0.0, 1.0]), np.full(2, y.percent(limits[0]) / 100)), "limit"))
    more = f'tabindex="0" data-name="{escape(name)}" data-zoom="{escape(zoom)}" data-x="{x.low} {x.high}"'
    more += f' data-y="{y.low} {y.high}"'
    return chart(x, y, shapes, _bad_marks(scaled, x, y), said=said, more=more)


def _lines(series: Series, x: Axis, y: Axis, kind: str) -> Iterator[str]:
    across = x.part(series.at_s)
    if not series.whole:
        yield shape(_band_path(across, y.part(series.low), y.part(series.high), series.broken), f"span {kind}")
    yield shape(line(across, y.part(series.mean), series.broken), f"line {kind}")


def _band_path(across: Floats, low: Floats, high: Floats, broken: NDArray[np.bool_]) -> str:
    """Get the outline of a band, of each unbroken piece by itself."""
    starts = [0, *np.flatnonzero(broken).tolist(), len(across)]
    pieces = [slice(begin, end) for begin, end in pairwise(starts) if end > begin]
    return "".join(
        line(np.append(across[part], across[part][::-1]), np.append(high[part], low[part][::-1])) + "Z"
        for part in pieces
    )


def _window(curve: Curve, x: Axis) -> Iterator[str]:
    if curve.window_ns is not None:
        end_s = (curve.window_ns[1] - curve.window_ns[0]) / 1e9
        yield band(x.percent(0.0) / 100, x.percent(end_s) / 100, "window")


def _bad_marks(curve: Curve, x: Axis, y: Axis) -> Iterator[str]:
    """Mark bad samples: at their value where they have one, else at the foot of the chart."""
    for row in np.flatnonzero(curve.bad)[:MOST_MARKS].tolist():
        at_s, value = (int(curve.t_utc_ns[row]) - curve.origin_ns) / 1e9, float(curve.values[row])
        known = bool(abs(value) < LARGEST)
        said = f"bad sample at {duration(at_s)}" + (f", {number(value)} decoded" if known else "")
        yield dot(x, y, (at_s, value if known else y.low), "bad", said)


def _said(curve: Curve, series: Series, name: str, digits: int) -> str:
    if not len(series.at_s):
        return f"{curve.name}, {name}: no good sample"
    figures = (float(series.low.min()), float(series.high.max()))
    low, high = (number(figure, digits) for figure in figures)
    bad = int(np.count_nonzero(curve.bad))
    return (
        f"{curve.name}, {name}: {len(curve.t_utc_ns)} samples from {low} to {high}"
        f" over {duration(float(series.at_s[-1] - series.at_s[0]))}; {bad or 'none'} of them bad"
    )


def against(curves: Sequence[Curve], name: str) -> str:
    """Draw several curves over each other, each from the beginning of its window."""
    drawn = [(curve, curve.series(COLUMNS // 2)) for curve in curves]
    spans = [curve.span_s() for curve in curves] or [(0.0, 1.0)]
    x = time_axis(min(low for low, _ in spans), max(high for _, high in spans), SINCE_WINDOW)
    y = value_axis(np.concatenate([np.zeros(0), *(series.mean for _, series in drawn)]), name)
    lines = [
        shape(line(x.part(found.at_s), y.part(found.mean), found.broken), f"line {c.name}") for c, found in drawn
    ]
    return chart(x, y, lines, said=". ".join(_said(curve, found, name, 4) for curve, found in drawn))


def histogram(values: Floats, mean: float, name: str) -> str:
    """Draw how often values come, with their mean."""
    values = values[np.isfinite(values) & (np.abs(values) < LARGEST)]
    bins = int(min(60, max(8, np.sqrt(len(values)))))
    span = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    counts, edges = np.histogram(values, bins, span if span[0] < span[1] else (span[0] - 0.5, span[1] + 0.5))
    x = value_axis(edges, name)._replace(low=float(edges[0]), high=float(edges[-1]))
    x = x._replace(ticks=tuple(tick for tick in x.ticks if x.low <= tick[0] <= x.high))
    y = value_axis(counts, "samples", zero=True)
    y = y._replace(ticks=tuple((at, label.removesuffix(".0")) for at, label in y.ticks if at == round(at)))
    bars = "".join(
        f"M{left * SIDE:.1f} {SIDE}V{(1 - up) * SIDE:.1f}H{right * SIDE:.1f}V{SIDE}"
        for left, right, up in zip(x.part(edges[:-1]), x.part(edges[1:]), y.part(counts * 1.0), strict=True)
    )
    at = x.percent(mean)
    shapes = [shape(bars, "bars"), shape(f"M{at * SIDE / 100:.1f} 0V{SIDE}", "mean")]
    said = f"{name}: {len(values)} samples from {number(span[0])} to {number(span[1])}, mean {number(mean)}"
    return chart(x, y, shapes, [text(at, 0, f"mean {number(mean, 5)}", side(at), dx=away(at), dy=12)], said=said,
                 height=200)  # fmt: skip


class Estimate(NamedTuple):
    """A value at a time with how far the true one may be off; times in UTC nanoseconds."""

    t_utc_ns: int
    value: float
    uncertainty: float
    said: str


def estimates(found: Sequence[Estimate], name: str) -> str:
    """Draw values with their uncertainty as bars."""
    origin_ns = min(each.t_utc_ns for each in found)
    x = time_axis(-1.0, (max(each.t_utc_ns for each in found) - origin_ns) / 1e9 + 1, "time since the first exchange")
    y = value_axis([each.value + sign * each.uncertainty for each in found for sign in (-1, 1)] + [0.0], name)
    shapes, marks = [], []
    for each in found:
        at_s = (each.t_utc_ns - origin_ns) / 1e9
        across = x.percent(at_s) * SIDE / 100
        top, foot = (SIDE - y.percent(each.value + sign * each.uncertainty) * SIDE / 100 for sign in (1, -1))
        shapes.append(shape(f"M{across:.1f} {top:.1f}V{foot:.1f}", "error-bar"))
        marks.append(dot(x, y, (at_s, each.value), "testing", each.said, 4))
    return chart(x, y, shapes, marks, said=f"{name}: " + "; ".join(each.said for each in found), height=200)


class Span(NamedTuple):
    """A part of a timeline: its row, UTC nanoseconds of both ends, class, and what it is."""

    row: str
    begin_ns: int
    end_ns: int
    kind: str
    said: str


def timeline(spans: Sequence[Span]) -> str:
    """Draw spans of time in rows, in the order in which the rows come."""
    rows = list(dict.fromkeys(span.row for span in spans))
    origin_ns = min(span.begin_ns for span in spans)
    x = time_axis(0.0, (max(span.end_ns for span in spans) - origin_ns) / 1e9, "time since the session begins")
    y = Axis(0.0, float(len(rows)), (), "")
    bars = []
    for span in spans:
        left, right = (x.percent((end_ns - origin_ns) / 1e9) * SIDE / 100 for end_ns in (span.begin_ns, span.end_ns))
        top, high = (rows.index(span.row) + 0.3) * SIDE / len(rows), 0.6 * SIDE / len(rows)
        box = f'x="{left:.1f}" y="{top:.1f}" width="{max(1.5, right - left):.1f}" height="{high:.1f}"'
        bars.append(f'<rect class="{span.kind}" {box}><title>{escape(span.said)}</title></rect>')
    names = [text(0, 100 * at / len(rows), row, "note", dy=10) for at, row in enumerate(rows)]
    said = "; ".join(span.said for span in spans)
    return chart(x, y, bars, names, said=said, height=46 * len(rows))


def side(percent: float) -> str:
    """Get the class of a note at a place: it is written to the side where there is room."""
    return "note end" if percent > 60 else "note"


def away(percent: float) -> int:
    """Get how many pixels a note keeps from its place."""
    return -8 if percent > 60 else 8
