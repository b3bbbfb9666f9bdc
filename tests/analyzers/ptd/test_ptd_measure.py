import math
from dataclasses import replace

import pytest

from analyzers.driver import Instrument, Measured, sum_reading
from analyzers.ptd.measure import Plan, Run
from metrology.ranges import Range
from metrology.reading import BAD_READING, Reading, Validity
from metrology.uncertainty import Accuracy

T0 = 1_721_748_931_746_000_000  # 07-23-2024 15:35:31.746
GOOD = Reading(100.0, 230.0, 0.5, 0.87)
SINGLE = Instrument("YokogawaWT310E", "idn", (300.0,), (1.0,), Accuracy(0.001, 0.0005, 0.002))
THREE = replace(SINGLE, channels=3)
FIXED = (Range(False, 1.0), Range(False, 300.0))
ERROR = "ERROR: Can't evaluate uncertainty of this sample!"
UNKNOWN = "WARNING: Uncertainty unknown for the last measurement sample"


def run_of(
    plan: Plan = Plan(mark="S_testing"),  # noqa: B008
    instrument: Instrument = SINGLE,
    ranges: tuple[Range, Range] = FIXED,
) -> Run:
    return Run(plan, instrument, "WT310", [ranges] * max(1, instrument.channels))


def measured(at_ms: float, *readings: Reading, range_a: float | None = None, missed: int = 0) -> Measured:
    t_ns = T0 + round(at_ms * 1e6)
    channels = readings if len(readings) > 1 else ()
    total = sum_reading(channels) if channels else readings[0]
    return Measured(t_ns, t_ns, total, channels, "1;2;3", current_range_a=range_a, missed=missed)


def test_a_sample_becomes_a_marked_line() -> None:
    taken = run_of().take(measured(0, GOOD))
    assert taken.lines == (
        "Time,07-23-2024 15:35:31.746,Watts,100.000000,Volts,230.000000,Amps,0.500000,PF,0.870000,Mark,S_testing",
    )
    assert taken.texts == ()
    assert run_of(Plan()).take(measured(0, GOOD)).lines[0].endswith(",Mark,notset")


def test_a_channel_has_its_own_group() -> None:
    (line,) = run_of(instrument=THREE).take(measured(0, GOOD, GOOD, GOOD)).lines
    head, *channels = line.split(",Ch")
    assert head.endswith("Watts,300.000000,Volts,230.000000,Amps,0.500000,PF,0.870000,Mark,S_testing")
    assert channels == [
        f"{k},Watts,100.000000,Volts,230.000000,Amps,0.500000,PF,0.870000" for k in (1, 2, 3)
    ]  # fmt: skip


def test_missed_samples_are_placeholders_with_the_time_before() -> None:
    run = run_of()
    run.take(measured(0, GOOD))
    taken = run.take(measured(3000, GOOD, missed=2))
    placeholder = "Time,07-23-2024 15:35:31.746,Watts,-2.000000,Volts,-2.000000,Amps,-2.000000,PF,-2.000000"
    assert taken.lines[:2] == (f"{placeholder},Mark,S_testing",) * 2
    assert taken.lines[2].startswith("Time,07-23-2024 15:35:34.746,Watts,100.0")
    assert taken.texts == ("WARNING: Missed 2 samples",)
    assert run.quantity_reply("Watts") == "Watts,100.000000,100.000000,100.000000,4,2,2"
    assert run.uncertainty_reply(each=False).endswith(",2,0,2,0")  # missed ones are not in this total


def test_a_gap_never_fills_more_than_the_samples_asked_for() -> None:
    run = run_of(Plan(samples=3))
    run.take(measured(0, GOOD))
    assert not run.full
    assert len(run.take(measured(60_000, GOOD, missed=59)).lines) == 2
    assert run.full


def test_a_bad_sample_is_an_error_of_unknown_uncertainty() -> None:
    run = run_of()
    run.take(measured(0, GOOD))
    taken = run.take(measured(1000, BAD_READING))
    assert ",Watts,-1.000000,Volts,-1.000000,Amps,-1.000000,PF,-1.000000," in taken.lines[0]
    assert taken.texts[0] == "ERROR: Bad watts reading nan from WT310\nBuffer was 1;2;3\n"
    assert taken.texts[4:] == (ERROR, f"{UNKNOWN}!")
    assert run.quantity_reply("Watts") == "Watts,100.000000,100.000000,100.000000,2,1,1"
    assert run.uncertainty_reply(each=False).endswith(",2,0,1,1")


def test_a_sample_over_the_peak_is_an_error_with_its_true_value_in_it() -> None:
    half = run_of(ranges=(Range(False, 0.5), FIXED[1]))
    taken = half.take(measured(0, Reading(34.0, 246.0, 0.28, 0.48, Validity.PEAK_OVER), range_a=0.5))
    assert ",Watts,-37.000000,Volts,246.000000,Amps,-3.280000,PF,0.480000," in taken.lines[0]
    assert taken.texts == (
        "ERROR: Current exceeds peak value allowed for range 0.50A and CF 3.",
        ERROR,
        f"{UNKNOWN}!",
    )


@pytest.mark.parametrize("ranges", [(Range(True, 1.0), FIXED[1]), (FIXED[0], Range(True, 300.0))])
def test_nothing_is_known_of_an_automatic_range(ranges: tuple[Range, Range]) -> None:
    run = run_of(ranges=ranges)
    assert run.take(measured(0, GOOD)).texts == (ERROR, f"{UNKNOWN}!")
    assert run.uncertainty_reply(each=False) == "Uncertainty,-1.0,10000000.000000,0.000000,1,0,0,1"


def test_the_uncertainty_follows_the_range() -> None:
    run = run_of()
    apparent, tangent = 115.0, math.sqrt(1 - 0.87**2) / 0.87
    run.take(measured(0, GOOD))
    expected = 0.001 + 0.0005 * 300 * 1.0 / apparent + 0.002 * tangent
    assert run.uncertainty_reply(each=False) == f"Uncertainty,{expected:.6f},{expected:.6f},{expected:.6f},1,0,1,0"
    run = run_of(ranges=(Range(False, 20.0), FIXED[1]))
    (above,) = run.take(measured(1000, GOOD, range_a=20.0)).texts
    percent = 100 * (0.001 + 0.0005 * 300 * 20.0 / apparent + 0.002 * tangent)
    assert above == f"WARNING: Uncertainty {percent:.2f}%, which is above 1.00% limit for the last sample!"
    assert run.ranges == ((Range(False, 20.0), Range(False, 300.0)),)
    assert run.uncertainty_reply(each=False).endswith(",1,1,0,0")


def test_a_fixed_range_that_changes_by_itself_is_told_once_and_trusted_no_more() -> None:
    run = run_of()
    assert run.take(measured(0, GOOD, range_a=1.0)).texts == ()
    unknown = (ERROR, f"{UNKNOWN}!")
    changed = "WARNING: A range changed by itself from 1 A to 20 A"
    assert run.take(measured(1000, GOOD, range_a=20.0)).texts == (changed, *unknown)
    assert run.take(measured(2000, GOOD, range_a=20.0)).texts == unknown
    assert run.ranges == ((Range(True, 20.0), Range(False, 300.0)),)
    automatic = run_of(ranges=(Range(True, 1.0), FIXED[1]))
    assert automatic.take(measured(0, GOOD, range_a=20.0)).texts == unknown


def test_each_channel_has_ranges_of_its_own() -> None:
    run = run_of(instrument=THREE)
    answer = replace(measured(0, GOOD, GOOD, GOOD), channel_ranges=((1.0, 300.0), (1.0, 300.0), (1.0, 600.0)))
    changed, *_ = run.take(answer).texts
    assert changed == "WARNING: A range changed by itself from 300 V to 600 V"
    assert [voltage.full_scale for _, voltage in run.ranges] == [300.0, 300.0, 600.0]
    groups = run.uncertainty_reply(each=True).split(",")
    assert [groups[at] for at in (7, 14, 21, 28)] == ["1", "0", "0", "1"], "unknown: the sum and channel 3"


def test_channels_are_judged_one_by_one_and_then_their_sum() -> None:
    run = run_of(instrument=THREE, ranges=(Range(True, 1.0), FIXED[1]))
    texts = run.take(measured(0, GOOD, GOOD, GOOD)).texts
    each = [text for k in (1, 2, 3) for text in (ERROR, f"{UNKNOWN}, logical channel {k}!")]
    assert texts == (*each, f"{UNKNOWN}, logical channel 0!")
    good = run_of(instrument=THREE)
    good.take(measured(0, GOOD, replace(GOOD, current_a=0.2), GOOD))
    groups = good.uncertainty_reply(each=True).split(",")[1:]
    assert len(groups) == 28
    assert groups[7] == groups[21] != groups[0]
    assert good.uncertainty_reply(each=False).split(",")[1:] == groups[:7]


def test_one_bad_channel_spoils_the_sum() -> None:
    run = run_of(instrument=THREE)
    taken = run.take(measured(0, GOOD, BAD_READING, GOOD))
    assert ",Watts,-1.000000,Volts,-1.000000,Amps,-1.000000,PF,-1.000000,Mark," in taken.lines[0]
    assert f"{UNKNOWN}, logical channel 2!" in taken.texts
    assert taken.texts[-1] == f"{UNKNOWN}, logical channel 0!"
    assert run.uncertainty_reply(each=True).split(",")[7::7] == ["1", "0", "1", "0"]


def test_ramp_up_samples_are_dropped() -> None:
    run = run_of(Plan(rampup=2))
    assert run.take(measured(0, GOOD)).lines == ()
    assert run.take(measured(1000, BAD_READING)).texts == ()
    assert len(run.take(measured(2000, GOOD)).lines) == 1
    assert run.quantity_reply("Amps") == "Amps,0.500000,0.500000,0.500000,1,0,1"


def test_each_sample_is_told_once() -> None:
    run = run_of()
    for index in range(5):
        run.take(measured(1000 * index, replace(GOOD, power_w=float(index))))
    assert run.unread(6, each=False) is None
    assert [line.split(",")[3] for line in run.unread(2, each=False) or []] == ["3.000000", "4.000000"]
    assert run.unread(None, each=False) == []
    assert run.unread(1, each=False) is None
    run.take(measured(5000, GOOD))
    assert len(run.unread(None, each=False) or []) == 1


def test_the_sum_can_be_listed_without_its_channels() -> None:
    run = run_of(instrument=THREE)
    run.take(measured(0, GOOD, GOOD, GOOD))
    run.take(measured(1000, GOOD, GOOD, GOOD))
    (line, _) = run.unread(None, each=False) or []
    assert line.count("Watts") == 1
    assert line.endswith("PF,0.870000")


def test_before_the_first_sample() -> None:
    run = run_of()
    assert run.last() is None
    assert run.quantity_reply("Watts") == "Watts,-1.000000,-1.000000,-1.000000,0,0,0"
    assert run.uncertainty_reply(each=False) == "Uncertainty,-1.0,10000000.000000,0.000000,0,0,0,0"
    run.take(measured(0, GOOD))
    assert run.last() == "Watts,100.000000,Volts,230.000000,Amps,0.500000,PF,0.870000"


def test_the_last_words() -> None:
    run = run_of()
    run.take(measured(0, GOOD))
    run.take(measured(1000, replace(GOOD, power_w=50.0)))
    run.take(measured(2000, BAD_READING))
    assert run.average_text() == (
        "Avg watts 75.000000, min watts 50.000000, max watts 100.000000, samples 3, errors 1, valid 2"
    )
