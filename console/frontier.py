"""Energy against performance: results in a plane, and those that none beats in both."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from console.charts import away, side
from console.plot import chart, dot, line, log_axis, shape, text


class Point(NamedTuple):
    """A result in a plane: where, what to call it, and whether none is better in both."""

    x: float
    y: float
    said: str
    best: bool


def frontier(points: Sequence[Point], x_name: str, y_name: str) -> str:
    """Draw results, more to the right and lower is better, and a line through those that none beats in both."""
    x = log_axis([point.x for point in points], x_name)
    y = log_axis([point.y for point in points], y_name)
    best = sorted(point for point in points if point.best)
    across, up = (np.array([getattr(point, name) for point in best]) for name in ("x", "y"))
    edge = shape(line(np.repeat(x.part(across), 2)[:-1], np.repeat(y.part(up), 2)[1:]), "line frontier")
    marks = [dot(x, y, (p.x, p.y), "best" if p.best else "other", p.said, 5) for p in points]
    notes = [text(x.percent(p.x), 100 - y.percent(p.y), p.said.split(":")[0][-40:], side(x.percent(p.x)),
                  dx=away(x.percent(p.x)), dy=-6) for p in best]  # fmt: skip
    said = f"{y_name} against {x_name}: " + "; ".join(point.said for point in points)
    return chart(x, y, [edge], [*marks, *notes], said=said, height=280)


def pareto(pairs: Sequence[tuple[float, float]]) -> list[bool]:
    """Tell of each (more is better, less is better) whether no other is as good in both and better in one."""
    return [not any(other[0] >= own[0] and other[1] <= own[1] and other != own for other in pairs) for own in pairs]
