"""The uncertainty of columns is that of single readings."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrology.accuracy import WT210, WT310E, WT330E
from metrology.reading import Reading
from metrology.uncertainty import Accuracy, power_uncertainty, sum_uncertainty
from scoring.uncertainty import channel_uncertainty, total_uncertainty

HIOKI = Accuracy(0.001, 0.0005, 0.001, upper_reading=0.0015)
numbers = st.integers(-10_000, 1_000_000).map(lambda thousandths: thousandths / 1000)
rows = st.lists(st.tuples(numbers, numbers, numbers, numbers.map(lambda value: value / 500)), min_size=1, max_size=8)


@given(st.sampled_from([WT210, WT310E, WT330E, HIOKI]), rows, st.floats(1, 12000))
def test_columns_are_as_single_readings(
    accuracy: Accuracy, readings: list[tuple[float, float, float, float]], range_va: float
) -> None:
    found = channel_uncertainty(accuracy, np.array(readings).T, range_va)
    for row, value in zip(readings, found.tolist(), strict=True):
        expected = power_uncertainty(accuracy, Reading(*row), range_va)
        assert value == pytest.approx(expected) if expected is not None else math.isnan(value)


@given(rows, rows)
def test_a_sum_is_weighted_by_power(
    first: list[tuple[float, float, float, float]], second: list[tuple[float, float, float, float]]
) -> None:
    channels = np.array(list(zip(first, second, strict=False))).transpose(1, 2, 0)
    for index, value in enumerate(total_uncertainty(WT210, channels, [600.0, 300.0]).tolist()):
        readings = [Reading(*channels[channel, :, index].tolist()) for channel in (0, 1)]
        parts = [
            (power_uncertainty(WT210, reading, range_va), reading.power_w)
            for reading, range_va in zip(readings, (600.0, 300.0), strict=True)
        ]
        expected = sum_uncertainty(parts)
        assert value == pytest.approx(expected) if expected is not None else math.isnan(value)
