"""Power and energy in a window of a power log.

The figure that counts in a submission is the reference's: the plain mean of the samples strictly within
power_begin..power_end, those of zero watts or less left out, and energy as that mean times the window. The
time-weighted energy beside it is an integral over the samples and tells what unequal spacing and missing samples do.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

NOTHING = -1.0
"""What the reference takes for the mean of no samples; source: power_checker.py, avg_power."""


def inside(t_utc_ns: Ints, begin_ns: int, end_ns: int) -> Mask:
    """Tell which times lie strictly between two."""
    found: Mask = (t_utc_ns > begin_ns) & (t_utc_ns < end_ns)
    return found


@np.errstate(over="ignore", invalid="ignore")  # absurd numbers make absurd means
def reference_mean(t_utc_ns: Ints, values: Floats, begin_ns: int, end_ns: int) -> float:
    """Get the plain mean of the positive values within a window as the reference does; `NOTHING` for none.

    The submission checker of v1.1 kept values of zero and less; no published figure of that round shows it.

    Args:
        t_utc_ns: (n,) when, UTC nanoseconds.
        values: (n,) watts, or power factors, as the log has them, sentinels included.
        begin_ns, end_ns: the window, both ends excluded.
    """
    kept = values[inside(t_utc_ns, begin_ns, end_ns)]
    kept = kept[kept > 0]
    return float(kept.sum() / len(kept)) if len(kept) else NOTHING


class Energy(NamedTuple):
    """The integral of power over a window.

    Attributes:
        energy_j: by the trapezoid rule over the good samples, straight across gaps, to the edges of the window.
        mean_w: that, divided by the window.
        covered: part of the window between the first and the last good sample that bound it, at most 1.
        longest_gap_s: longest time within the window between two good samples, or from an edge to the nearest one.
    """

    energy_j: float
    mean_w: float
    covered: float
    longest_gap_s: float


@np.errstate(over="ignore", invalid="ignore")  # absurd numbers make absurd means
def integrate(t_utc_ns: Ints, power_w: Floats, begin_ns: int, end_ns: int) -> Energy | None:
    """Integrate power over a window; None where no good sample lies in it, or the window is empty.

    Samples need not be sorted; of several with the same time the last counts. Beyond the first and the last sample
    power is taken as theirs.

    Args:
        t_utc_ns: (n,) when, UTC nanoseconds.
        power_w: (n,) true watts; NaN where nothing was measured.
        begin_ns, end_ns: the window.
    """
    good = np.isfinite(power_w)
    if end_ns <= begin_ns or not np.any(good & inside(t_utc_ns, begin_ns, end_ns)):
        return None
    times, power = _sorted(t_utc_ns[good], power_w[good])
    # Seconds from the beginning: nanoseconds since 1970 do not fit a float.
    at_s, end_s = (times - begin_ns) / 1e9, (end_ns - begin_ns) / 1e9
    first, after = np.searchsorted(at_s, 0, "right"), np.searchsorted(at_s, end_s, "left")
    inner_s = at_s[first:after]
    knots_s = np.concatenate(([0.0], inner_s, [end_s]))
    energy_j = float(np.trapezoid(np.interp(knots_s, at_s, power), knots_s))
    before_s = at_s[first - 1] if first else 0.0
    after_s = at_s[after] if after < len(at_s) else end_s
    covered_s = min(end_s, float(at_s[-1])) - max(0.0, float(at_s[0]))
    steps_s = np.diff(np.concatenate(([before_s], inner_s, [after_s])))
    return Energy(energy_j, energy_j / end_s, covered_s / end_s, float(steps_s.max()))


def _sorted(times: Ints, power: Floats) -> tuple[Ints, Floats]:
    order = np.argsort(times, kind="stable")
    times, power = times[order], power[order]
    last = np.append(times[1:] != times[:-1], True)
    return times[last], power[last]


@np.errstate(over="ignore", invalid="ignore")  # absurd numbers make absurd means
def mean_uncertainty(fractions: Floats, power_w: Floats) -> float | None:
    """Get the uncertainty of a mean as a fraction of it, from the fraction of each sample.

    The samples of one analyzer share its errors, so the parts add up by power, and do not shrink by the square root
    of their number. None where the power adds up to nothing, or a sample's uncertainty is unknown (NaN).
    """
    total_w = float(power_w.sum())
    if not total_w > 0 or not np.all(np.isfinite(fractions)):
        return None
    return float((fractions * power_w).sum() / total_w)
