"""The uncertainty of each sample of a power log: `metrology.uncertainty` over columns."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metrology.uncertainty import Accuracy

Floats = NDArray[np.float64]


@np.errstate(all="ignore")  # absurd numbers make absurd uncertainties
def channel_uncertainty(accuracy: Accuracy, values: Floats, range_va: float) -> Floats:
    """Get the uncertainty of each reading of one channel as a fraction; NaN where it cannot be known.

    Args:
        accuracy: the terms of the analyzer.
        values: (4, n) watts, volts, amperes and power factor of good readings.
        range_va: voltage range times current range in VA.
    """
    power, voltage, current, factor = values
    base = power if accuracy.per_active else voltage * current
    cosine = np.minimum(1.0, np.abs(factor))
    known = (power > 0) & (base > 0) & (cosine > 0)
    base, cosine = np.where(known, base, 1.0), np.where(known, cosine, 1.0)
    lower = accuracy.reading + accuracy.range * range_va / base
    basic = lower if accuracy.upper_reading is None else np.where(base < range_va / 2, lower, accuracy.upper_reading)
    fraction = (
        basic
        + accuracy.phase * np.sqrt(1 - cosine * cosine) / cosine
        + accuracy.self_heating_voltage * voltage**2
        + accuracy.self_heating_current * current**2
    )
    return np.where(known, fraction, math.nan)


@np.errstate(all="ignore")
def total_uncertainty(accuracy: Accuracy, channels: Floats, ranges_va: Sequence[float]) -> Floats:
    """Get the uncertainty of the sum of all channels of each sample, as PTDaemon does: weighted by power.

    A channel that draws nothing takes no part; a sample with a channel of unknown uncertainty is NaN.

    Args:
        accuracy: the terms of each channel.
        channels: (channels, 4, n) readings of the channels, without the sum; of one channel, that channel.
        ranges_va: the ranges of each channel in VA.
    """
    power = channels[:, 0]
    pairs = zip(channels, ranges_va, strict=True)
    fractions = np.stack([channel_uncertainty(accuracy, values, range_va) for values, range_va in pairs])
    total_w = power.sum(axis=0)
    parts = np.where(power == 0, 0.0, fractions * power).sum(axis=0)
    known = total_w > 0
    return np.where(known, parts / np.where(known, total_w, 1.0), math.nan)
