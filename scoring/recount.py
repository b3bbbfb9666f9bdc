"""PTDaemon's reply to `Uncertainty`, worked out once more from the samples of a run and its ranges."""

from collections.abc import Sequence

import numpy as np

from evidence.power_samples import GOOD, MISSED, PowerLog
from evidence.uncertainty_reply import UncertaintyReply
from metrology.uncertainty import LIMIT, Accuracy
from scoring.uncertainty import Floats, total_uncertainty

NONE_KNOWN = (-1.0, 1e7, 0.0)
"""Mean, minimum and maximum where no uncertainty is known; source: published replies to runs in automatic ranges."""


def recount(log: PowerLog, accuracy: Accuracy, ranges_va: Sequence[float | None]) -> UncertaintyReply:
    """Count the uncertainties of a run of one analyzer as PTDaemon does.

    A sample that is not good in every channel is unknown, and so is each one where a range is; a missed one is not
    counted.

    Args:
        log: the samples of the run.
        accuracy: the terms of each channel.
        ranges_va: voltage times current range of each channel, None where one is automatic or unknown.
    """
    taken = log.quality[0] != MISSED
    fractions = np.full(int(taken.sum()), np.nan)
    known = [range_va for range_va in ranges_va if range_va is not None]
    if len(known) == len(ranges_va):
        values = log.values[:, :, taken]
        good = np.all(log.quality[:, taken] == GOOD, axis=0)
        channels = values[1:] if len(values) > 1 else values
        fractions[good] = total_uncertainty(accuracy, channels[:, :, good], known)
    return tally(fractions)


def tally(fractions: Floats) -> UncertaintyReply:
    """Count uncertainties, fractions with NaN for unknown, rounded to the six digits of a reply."""
    known = fractions[np.isfinite(fractions)]
    above, unknown = int(np.count_nonzero(known > LIMIT)), len(fractions) - len(known)
    span = (known.mean(), known.min(), known.max()) if len(known) else NONE_KNOWN
    mean, minimum, maximum = (float(f"{value:.6f}") for value in span)
    return UncertaintyReply(mean, minimum, maximum, len(fractions), above, len(known) - above, unknown)
