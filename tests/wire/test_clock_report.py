"""What a client tells of the clocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.clock_report import clock_line, read_clock


@given(st.floats(-1e12, 1e12), st.floats(0, 1e12))
def test_what_is_written_is_read(offset_ms: float, uncertainty_ms: float) -> None:
    found = read_clock(clock_line(offset_ms, uncertainty_ms).split(",")[2:])
    assert found == (pytest.approx(offset_ms, abs=1e-6), pytest.approx(uncertainty_ms, abs=1e-6))


@given(st.text(max_size=60))
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    found = read_clock(text.split(","))
    assert found is None or found[1] >= 0


@pytest.mark.parametrize("text", ["", "1", "1.000000", "nan,1.000000", "1.000000,-1.000000", "1e3,1.000000", "1.0,1"])
def test_what_is_no_such_pair(text: str) -> None:
    assert read_clock(text.split(",")) is None
