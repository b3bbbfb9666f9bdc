import pytest

from metrology.reading import BAD_READING, Reading, Validity
from metrology.uncertainty import Accuracy, UncertaintyTally, power_uncertainty, sum_uncertainty

WT210 = Accuracy(0.0015, 0.001, 0.002, per_active=True)
WT310E = Accuracy(0.001, 0.0005, 0.002, 1e-9, 1.3e-6)


def test_the_terms_add_up() -> None:
    reading = Reading(80.0, 100.0, 1.0, 0.8)
    expected = 0.001 + 0.0005 * 300 / 100 + 0.002 * 0.6 / 0.8 + 1e-9 * 100**2 + 1.3e-6
    assert power_uncertainty(WT310E, reading, 300) == pytest.approx(expected)
    assert power_uncertainty(WT210, reading, 300) == pytest.approx(0.0015 + 0.001 * 300 / 80 + 0.002 * 0.75)


def test_crest_factor_six_doubles_the_range_term() -> None:
    reading = Reading(100.0, 100.0, 1.0, 1.0)
    three = power_uncertainty(WT310E, reading, 1000) or 0
    six = power_uncertainty(WT310E, reading, 1000, crest_factor=6) or 0
    assert six - three == pytest.approx(0.0005 * 1000 / 100)


@pytest.mark.parametrize(
    "reading",
    [BAD_READING, Reading(0, 230, 1, 0), Reading(-5, 230, 1, 0.5), Reading(9, 230, 1, 0.5, Validity.PEAK_OVER)],
)
def test_what_is_not_known_is_none(reading: Reading) -> None:
    assert power_uncertainty(WT310E, reading, 300) is None


def test_an_automatic_range_makes_it_unknown() -> None:
    assert power_uncertainty(WT310E, Reading(80.0, 100.0, 1.0, 0.8), None) is None


def test_the_sum_is_weighted_by_power() -> None:
    assert sum_uncertainty([(0.01, 100.0), (0.02, 300.0)]) == pytest.approx(0.0175)
    assert sum_uncertainty([(0.01, 100.0), (None, 0.0)]) == pytest.approx(0.01)
    assert sum_uncertainty([(0.01, 100.0), (None, 5.0)]) is None
    assert sum_uncertainty([(0.01, 0.0)]) is None


def test_the_tally_counts_as_the_reply_tells() -> None:
    tally = UncertaintyTally()
    for uncertainty in (0.004, 0.011, None, 0.006):
        tally.add(uncertainty)
    assert (tally.total, tally.above, tally.within, tally.unknown) == (4, 1, 2, 1)
    assert tally.mean == pytest.approx(0.007)
    assert (tally.minimum, tally.maximum) == (0.004, 0.011)
    assert UncertaintyTally().mean is None


@pytest.mark.parametrize(
    ("power_w", "expected"), [(30.0, 0.001 + 0.0005 * 10), (149.9, 0.001 + 0.0005 * 300 / 149.9), (150.0, 0.0015)]
)
def test_from_half_the_range_on_one_term_can_take_the_place_of_two(power_w: float, expected: float) -> None:
    """Data sheet of the Hioki PW3336: 0.1 % of reading and 0.05 % of range, from 50 % of it on 0.15 % of reading."""
    accuracy = Accuracy(0.001, 0.0005, 0.0, per_active=True, upper_reading=0.0015)
    reading = Reading(power_w, 230.0, power_w / 230.0, 1.0)
    assert power_uncertainty(accuracy, reading, 300.0) == pytest.approx(expected)
