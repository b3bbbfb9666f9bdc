"""Power over time in several resolutions, in bounded memory: a day at 10 Hz is drawn as fast as a minute.

Level 0 holds samples, each further level sums up four rows of the one below. A level keeps its newest rows; what a
fine level has forgotten stands in a coarser one, and in the store.
"""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]
"""(n, 7): first and last time in ms, lowest and highest watts (NaN for none), their sum, good and bad samples."""

FACTOR, LEVELS = 4, 10
"""Ten levels of 16,384 rows span 4 billion samples."""
KEPT = 16_384
FIRST, LAST, LOW, HIGH, SUM, GOOD, BAD = range(7)
FINENESS = 8
"""Rows looked at for each column asked for, at most: more cost time and show no more."""


class Level:
    """Rows of one resolution, the newest `kept` to twice as many."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._rows = np.empty((256, 7))
        self._end = 0
        self.count = 0

    def add(self, row: Rows) -> None:
        """Append a row, and forget old ones where there is no more room."""
        if self._end == len(self._rows):
            self._make_room()
        self._rows[self._end] = row
        self._end += 1
        self.count += 1

    def _make_room(self) -> None:
        if self._end >= 2 * self._kept:
            self._rows[: self._kept] = self._rows[self._end - self._kept : self._end]
            self._end = self._kept
        else:
            larger = np.empty((min(2 * self._kept, 2 * len(self._rows)), 7))
            larger[: self._end] = self._rows[: self._end]
            self._rows = larger

    @property
    def rows(self) -> Rows:
        """Get the rows that are kept, the oldest first."""
        return self._rows[: self._end]

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing was forgotten."""
        return self.count == self._end


class Pyramid:
    """Power of one analyzer over a session.

    Args:
        kept: rows that each level keeps at least.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._levels = [Level(kept) for _ in range(LEVELS)]

    def add(self, t_ms: float, power_w: float, *, good: bool) -> None:
        """Take in a sample, later than the ones before; a bad one counts, its value does not."""
        value = (power_w, power_w, power_w, 1.0, 0.0) if good else (np.nan, np.nan, 0.0, 0.0, 1.0)
        row = np.array((t_ms, t_ms, *value))
        for level in self._levels:
            level.add(row)
            if level.count % FACTOR:
                return
            row = merged(level.rows[-FACTOR:])

    @property
    def count(self) -> int:
        """Get how many samples there were."""
        return self._levels[0].count

    @property
    def span_ms(self) -> tuple[float, float] | None:
        """Get the times of the first and the last sample; None where there is none."""
        rows = self._levels[0].rows
        if not len(rows):
            return None
        oldest = next((level for level in self._levels if level.is_whole), self._levels[-1])
        first = oldest.rows[0, FIRST] if len(oldest.rows) else rows[0, FIRST]
        return float(first), float(rows[-1, LAST])

    def holds_samples_from(self, t_ms: float) -> bool:
        """Tell whether every sample from a time on is held in memory."""
        finest = self._levels[0]
        return finest.is_whole or (len(finest.rows) > 0 and bool(finest.rows[0, FIRST] <= t_ms))

    def rows(self, from_ms: float, to_ms: float, points: int) -> Rows:
        """Get what happened in a span of time, in at most `points` rows."""
        return reduced(self._finest(from_ms, to_ms, points * FINENESS), from_ms, to_ms, points)

    def _finest(self, from_ms: float, to_ms: float, most: int) -> Rows:
        for number, level in enumerate(self._levels):
            last = number == LEVELS - 1
            reaches = level.is_whole or (len(level.rows) > 0 and level.rows[0, FIRST] <= from_ms)
            if not (reaches or last):
                continue
            found = between(self._with_tail(number), from_ms, to_ms)
            if len(found) <= most or last:
                return found
        return np.empty((0, 7))

    def _with_tail(self, number: int) -> Rows:
        """Get the rows of a level, and of finer ones what came since its last row."""
        parts = [self._levels[number].rows]
        for finer in range(number - 1, -1, -1):
            level = self._levels[finer]
            if newest := level.count % FACTOR:
                parts.append(level.rows[-newest:])
        return np.concatenate(parts) if len(parts) > 1 else parts[0]


def between(rows: Rows, from_ms: float, to_ms: float) -> Rows:
    """Get the rows, ordered by time, that touch a span."""
    begin = int(np.searchsorted(rows[:, LAST], from_ms, "left"))
    return rows[begin : int(np.searchsorted(rows[:, FIRST], to_ms, "right"))]


def merged(rows: Rows) -> Rows:
    """Sum rows up into one."""
    low, high = np.fmin.reduce(rows[:, LOW]), np.fmax.reduce(rows[:, HIGH])
    return np.array([rows[0, FIRST], rows[-1, LAST], low, high, *rows[:, SUM:].sum(axis=0)])


def reduced(rows: Rows, from_ms: float, to_ms: float, points: int) -> Rows:
    """Sum rows up into at most so many columns of equal length in time; few rows are left as they are."""
    if len(rows) <= points:
        return rows.copy()
    part = (rows[:, FIRST] - from_ms) / max(to_ms - from_ms, 1.0)
    column = (part * points).astype(np.int64).clip(0, points - 1)
    starts = np.flatnonzero(np.append(True, column[1:] != column[:-1]))
    ends = np.append(starts[1:], len(rows)) - 1
    return np.column_stack(
        [
            rows[starts, FIRST],
            rows[ends, LAST],
            np.fmin.reduceat(rows[:, LOW], starts),
            np.fmax.reduceat(rows[:, HIGH], starts),
            np.add.reduceat(rows[:, SUM:], starts, axis=0),
        ]
    )
