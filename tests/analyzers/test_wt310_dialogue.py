"""The driver's exact dialogue: what is sent, in order, and what it makes of the answers."""

import math

import pytest

from analyzers.driver import Wanted
from analyzers.drivers import KNOWN, driver_for
from analyzers.drivers.wt310 import WT310, WT330
from metrology.errors import ConfigError, InstrumentAbsentError, InstrumentError, WrongInstrumentError
from metrology.reading import Validity
from tests.analyzers.yokogawa_opening import NO_ERROR, opening_of

IDN = "YOKOGAWA,WT310E,C3XA04010E,F1.04"
SAMPLE = ":COMM:WAIT 1;:NUM:NORM:VAL?;:CURR:RANG?;:VOLT:RANG?;:STAT:COND?;:STAT:EESR?"
VALUES = "206.06E+00,1.208E+00,0.2339E+03,0.9396E+00,60.019E+00"


def opening(idn=IDN, state="RES", crest_factor="3", integration=()):
    return opening_of(
        idn,
        ":MEAS:AVER OFF;:MEAS:MHOL OFF;:INP:MODE RMS;:SYNC CURR;:FILT:LINE OFF",
        ":NUM:FORM ASC;:NUM:NORM:NUM 5",
        ":NUM:NORM:ITEM1 U,1;ITEM2 I,1;ITEM3 P,1;ITEM4 LAMB,1;ITEM5 FU,1",
        ":RATE 250MS;:STAT:FILT1 FALL",
        integration=((":INTEG:STATE?", state), *integration),
        crest_factor=crest_factor,
    )


@pytest.fixture
def opened(scripted):
    """Open a driver on a script that goes on with more turns."""

    def make(*dialogue, driver=None):
        driver = driver or WT310()
        driver.open(scripted(*opening(), *dialogue), Wanted())
        return driver

    return make


@pytest.mark.parametrize("answer", ["", "4", ":CFAC 3"])
def test_a_crest_factor_that_is_none_is_not_taken_for_6(scripted, answer):
    with pytest.raises(InstrumentError, match="answered ':CFAC\\?' with"):
        WT310().open(scripted(*opening(crest_factor=answer)), Wanted())


def test_open_identifies_sets_up_and_learns_the_model(scripted):
    line = scripted(*opening())
    instrument = WT310().open(line, Wanted())
    assert (instrument.name, instrument.idn, instrument.crest_factor) == ("YokogawaWT310E", IDN, 3)
    assert (instrument.frequency, instrument.channels) == (True, 0)
    assert instrument.voltage_ranges_v == (15, 30, 60, 150, 300, 600)
    assert instrument.current_ranges_a[:2] == (0.005, 0.01)
    assert instrument.accuracy.range == 0.0005
    assert instrument.accuracy.self_heating_current == 1.3e-6


@pytest.mark.parametrize(
    ("driver", "model", "name", "lowest_a", "highest_a", "accuracy_of_range"),
    [
        (WT310, "WT310", "YokogawaWT310", 0.005, 20, 0.001),
        (WT310, "WT310EH", "YokogawaWT310E", 1, 40, 0.0005),
        (WT310, "WT310HC", "YokogawaWT310", 1, 40, 0.001),
        (WT330, "WT333", "YokogawaWT330", 0.5, 20, 0.001),
        (WT330, "WT332E", "YokogawaWT330E", 0.5, 20, 0.0005),
    ],
)
def test_models_of_the_family(scripted, driver, model, name, lowest_a, highest_a, accuracy_of_range):
    instrument = driver().open(scripted(*opening(f"YOKOGAWA,{model},C2PH13047V,F1.03")), Wanted())
    assert instrument.name == name
    assert (instrument.current_ranges_a[0], instrument.current_ranges_a[-1]) == (lowest_a, highest_a)
    assert instrument.accuracy.range == accuracy_of_range


def test_crest_factor_6_halves_the_ranges(scripted):
    instrument = WT310().open(scripted(*opening(crest_factor="6A")), Wanted())
    assert instrument.crest_factor == 6
    assert instrument.voltage_ranges_v == (7.5, 15, 30, 75, 150, 300)


@pytest.mark.parametrize(
    ("state", "turns"),
    [
        ("STAR", [":INTEG:STOP", NO_ERROR, ":INTEG:RES", NO_ERROR]),
        ("STOP", [":INTEG:RES", NO_ERROR]),
        ("TIM", [":INTEG:RES", NO_ERROR]),
    ],
)
def test_an_integration_is_ended(scripted, state, turns):
    line = scripted(*opening(state=state, integration=turns))
    WT310().open(line, Wanted())


@pytest.mark.parametrize("answer", ["YOKOGAWA,WT333E,C2SF14011V,F1.01", "HIOKI,PW3335,0,V1.00"])
def test_a_wrong_instrument_is_named(scripted, answer):
    with pytest.raises(WrongInstrumentError, match=f"{answer}.*expected a Yokogawa WT310"):
        WT310().open(scripted("", ("*IDN?", answer)), Wanted())


def test_something_that_does_not_speak_the_language_is_a_wrong_instrument(scripted):
    with pytest.raises(WrongInstrumentError, match="login:"):
        WT310().open(scripted("", ("*IDN?", "login:", scripted.SILENCE)), Wanted())


def test_nobody_is_absent(scripted):
    with pytest.raises(InstrumentAbsentError, match="no answer within"):
        WT310().open(scripted("", ("*IDN?", scripted.SILENCE)), Wanted())


def test_an_answer_to_a_program_that_is_gone_is_skipped(scripted):
    turns = opening()
    turns[1] = ("*IDN?", f"{VALUES};1.000E+00;300.0E+00;0;1", IDN)
    assert WT310().open(scripted(*turns), Wanted()).idn == IDN


def test_an_error_in_the_set_up_is_told(scripted):
    turns = opening()
    turns[-2] = (":STAT:ERR?", '113,"Undefined header"')
    with pytest.raises(InstrumentError, match="set-up with error 113"):
        WT310().open(scripted(*turns[:-1]), Wanted())


def test_ranges(opened):
    question = ":CURR:RANG?;:CURR:AUTO?;:VOLT:RANG?;:VOLT:AUTO?"
    current, voltage = opened((question, "500.0E-03;0;300.0E+00;1")).ranges()
    assert (current.auto, current.full_scale, voltage.auto, voltage.full_scale) == (False, 0.5, True, 300.0)


@pytest.mark.parametrize("answer", [
    "500.0E-03;0;300.0E+00", "x;0;300.0E+00;1", "NAN;0;300.0E+00;1", "", "0;0;0;0", "1;;300;0", "1;0;300;2",
])  # fmt: skip
def test_ranges_that_are_none(opened, answer):
    driver = opened((":CURR:RANG?;:CURR:AUTO?;:VOLT:RANG?;:VOLT:AUTO?", answer))
    with pytest.raises(InstrumentError):
        driver.ranges()


def test_setting_ranges(opened):
    driver = opened(":CURR:AUTO OFF;:CURR:RANG 0.005A", NO_ERROR, ":VOLT:AUTO OFF;:VOLT:RANG 300V", NO_ERROR,
                    ":CURR:AUTO ON", NO_ERROR)  # fmt: skip
    driver.set_range("A", 0.005)
    driver.set_range("V", 300.0)
    driver.set_range("A", None)


def test_a_refused_range_is_told_with_the_instruments_code(opened):
    driver = opened(":CURR:AUTO OFF;:CURR:RANG 7A", (":STAT:ERR?", '222,"Data out of range"'))
    with pytest.raises(InstrumentError, match="A range with error 222"):
        driver.set_range("A", 7.0)


@pytest.mark.parametrize(
    ("interval_ms", "rate", "updates"),
    [
        (100, "100MS", 1),
        (300, "100MS", 3),
        (1000, "1S", 1),
        (1500, "500MS", 3),
        (20_000, "20S", 1),
        (60_000, "20S", 3),
    ],
)
def test_begin_and_end_set_the_update_period(opened, interval_ms, rate, updates):
    sample = (SAMPLE, f"{VALUES};2.000E+00;300.0E+00;0;1")
    begin = [f":RATE {rate};:STAT:FILT1 FALL", NO_ERROR, (":STAT:EESR?", "1")]
    driver = opened(*begin, *[sample] * updates, ":RATE 250MS", NO_ERROR, (":STAT:EESR?", "0"), sample)
    driver.begin(interval_ms)
    assert driver.read(1.0).total.power_w == pytest.approx(233.9)
    driver.end()
    driver.read(1.0)


def test_an_interval_that_no_update_period_divides_is_refused(opened):
    with pytest.raises(InstrumentError, match="120 ms"):
        opened().begin(120)


def test_a_model_that_is_not_enhanced_has_no_long_update_period(scripted):
    turns = [":RATE 5S;:STAT:FILT1 FALL", NO_ERROR, (":STAT:EESR?", "0")]
    line = scripted(*opening("YOKOGAWA,WT310,C2PH13047V,F1.03"), *turns)
    driver = WT310()
    driver.open(line, Wanted())
    driver.begin(20_000)


def test_a_sample_carries_values_ranges_time_and_raw_text(opened):
    raw = f"{VALUES};2.000E+00;300.0E+00;0;1"
    measured = opened((":STAT:EESR?", "0"), (SAMPLE, raw)).read(1.0)
    assert measured.total.fields() == pytest.approx((233.9, 206.06, 1.208, 0.9396))
    assert (measured.current_range_a, measured.voltage_range_v) == (2.0, 300.0)
    assert (measured.t_utc_ns, measured.t_mono_ns, measured.channels) == (1_000_000_000, 5, ())
    assert measured.raw == raw


@pytest.mark.parametrize("value", ["NAN", "INF", "9.91E+37", "-INF"])
@pytest.mark.parametrize("place", range(4))
def test_a_value_that_is_none_makes_the_reading_bad(opened, value, place):
    values = VALUES.split(",")
    values[place] = value
    measured = opened((":STAT:EESR?", "0"), (SAMPLE, f"{','.join(values)};2.0;300;0;1")).read(1.0)
    assert measured.total.validity is Validity.BAD
    assert math.isnan(measured.total.power_w)


@pytest.mark.parametrize(("condition", "over"), [(0, False), (1 << 7, True), (1 << 8, True), (1 << 6 | 3, False)])
def test_the_condition_register_tells_of_peaks_over_the_range(opened, condition, over):
    reading = opened((":STAT:EESR?", "0"), (SAMPLE, f"{VALUES};2.0;300;{condition};1")).read(1.0).total
    assert (reading.validity is Validity.PEAK_OVER) == over
    assert reading.power_w == pytest.approx(233.9)


def test_an_interval_of_several_updates_is_their_mean(opened):
    begin = [":RATE 500MS;:STAT:FILT1 FALL", NO_ERROR, (":STAT:EESR?", "0")]
    samples = [(SAMPLE, f"200.0,{w / 200},{w},1.0,50.0;2.0;300;0;1") for w in (100, 200, 300)]
    driver = opened(*begin, *samples)
    driver.begin(1500)
    measured = driver.read(5.0)
    assert measured.total.power_w == 200.0
    assert measured.raw.count("|") == 2


@pytest.mark.parametrize("answer", ["", "1;2", f"{VALUES};2.0;300;x;1", "a,b,c,d,e;2.0;300;0;1", '0,"No error"'])
def test_an_answer_that_is_no_sample_is_an_error(opened, answer):
    driver = opened((":STAT:EESR?", "0"), (SAMPLE, answer))
    with pytest.raises(InstrumentError, match="answered"):
        driver.read(1.0)


def test_a_late_answer_is_never_taken_for_the_next(scripted, opened):
    late, fresh = f"{VALUES};2.0;300;0;1", f"{VALUES};5.0;300;0;1"
    driver = opened(
        (":STAT:EESR?", "0"), (SAMPLE, scripted.SILENCE),
        ("*IDN?", late, IDN), (":STAT:EESR?", "1"), (SAMPLE, fresh),
    )  # fmt: skip
    with pytest.raises(InstrumentError, match="no answer"):
        driver.read(1.0)
    assert driver.read(1.0).current_range_a == 5.0


def test_a_stray_answer_to_who_is_there_is_got_over(opened):
    sample = f"{VALUES};2.0;300;0;1"
    driver = opened(
        (":STAT:EESR?", "0"), (SAMPLE, IDN, sample), ("*IDN?", IDN), (":STAT:EESR?", "1"), (SAMPLE, sample)
    )
    with pytest.raises(InstrumentError, match="answered"):
        driver.read(1.0)
    assert driver.read(1.0).raw == sample


def test_another_instrument_on_the_same_line_is_noticed(scripted, opened):
    driver = opened((":STAT:EESR?", scripted.SILENCE), ("*IDN?", "YOKOGAWA,WT310E,OTHER,F1.04"))
    with pytest.raises(InstrumentError, match="no answer"):
        driver.read(1.0)
    with pytest.raises(WrongInstrumentError, match="OTHER"):
        driver.read(1.0)


def test_close_gives_the_front_panel_back_and_frees_the_port(scripted):
    line = scripted(*opening(), ":COMM:REM OFF")
    driver = WT310()
    driver.open(line, Wanted())
    driver.close()
    assert line.closed


def test_the_registry_knows_the_family_and_lists_itself():
    assert type(driver_for(49)) is WT310
    assert type(driver_for(52)) is WT330
    assert driver_for(52).family.device_type == 52
    with pytest.raises(ConfigError, match="device type 7") as raised:
        driver_for(7)
    assert all(str(number) in raised.value.hint for number in KNOWN)
