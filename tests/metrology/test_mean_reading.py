import pytest

from metrology.reading import BAD_READING, MISSED_READING, Reading, Validity, mean_reading


def test_power_is_averaged_and_rms_values_by_their_squares():
    mean = mean_reading([Reading(100.0, 200.0, 0.5, 1.0), Reading(300.0, 200.0, 1.5, 1.0)])
    assert mean.power_w == 200.0
    assert mean.current_a == pytest.approx(((0.25 + 2.25) / 2) ** 0.5)
    assert mean.power_factor == pytest.approx(mean.power_w / (mean.voltage_v * mean.current_a))


@pytest.mark.parametrize("spoilt", [BAD_READING, MISSED_READING])
def test_a_reading_without_values_makes_the_mean_bad(spoilt):
    assert mean_reading([Reading(1.0, 1.0, 1.0, 1.0), spoilt]) is BAD_READING


def test_over_the_peak_stays_over_the_peak_and_no_load_has_no_power_factor():
    mean = mean_reading([Reading(0.0, 230.0, 0.0, 0.0), Reading(0.0, 230.0, 0.0, 0.0, Validity.PEAK_OVER)])
    assert (mean.validity, mean.power_factor) == (Validity.PEAK_OVER, 0.0)
