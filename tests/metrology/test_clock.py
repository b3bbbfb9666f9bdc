import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrology.clock import Exchange, Offset, drift_ppm, estimate_offset

delays = st.integers(0, 10**9)


@given(st.integers(-(10**12), 10**12), st.lists(st.tuples(delays, delays), min_size=1, max_size=20))
def test_the_true_offset_lies_within_the_uncertainty(true_ns: int, trips: list[tuple[int, int]]) -> None:
    start = 1_700_000_000 * 10**9
    exchanges = [
        Exchange(start + i * 10**10, start + i * 10**10 + there + true_ns, start + i * 10**10 + there + back)
        for i, (there, back) in enumerate(trips)
    ]
    offset = estimate_offset(exchanges)
    assert abs(offset.offset_ns - true_ns) <= offset.uncertainty_ns + 1e3  # float holds 1.7e18 ns to 256 ns
    assert offset.uncertainty_ns == min(there + back for there, back in trips) / 2


def test_a_clock_that_went_back_is_no_exchange() -> None:
    with pytest.raises(ValueError, match="no exchange"):
        estimate_offset([Exchange(10, 5, 9)])


def test_drift_with_its_uncertainty() -> None:
    first, last = Offset(0, 0.0, 500.0, 8), Offset(10**9, 2000.0, 500.0, 8)
    assert drift_ppm(first, last) == (pytest.approx(2.0), pytest.approx(1.0))
    assert drift_ppm(first, first) is None
