"""Samples made ready to be drawn: as many columns as a picture has, each with its lowest, mean and highest value."""

import base64
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

GAP = 3.0
"""A line is broken where the time between two samples is so many times the usual one."""


class Series(NamedTuple):
    """Values over time, n columns in the order of time.

    Attributes:
        at_s: (n,) when, seconds since the origin of the chart.
        low, mean, high: (n,) of each column; all the same where a column is one sample.
        broken: (n,) whether something is missing between a column and the one before.
        whole: whether every sample has a column of its own.
    """

    at_s: Floats
    low: Floats
    mean: Floats
    high: Floats
    broken: Mask
    whole: bool


def decimate(t_utc_ns: Ints, values: Floats, origin_ns: int, columns: int) -> Series:
    """Reduce samples to at most so many columns; samples that are not finite are left out and break the line.

    Args:
        t_utc_ns: (n,) when, UTC nanoseconds, in any order.
        values: (n,) NaN where nothing was measured.
        origin_ns: the zero of the chart's time.
        columns: most columns; few samples are kept as they are.
    """
    order = np.argsort(t_utc_ns, kind="stable")
    at_s, values = (t_utc_ns[order] - origin_ns) / 1e9, values[order]
    known = np.isfinite(values)
    gaps = _gaps(at_s[known])
    # The number of the unbroken piece that a sample lies in.
    piece = np.cumsum(~known)[known] + np.cumsum(gaps)
    at_s, values = at_s[known], values[known]
    if len(values) <= columns:
        return Series(at_s, values, values, values, _changes(piece), whole=True)
    column = ((at_s - at_s[0]) * (columns / ((at_s[-1] - at_s[0]) or 1.0))).astype(np.int64).clip(0, columns - 1)
    starts = np.flatnonzero(np.append(True, column[1:] != column[:-1]))
    counts = np.diff(np.append(starts, len(values)))
    return Series(
        np.add.reduceat(at_s, starts) / counts,
        np.minimum.reduceat(values, starts),
        np.add.reduceat(values, starts) / counts,
        np.maximum.reduceat(values, starts),
        np.append(False, gaps[starts[1:]]),
        whole=False,
    )


def _gaps(at_s: Floats) -> Mask:
    """Tell before which samples there is a gap."""
    steps = np.diff(at_s)
    usual_s = float(np.median(steps)) if len(steps) else 0.0
    return np.append(np.zeros(min(1, len(at_s)), np.bool_), steps > GAP * max(usual_s, 1e-9))


def _changes(piece: Ints) -> Mask:
    return np.append(np.zeros(min(1, len(piece)), np.bool_), piece[1:] != piece[:-1])


def packed(series: Series) -> dict[str, str | bool]:
    """Get a series as the page's script reads it: columns of little-endian 32-bit floats in base64."""
    found: dict[str, str | bool] = {"at_s": _base64(series.at_s), "mean": _base64(series.mean), "whole": series.whole}
    if not series.whole:
        found |= {"low": _base64(series.low), "high": _base64(series.high)}
    return found


def _base64(values: Floats) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode()
