"""What ranges leave for the testing run, and what is advised."""

import math

import pytest

from metrology.headroom import PULSE_CREST, Headroom, advice, told

GOOD = Headroom(
    voltage_range_v=300, current_range_a=1, voltage_v=230, current_a=0.5, power_w=110, power_factor=0.95,
    uncertainty=0.003,
)  # fmt: skip


def changed(**values: float | None) -> Headroom:
    fields = {name: getattr(GOOD, name) for name in Headroom.__slots__}
    return Headroom(**(fields | values))


def test_room_is_told_and_nothing_is_advised_where_all_is_well() -> None:
    assert (GOOD.current_left, GOOD.crest_room) == (0.5, 6.0)
    assert told(GOOD) == (
        "ranges 300 V and 1 A for up to 230.0 V and 0.5 A: 50% of the current range is left, which holds peaks up to "
        "6.0 times that; uncertainty about 0.30%"
    )
    assert list(advice(GOOD)) == []
    assert told(changed(uncertainty=None)).endswith("uncertainty unknown")


def test_a_crest_factor_of_six_gives_twice_the_room() -> None:
    assert changed(crest_factor=6).crest_room == 12.0


def test_pulses_of_half_sines_have_the_crest_factor_that_their_power_factor_tells() -> None:
    """The rule against the wave itself: a narrow half sine about each peak of the voltage."""
    width, steps = 0.1, 100_000
    power = squares = 0.0
    for step in range(steps):
        at = (step + 0.5) / steps - 0.5  # part of the half period, from the voltage's peak
        current = math.cos(math.pi * at / width) if abs(at) < width / 2 else 0.0
        power += math.sqrt(2) * math.cos(math.pi * at) * current / steps
        squares += current**2 / steps
    crest, power_factor = 1 / math.sqrt(squares), power / math.sqrt(squares)
    assert crest == pytest.approx(PULSE_CREST / power_factor, rel=0.01)


def test_peaks_that_may_be_cut_off_are_warned_of_with_the_range_that_holds_them() -> None:
    found = changed(current_a=0.9, power_factor=0.5)
    (warning,) = advice(found)
    assert "peak at 3.6 times" in warning
    assert "holds 3.3" in warning
    assert "wattrig client -A 1.1 -V 230" in warning
    assert list(advice(changed(current_a=0.9, power_factor=0.6))) == []


def test_a_load_too_small_for_any_range_is_warned_of() -> None:
    (warning,) = advice(changed(current_a=0.05, uncertainty=0.012))
    assert "about 1.20%, is above the limit of 1%" in warning
    assert "5.0% of the current range" in warning


def test_a_low_power_factor_is_named_where_it_makes_the_uncertainty() -> None:
    (warning,) = advice(changed(uncertainty=0.02, power_w=20, power_factor=0.9))
    assert "20 W at a power factor of 0.90" in warning


def test_no_power_factor_at_all_is_no_division_by_zero() -> None:
    assert changed(power_factor=0.0).likely_crest == math.inf
    assert len(list(advice(changed(power_factor=0.0)))) == 1
