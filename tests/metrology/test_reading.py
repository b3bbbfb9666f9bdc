import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrology.reading import BAD_READING, MISSED_READING, Reading, Validity, decode

volts = st.floats(0.1, 1000)
amps = st.floats(0.001, 100)
factors = st.floats(0.01, 1)


@given(volts, amps, factors, st.sampled_from([Validity.GOOD, Validity.PEAK_OVER]))
def test_a_reading_survives_the_encoding(
    voltage_v: float, current_a: float, factor: float, validity: Validity
) -> None:
    reading = Reading(voltage_v * current_a * factor, voltage_v, current_a, factor, validity)
    decoded = decode(*reading.fields())
    assert decoded.validity is validity
    assert decoded.power_w == pytest.approx(reading.power_w, abs=1e-9)
    assert decoded.current_a == pytest.approx(reading.current_a, abs=1e-9)


def test_sentinels_of_bad_and_missed_samples() -> None:
    assert BAD_READING.fields() == (-1.0,) * 4
    assert MISSED_READING.fields() == (-2.0,) * 4
    assert decode(-1, -1, -1, -1).validity is Validity.BAD
    assert decode(-1, 246.46, -1, -1).validity is Validity.BAD  # v5.1 GATEOverflow: the voltage alone was good
    assert decode(-2, -2, -2, -2).validity is Validity.MISSED


def test_a_published_sample_over_the_peak_tells_the_true_power() -> None:
    reading = decode(-37.41, 245.98, -3.28663, 0.4881)  # v5.1 GATEOverflow
    assert reading.validity is Validity.PEAK_OVER
    assert reading.power_w == pytest.approx(34.41)
    assert reading.power_w == pytest.approx(245.98 * 0.28663 * 0.4881, rel=1e-3)


def test_a_sum_line_of_version_1_9_2_has_watts_alone() -> None:
    reading = decode(576.1, -1, -1, -1)  # v1.1 Dell
    assert reading.usable
    assert reading.power_w == 576.1
    assert math.isnan(reading.voltage_v)


@given(st.tuples(*[st.floats(allow_nan=True, allow_infinity=True)] * 4))
def test_what_is_not_finite_is_bad(values: tuple[float, float, float, float]) -> None:
    reading = decode(*values)
    if not all(math.isfinite(value) for value in values):
        assert reading.validity is Validity.BAD
