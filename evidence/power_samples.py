"""The samples of a power log as columns, and what each is worth."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evidence.columns import Floats, Ints
from evidence.source import FileFacts
from metrology.reading import BAD_VALUE, MISSED_VALUE, PEAK_OFFSET

GOOD, BAD, MISSED, PEAK_OVER, NON_FINITE = range(5)
"""What a sample is worth; the first four as `metrology.reading.Validity`, and numbers like NaN or 1e999."""


class Irregular(NamedTuple):
    """A line that is not as PTDaemon and the director write it.

    Attributes:
        line: counted from 1.
        text: its first 200 characters.
        reason: what is wrong with it.
        starts_with_time: whether it begins with `Time`; since 2024 the reference reads such lines alone.
        readable: whether the reference reads it without an exception (fields 2, 4 and 10 make sense).
    """

    line: int
    text: str
    reason: str
    starts_with_time: bool
    readable: bool


class PowerLog(NamedTuple):
    """A power log as columns of n samples.

    Attributes:
        t_utc_ns: (n,) when, UTC nanoseconds.
        values: (channels, 4, n) watts, volts, amperes, power factor as written, sentinels included; [0] is the sum
            of all channels, or the only channel; NaN where a line lacks a number.
        quality: (channels, n) what each reading is worth: GOOD, BAD, MISSED, PEAK_OVER or NON_FINITE.
        channels: their names: "sum", then "Ch1"... or "Analyzer1"...
        analyzer_t_utc_ns: (analyzers, n) the own times of merged analyzers; no rows for one analyzer.
        lines: (n,) the line of each sample, counted from 1.
        marks, mark_codes: the marks that occur, and for each sample which one; -1 for none.
        irregular: the first lines that are not regular; `irregular_count` of all.
        blank_lines: how many lines are empty. Directors since 2023 write one at the end.
        unreadable_time_lines, unreadable_other_lines: lines that begin with `Time`, or do not, and that the reference
            cannot read; it ends in an exception there, or passes them over since 2024.
    """

    file: FileFacts
    t_utc_ns: Ints
    values: Floats
    quality: NDArray[np.uint8]
    channels: tuple[str, ...]
    analyzer_t_utc_ns: Ints
    lines: Ints
    marks: tuple[str, ...]
    mark_codes: NDArray[np.int16]
    irregular: tuple[Irregular, ...] = ()
    irregular_count: int = 0
    blank_lines: int = 0
    unreadable_time_lines: int = 0
    unreadable_other_lines: int = 0

    @property
    def power_w(self) -> Floats:
        """The watts of the sum as written, sentinels included: what the reference reads."""
        column: Floats = self.values[0, 0]
        return column

    @property
    def power_factor(self) -> Floats:
        """The power factor of the sum as written."""
        column: Floats = self.values[0, 3]
        return column

    def true_power_w(self) -> Floats:
        """Get the watts of the sum: NaN where nothing was measured, decoded where the peak was over the range."""
        power = np.where(self.quality[0] == PEAK_OVER, -self.power_w - PEAK_OFFSET, self.power_w)
        return np.where((self.quality[0] == GOOD) | (self.quality[0] == PEAK_OVER), power, np.nan)


def judge(values: Floats) -> NDArray[np.uint8]:
    """Get what readings (..., 4, n) are worth, (..., n); the same code as `metrology.reading.decode`."""
    power, current = values[..., 0, :], values[..., 2, :]
    quality = np.zeros(power.shape, np.uint8)
    quality[(power <= -PEAK_OFFSET) & (current <= -PEAK_OFFSET)] = PEAK_OVER
    # Sum lines of PTDaemon 1.9.2 have true watts and -1 for the other three.
    quality[(power < 0) & np.all(values[..., 1:, :] == BAD_VALUE, axis=-2)] = BAD
    quality[np.all(values == MISSED_VALUE, axis=-2)] = MISSED
    quality[(power == BAD_VALUE) & (current == BAD_VALUE)] = BAD
    quality[~np.all(np.isfinite(values), axis=-2)] = NON_FINITE
    return quality
