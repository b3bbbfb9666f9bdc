import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.ranging import choose_ranges
from metrology.errors import SessionError
from metrology.reading import BAD_READING, MISSED_READING, Reading, Sample, Validity


def sample(voltage_v: float, current_a: float, validity: Validity = Validity.GOOD) -> Sample:
    return Sample(0, Reading(voltage_v * current_a, voltage_v, current_a, 1.0, validity))


def test_the_references_own_arithmetic() -> None:
    """118.6 V and 8.69 A gave SR,V,118.600000 and SR,A,9.559000000000001 (v4.1, UntetherAI r760_u6_slim)."""
    ranges = choose_ranges([sample(118.1, 4.5), sample(118.6, 8.69), sample(117.9, 1.0)], ())
    assert (ranges.voltage, ranges.current) == ("118.600000", "9.559000000000001")


def test_only_usable_readings_count() -> None:
    samples = [
        Sample(0, BAD_READING),
        Sample(0, MISSED_READING),
        sample(500.0, 40.0, Validity.PEAK_OVER),
        Sample(0, Reading(576.1, math.nan, math.nan, math.nan)),
        sample(230.0, 1.0),
    ]
    assert choose_ranges(samples, ()).current == "1.1"


def test_channels_of_the_sut_count_and_no_others() -> None:
    channels = tuple(Reading(100.0, 200.0 + number, float(number), 1.0) for number in (1, 2, 3))
    total = Reading(300.0, 202.0, 2.0, 1.0)
    ranges = choose_ranges([Sample(0, total, channels), Sample(0, BAD_READING, channels)], range(1, 3))
    assert (ranges.voltage, ranges.current) == ("202.000000", "2.2")
    with pytest.raises(SessionError, match=r"shows 3 channels.*number 4"):
        choose_ranges([Sample(0, total, channels)], range(2, 5))


@pytest.mark.parametrize("samples", [[], [Sample(0, BAD_READING)], [sample(230.0, 0.0)]])
def test_without_a_usable_sample_there_are_no_ranges(samples: list[Sample]) -> None:
    with pytest.raises(SessionError, match=f"none of the {len(samples)} samples"):
        choose_ranges(samples, ())


@given(st.lists(st.tuples(st.floats(0.001, 1000), st.floats(0.001, 50)), min_size=1))
def test_the_ranges_hold_all_that_was_seen(values: list[tuple[float, float]]) -> None:
    ranges = choose_ranges([sample(round(volts, 6), round(amps, 6)) for volts, amps in values], ())
    assert float(ranges.voltage) == max(round(volts, 6) for volts, _ in values)
    assert float(ranges.current) >= max(round(amps, 6) for _, amps in values)
