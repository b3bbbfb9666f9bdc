"""The exact dialogue with a WT210 or WT230 in its IEEE 488.2 mode."""

import pytest

from analyzers.driver import Wanted
from analyzers.drivers.wt210 import WT210, WT210DC
from metrology.errors import ConfigError, InstrumentError, WrongInstrumentError
from metrology.reading import Validity
from metrology.uncertainty import Accuracy
from tests.analyzers.yokogawa_opening import opening_of

IDN = "YOKOGAWA,760401,0,F1.12"
OK = (":STAT:ERR?", '0,"NO ERROR"')
SAMPLE = ":COMM:WAIT 1;:MEAS:VAL?;:CURR:RANG?;:VOLT:RANG?;:STAT:COND?;:STAT:EESR?"
VALUES = "118.10E+00,1.658E+00,171.3E+00,0.875E+00,59.98E+00"


def opening(idn=IDN, element=1, mode="RMS;:CONF:SYNC CURR", crest_factor="3"):
    return opening_of(
        idn,
        f":CONF:AVER:STAT OFF;:CONF:MHOL OFF;:CONF:MODE {mode};:CONF:LFIL OFF",
        ":SAMP:HOLD OFF",
        ":MEAS:NORM:ITEM:PRES CLE",
        *(f":MEAS:NORM:ITEM:{name}:ELEM{element} ON" for name in ("V", "A", "W", "PF", "VHZ")),
        ":SAMP:RATE 250MS;:STAT:FILT1 FALL",
        integration=(":INTEG:STOP", ":INTEG:RES", "*CLS"),
        crest_factor=crest_factor,
    )


@pytest.fixture
def opened(scripted):
    """Open a driver on a script that goes on with more turns."""

    def make(*dialogue):
        driver = WT210()
        driver.open(scripted(*opening(), *dialogue), Wanted())
        return driver

    return make


def test_open(scripted):
    instrument = WT210().open(scripted(*opening(crest_factor="6")), Wanted())
    assert (instrument.name, instrument.idn, instrument.crest_factor) == ("YokogawaWT210", IDN, 6)
    assert (instrument.channels, instrument.frequency) == (0, False)
    assert instrument.accuracy == Accuracy(0.0015, 0.001, 0.002, per_active=True)
    assert (instrument.current_ranges_a[0], instrument.current_ranges_a[-1]) == (0.0025, 10)
    assert instrument.voltage_ranges_v == (7.5, 15, 30, 75, 150, 300)


@pytest.mark.parametrize(("channel", "element"), [(1, 1), (2, 3)])
def test_a_wt230_with_two_elements_has_no_second_one(scripted, channel, element):
    line = scripted(*opening("YOKOGAWA,760502,0,F1.12", element))
    assert WT210().open(line, Wanted((channel,))).current_ranges_a == (0.5, 1, 2, 5, 10, 20)


def test_a_wt230_with_three_elements_has_it(scripted):
    assert WT210().open(scripted(*opening("YOKOGAWA,760503,0,F1.12", 2)), Wanted((2,)))


def test_a_wt210_has_one_element(scripted):
    with pytest.raises(ConfigError, match="got channel 2"):
        WT210().open(scripted("", ("*IDN?", IDN)), Wanted((2,)))


def test_another_meter_is_named(scripted):
    with pytest.raises(WrongInstrumentError, match=r"WT310E.*expected a Yokogawa WT210"):
        WT210().open(scripted("", ("*IDN?", "YOKOGAWA,WT310E,C3XA04010E,F1.04")), Wanted())


def test_a_sample(opened):
    raw = f"{VALUES};5.000E+00;150.0E+00;0;1"
    measured = opened((":STAT:EESR?", "0"), (SAMPLE, raw)).read(1.0)
    assert measured.total.fields() == pytest.approx((171.3, 118.1, 1.658, 0.875))
    assert (measured.current_range_a, measured.voltage_range_v, measured.raw) == (5.0, 150.0, raw)


@pytest.mark.parametrize(
    ("values", "condition", "validity"),
    [
        ("246.46E+00,9.91E+37,9.91E+37,9.91E+37,49.931E+00", 1 << 6, Validity.BAD),
        (VALUES, 1 << 8, Validity.PEAK_OVER),
        ("118.10E+00,0.0E+00,0.0E+00,9.91E+37,59.98E+00", 0, Validity.GOOD),
    ],
)
def test_its_sentinels(opened, values, condition, validity):
    measured = opened((":STAT:EESR?", "0"), (SAMPLE, f"{values};5.0;150.0;{condition};1")).read(1.0)
    assert measured.total.validity is validity


@pytest.mark.parametrize(("interval_ms", "rate"), [(1000, "1S"), (500, "500MS"), (10_000, "5S")])
def test_the_update_period(opened, interval_ms, rate):
    turns = [f":SAMP:RATE {rate};:STAT:FILT1 FALL", OK, (":STAT:EESR?", "1")]
    driver = opened(*turns, ":SAMP:RATE 250MS", OK, ":COMM:REM OFF")
    driver.begin(interval_ms)
    driver.end()
    driver.close()


def test_ranges(opened):
    question = ":CURR:RANG?;:CURR:AUTO?;:VOLT:RANG?;:VOLT:AUTO?"
    driver = opened(":VOLT:AUTO OFF;:VOLT:RANG 150V", OK, (question, "5.000E+00;1;150.0E+00;0"),
                    ":CURR:AUTO OFF;:CURR:RANG 7A", (":STAT:ERR?", '222,"Data out of range"'))  # fmt: skip
    driver.set_range("V", 150.0)
    current, voltage = driver.ranges()
    assert (current.full_scale, current.auto, voltage.full_scale, voltage.auto) == (5.0, True, 150.0, False)
    with pytest.raises(InstrumentError, match="error 222"):
        driver.set_range("A", 7.0)


def test_direct_current(scripted):
    line = scripted(*opening(mode="DC;:CONF:SYNC OFF"))
    instrument = WT210DC().open(line, Wanted(dc=True))
    assert instrument.name == "YokogawaWT210_DC"
    assert instrument.accuracy == Accuracy(0.0045, 0.002, 0.0)
