"""The uncertainty of what each meter of a session measured, from one power log: its own, or several merged."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evidence.power_samples import GOOD, PowerLog
from metrology.uncertainty import Accuracy
from scoring.energy import Floats
from scoring.uncertainty import total_uncertainty


def channel_rows(log: PowerLog, number: int, count: int) -> list[int]:
    """Get which rows of a power log are the channels of a meter, without their sum; empty where it has none there.

    Args:
        log: of one meter, or of several merged.
        number: the meter, counted from 1.
        count: how many meters there are.
    """
    if count == 1:
        rows = range(len(log.channels))
        return list(rows[1:]) or list(rows) if all(name.startswith("Ch") for name in log.channels[1:]) else []
    own = [row for row, name in enumerate(log.channels) if name.startswith(f"Analyzer{number}/")]
    return own or [row for row, name in enumerate(log.channels) if name == f"Analyzer{number}"]


def meter_uncertainty(
    log: PowerLog, rows: Sequence[int], accuracy: Accuracy, ranges_va: Sequence[float]
) -> tuple[Floats, Floats]:
    """Get (uncertainty as a fraction, power in watts) of each sample of a meter; NaN where a channel is not good.

    Args:
        log: the samples.
        rows: the rows of its channels.
        accuracy: its terms.
        ranges_va: voltage times current range of each channel.
    """
    channels = log.values[rows]
    good: NDArray[np.bool_] = np.all(log.quality[rows] == GOOD, axis=0)
    fractions = np.full(len(good), np.nan)
    fractions[good] = total_uncertainty(accuracy, channels[:, :, good], ranges_va)
    with np.errstate(all="ignore"):  # absurd numbers make absurd sums
        return fractions, np.where(good, channels[:, 0].sum(axis=0), np.nan)
