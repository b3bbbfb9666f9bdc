"""A curve drawn with braille characters, two by four dots in each: a plot for a terminal of any width."""

import numpy as np
from numpy.typing import NDArray

from console.plot import Axis
from console.series import Series

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot, by row and column (Unicode chapter 21.1)."""
BLANK = 0x2800


def draw(series: Series, x: Axis, y: Axis, width: int, height: int) -> list[str]:
    """Draw a series as lines of text.

    Args:
        series: what to draw, from its lowest to its highest values.
        x, y: the axes that it lies in.
        width, height: in characters.
    """
    cells = np.full((height, width), BLANK, np.int64)
    columns = np.clip((x.part(series.at_s) * (2 * width - 1)).round().astype(int), 0, 2 * width - 1)
    rows = [_rows(values, y, height) for values in (series.high, series.low)]
    before: tuple[int, int, int] | None = None
    for column, top, foot, broken in zip(columns.tolist(), *(each.tolist() for each in rows),
                                         series.broken.tolist(), strict=True):  # fmt: skip
        if before and not broken:
            _join(cells, before, (column, top, foot))
        for row in range(top, foot + 1):
            _dot(cells, column, row)
        before = (column, top, foot)
    return ["".join(map(chr, line)) for line in cells.tolist()]


def _rows(values: NDArray[np.float64], y: Axis, height: int) -> NDArray[np.int64]:
    last = 4 * height - 1
    return np.clip(((1 - y.part(values)) * last).round(), 0, last).astype(np.int64)


def _join(cells: NDArray[np.int64], start: tuple[int, int, int], end: tuple[int, int, int]) -> None:
    """Draw a line between the middles of two columns."""
    begin, stop = (start[1] + start[2]) / 2, (end[1] + end[2]) / 2
    count = max(end[0] - start[0], round(abs(stop - begin)), 1)
    for step in range(1, count):
        part = step / count
        _dot(cells, round(start[0] + part * (end[0] - start[0])), round(begin + part * (stop - begin)))


def _dot(cells: NDArray[np.int64], column: int, row: int) -> None:
    cells[row // 4, column // 2] |= DOTS[row % 4][column % 2]
