import math

import pytest

from analyzers.simulated.load import ConstantLoad, ReplayLoad, SquareLoad
from analyzers.simulated.meter import Mains, Meter
from analyzers.simulated.numbers import display, float_block, range_text
from analyzers.simulated.status import CommandError, Status


def meter(load, mains=None, range_v=300.0, range_a=0.5, auto=False):
    """A settled meter in a range, at 250 ms."""
    made = Meter(load, mains or Mains(), Status())
    made.voltage.index, made.current.index = made.voltage.ranges.index(range_v), made.current.ranges.index(range_a)
    made.voltage.auto = made.current.auto = auto
    made.update()
    return made


@pytest.mark.parametrize(
    ("value", "full_scale", "text"),
    [
        (206.06, 300, "206.06E+00"),
        (1.208, 20, "1.208E+00"),
        (233.9, 6000, "0.2339E+03"),
        (0.9396, 1, "0.9396E+00"),
        (60.019, 10, "60.019E+00"),
        (0.28749, 0.5, "287.49E-03"),
        (33.98, 150, "33.98E+00"),
        (0.004, 0.005, "4.0000E-03"),
        (-12.5, 600, "-12.50E+00"),
        (12.5, 12_000, "0.013E+03"),
        (math.nan, 5, "NAN"),
        (math.inf, 5, "INF"),
    ],
)
def test_digits_follow_the_range(value, full_scale, text):
    assert display(value, full_scale) == text


@pytest.mark.parametrize(
    ("full_scale", "text"),
    [(0.5, "500.0E-03"), (5.0, "5.000E+00"), (20.0, "20.000E+00"), (150.0, "150.0E+00"), (0.0025, "2.500E-03")],
)
def test_ranges_are_written_as_in_published_logs(full_scale, text):
    assert range_text(full_scale) == text


def test_a_block_of_floats():
    block = float_block([1.0, math.nan, math.inf]).encode("latin-1")
    assert block == b"#40012" + bytes.fromhex("3f8000007e951bee7e94f56a")


def test_an_update_shows_the_true_mean_of_its_whole_period():
    made = meter(SquareLoad(20.0, 100.0, 0.5), Mains(200.0, 0.8))
    update = made.update()
    assert (update.t_s, update.power_w) == (0.5, pytest.approx(100.0))
    assert update.energy_j == pytest.approx(30.0)
    values = made.values
    assert values.power_w == pytest.approx(values.voltage_v * values.current_a * values.power_factor)


def test_update_edges_do_not_drift_and_a_new_rate_starts_anew():
    made = Meter(ConstantLoad(1.0), Mains(), Status())
    made.set_rate(100, 0.03)
    for _ in range(36_000):
        made.update()
    assert made.next_update_s == 0.03 + 3600.1
    made.set_rate(1000, 3600.5)
    assert made.next_update_s == 3601.5
    assert made.update().power_w == pytest.approx(1.0)


def test_no_data_until_a_whole_update_in_the_new_range():
    made = meter(ConstantLoad(50.0))
    made.update()
    assert made.values.power_w == pytest.approx(50.0)
    made.range_changed()
    assert math.isnan(made.values.power_w)
    made.update()
    assert math.isnan(made.values.power_w)
    made.update()
    assert made.values.power_w == pytest.approx(50.0)


def test_over_range_is_infinite_and_told():
    made = meter(ConstantLoad(230 * 0.95 * 0.71))
    made.update()
    values = made.values
    assert (values.voltage_v, values.current_a, values.power_w, values.power_factor) == (230, *[math.inf] * 3)
    assert made.status.condition == 1 << 6
    made = meter(ConstantLoad(10.0), range_v=150.0)
    made.update()
    assert (made.values.voltage_v, made.values.power_w) == (math.inf, math.inf)
    assert math.isfinite(made.values.current_a)


@pytest.mark.parametrize(
    ("crest", "range_v", "condition"),
    [(2.9, 300, 0), (3.2, 300, 1 << 8), (1.0, 60.0, 1 << 7 | 1 << 6)],
)
def test_peaks_over_the_range_are_told_and_values_shown(crest, range_v, condition):
    made = meter(ConstantLoad(230 * 0.95 * 0.5), Mains(crest=crest), range_v=range_v)
    made.update()
    assert made.status.condition == condition
    assert made.values.current_a == pytest.approx(0.5)
    assert math.isinf(made.values.voltage_v) == (range_v == 60)


def test_crest_factor_6_halves_the_range_and_doubles_the_peak():
    made = meter(ConstantLoad(230 * 0.95 * 0.5), Mains(crest=6.2), range_v=600.0, range_a=1.0)
    made.crest_factor = "6"
    made.update()
    assert (made.range_v, made.range_a, made.status.condition) == (300.0, 0.5, 1 << 8)
    made.mains = Mains(crest=5.8)
    made.update()
    assert made.status.condition == 0


def test_automatic_ranges_go_up_one_by_one_with_no_data_in_between():
    made = meter(ConstantLoad(230.0 * 0.95 * 0.6), range_a=0.1, auto=True)
    seen = []
    for _ in range(8):
        made.update()
        seen.append((made.range_a, math.isnan(made.values.power_w)))
    assert seen == [(0.2, True), (0.2, True), (0.5, True), (0.5, True), *[(0.5, False)] * 4]


def test_automatic_ranges_go_down_at_once_and_stay():
    made = meter(ConstantLoad(230.0 * 0.95 * 0.2), range_v=600.0, range_a=20.0, auto=True)
    made.update()
    assert (made.range_v, made.range_a) == (600.0, 0.5), "230 V is over 30 % of 600 V, 0.2 A is over 30 % of 0.5 A"
    made.update()
    made.update()
    assert made.values.current_a == pytest.approx(0.2)
    assert made.range_a == 0.5


def test_a_high_peak_keeps_an_automatic_range_up():
    made = meter(ConstantLoad(230.0 * 0.95 * 0.2), Mains(crest=16.0), range_a=20.0, auto=True)
    made.update()
    assert made.range_a == 2.0, "3.2 A peak is over 300 % of 1 A"
    made.update()
    made.update()
    assert (made.range_a, made.status.condition) == (2.0, 0)


def test_automatic_ranges_end_at_the_last():
    made = meter(ConstantLoad(0.0), range_a=0.005, auto=True)
    made.update()
    assert made.range_a == 0.005
    made = meter(ConstantLoad(230 * 0.95 * 50), range_v=600.0, range_a=20.0, auto=True)
    made.update()
    assert made.range_a == 20.0
    assert math.isinf(made.values.power_w)


def test_no_load_has_no_power_factor():
    made = meter(ConstantLoad(0.0))
    made.update()
    assert (made.values.power_w, made.values.current_a, made.values.power_factor) == (0.0, 0.0, math.inf)


def test_integration_counts_the_true_energy_between_start_and_stop():
    load = ReplayLoad([(0.0, 3600.0), (0.25, 7200.0), (0.6, 0.0)])
    made = meter(load, range_v=600.0, range_a=20.0)
    counter = made.integration
    counter.start(0.1, load.energy_j(0.1))
    made.update()
    assert made.status.condition & 2
    assert counter.energy_j == pytest.approx(0.15 * 3600 + 0.25 * 7200)
    for forbidden in (lambda: counter.start(0.5, 0.0), counter.reset):
        with pytest.raises(CommandError):
            forbidden()
    counter.stop(0.6, load.energy_j(0.6))
    assert (counter.elapsed_s, counter.state) == (pytest.approx(0.5), "STOP")
    with pytest.raises(CommandError):
        counter.stop(0.7, 0.0)
    counter.reset()
    assert (counter.energy_j, counter.state) == (0.0, "RESet")
