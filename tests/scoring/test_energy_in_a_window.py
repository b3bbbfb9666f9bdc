import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.energy import NOTHING, integrate, mean_uncertainty, reference_mean

S = 1_000_000_000
POWERS = st.lists(st.floats(0.001, 1e5), min_size=2, max_size=40)


def times(seconds: list[float]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array([round(second * S) for second in seconds], np.int64)


def test_the_reference_takes_positive_samples_strictly_within() -> None:
    t, power = times([0, 1, 2, 3, 4]), np.array([100.0, 10.0, -37.0, 20.0, 100.0])
    assert reference_mean(t, power, 0, 4 * S) == 15
    assert reference_mean(t, power, 4 * S, 0) == NOTHING
    assert reference_mean(t, -power, 0, 2 * S) == NOTHING


@given(POWERS)
def test_the_reference_mean_is_the_plain_mean(powers: list[float]) -> None:
    t = times([index + 1 for index in range(len(powers))])
    found = reference_mean(t, np.array(powers), 0, (len(powers) + 1) * S)
    assert found == pytest.approx(sum(powers) / len(powers), rel=1e-12)


@given(st.floats(0.1, 1e4), st.floats(0.5, 30), st.floats(0.5, 30))
def test_constant_power_gives_power_times_time(power_w: float, begin_s: float, long_s: float) -> None:
    t = times([index * 0.37 for index in range(200)])
    begin_ns, end_ns = round(begin_s * S), round((begin_s + long_s) * S)
    found = integrate(t, np.full(200, power_w), begin_ns, end_ns)
    assert found is not None
    assert found.energy_j == pytest.approx(power_w * (end_ns - begin_ns) / S, rel=1e-9)
    assert found.covered == pytest.approx(1)
    assert found.longest_gap_s == pytest.approx(0.37)


def test_a_ramp_is_integrated_exactly_and_edges_are_interpolated() -> None:
    found = integrate(times([0, 1, 2, 3, 4]), np.arange(5.0) * 10, S // 2, round(3.5 * S))
    assert found is not None
    assert found.energy_j == pytest.approx(10 * (3.5**2 - 0.5**2) / 2)
    assert found.mean_w == pytest.approx(20)


def test_gaps_and_missing_edges_are_told() -> None:
    power = np.array([10.0, math.nan, math.nan, 10.0, 10.0])
    found = integrate(times([1, 2, 3, 4, 5]), power, 0, 10 * S)
    assert found is not None
    assert found.energy_j == pytest.approx(100)
    assert found.covered == pytest.approx(0.4)
    assert found.longest_gap_s == pytest.approx(5)


def test_order_and_double_times_do_not_matter() -> None:
    found = integrate(times([3, 1, 2, 2]), np.array([30.0, 10.0, 99.0, 20.0]), S, 3 * S)
    assert found is not None
    assert found.energy_j == pytest.approx(40)


@pytest.mark.parametrize(("begin_s", "end_s"), [(2, 1), (1, 1), (10, 20)])
def test_nothing_within_is_no_energy(begin_s: int, end_s: int) -> None:
    assert integrate(times([0, 1, 2]), np.ones(3), begin_s * S, end_s * S) is None
    assert integrate(times([0, 1, 2]), np.full(3, math.nan), 0, 2 * S) is None


def test_uncertainties_add_up_by_power() -> None:
    assert mean_uncertainty(np.array([0.01, 0.02]), np.array([300.0, 100.0])) == pytest.approx(0.0125)
    assert mean_uncertainty(np.array([0.01, math.nan]), np.array([1.0, 1.0])) is None
    assert mean_uncertainty(np.zeros(0), np.zeros(0)) is None
