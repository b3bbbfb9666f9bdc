"""Measured energy against what a simulated analyzer truly drew.

The simulator writes its true energy at every update (`--truth`), so what was drawn between any two moments is known.
Over whole sampling intervals a sample is the mean of its interval, and measured and true energy must agree. The two
intervals that the ends of the window cut are known only as a whole: their error is given apart.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metrology.errors import EvidenceError

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Energies in joules and lengths in seconds of one window.

    Attributes:
        whole_s, whole_j, whole_true_j: the whole sampling intervals inside the window.
        edges_s, edges_j, edges_true_j: the rest of the window, at its two ends together.
    """

    whole_s: float
    whole_j: float
    whole_true_j: float
    edges_s: float
    edges_j: float
    edges_true_j: float

    @property
    def error(self) -> float:
        """Error of the energy of the whole intervals, as a fraction of it."""
        return self.whole_j / self.whole_true_j - 1

    @property
    def edges_error(self) -> float:
        """Error that the cut intervals add, as a fraction of the energy of the whole window."""
        return (self.edges_j - self.edges_true_j) / (self.whole_true_j + self.edges_true_j)


def read_truth(path: Path) -> tuple[Integers, Floats]:
    """Read what a simulator wrote: (UTC in nanoseconds, true energy in joules since its start).

    Raises:
        EvidenceError: the file is not such a record.
    """
    try:
        with path.open(newline="", encoding="ascii") as file:
            rows = [(int(row["t_utc_ns"]), float(row["energy_j"])) for row in csv.DictReader(file)]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise EvidenceError(f"'{path}' is no record of true energy: {problem}") from problem
    return np.array([t for t, _ in rows], np.int64), np.array([energy for _, energy in rows], np.float64)


def compare(
    t_ns: Integers, power_w: Floats, window_ns: tuple[int, int], truth: tuple[Integers, Floats]
) -> Comparison:
    """Compare samples with the truth over a window.

    Args:
        t_ns, power_w: the samples, each the mean of the interval that ends at its stamp.
        window_ns: begin and end of LoadGen's window, UTC nanoseconds.
        truth: from `read_truth`.

    Raises:
        EvidenceError: no whole sampling interval lies inside the window.
    """
    begin, end = window_ns
    inside = np.flatnonzero((t_ns[:-1] >= begin) & (t_ns[1:] <= end)) + 1
    after = np.flatnonzero(t_ns > end)
    if not len(inside) or not len(after):
        raise EvidenceError("the samples do not cover the window, expected one after its end and two inside")
    first, last = int(inside[0]), int(inside[-1])

    def true_j(start_ns: int, stop_ns: int) -> float:
        origin = int(truth[0][0])  # differences stay exact in a float
        at = np.interp([start_ns - origin, stop_ns - origin], truth[0] - origin, truth[1])
        return float(at[1] - at[0])

    widths_s = np.diff(t_ns[first - 1 : last + 1]) / 1e9
    start_ns, stop_ns = int(t_ns[first - 1]), int(t_ns[last])
    head_s, tail_s = (start_ns - begin) / 1e9, (end - stop_ns) / 1e9
    return Comparison(
        whole_s=(stop_ns - start_ns) / 1e9,
        whole_j=float(np.sum(power_w[first : last + 1] * widths_s)),
        whole_true_j=true_j(start_ns, stop_ns),
        edges_s=head_s + tail_s,
        edges_j=float(power_w[first - 1] * head_s + power_w[after[0]] * tail_s),
        edges_true_j=true_j(begin, start_ns) + true_j(stop_ns, end),
    )
