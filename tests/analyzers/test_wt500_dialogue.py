"""The exact dialogue with a WT500, WT1800 and WT5000, whose elements have ranges of their own."""

import pytest

from analyzers.driver import Wanted
from analyzers.drivers.wt500 import WT500, WT500DC, WT500Multichannel
from analyzers.drivers.wt1800 import WT1800
from analyzers.drivers.wt5000 import WT5000
from metrology.errors import ConfigError, WrongInstrumentError
from metrology.reading import Validity
from metrology.uncertainty import Accuracy
from tests.analyzers.yokogawa_opening import NO_ERROR as OK
from tests.analyzers.yokogawa_opening import opening_of

IDN = "YOKOGAWA,760203,U1J802935,F1.21"
VALUES = "129.18E+00,3.248E+00,0.2376E+03,0.5662E+00,60.007E+00", "124.31E+00,3.246E+00,0.3964E+03,0.9825E+00,NAN"


def opening(*elements, idn=IDN, source="I{}", items=("URMS", "IRMS"), crest_factor="3"):
    setup = [":MEAS:AVER OFF;:MEAS:MHOL OFF"]
    setup += [f":SYNC:ELEM{n} {source.format(n)};:FILT:LINE:ELEM{n} OFF" for n in elements]
    setup.append(f":NUM:FORM ASC;:NUM:NORM:NUM {5 * len(elements)}")
    for at, element in enumerate(elements):
        names = enumerate((*items, "P", "LAMB", "FU"), 5 * at + 1)
        setup.append(":NUM:NORM:" + ";".join(f"ITEM{number} {name},{element}" for number, name in names))
    setup.append(":RATE 200MS;:STAT:FILT1 FALL")
    return opening_of(idn, *setup, crest_factor=crest_factor)


def sample(*elements):
    ranges = "".join(f":CURR:RANG:ELEM{n}?;:VOLT:RANG:ELEM{n}?;" for n in elements)
    return f":COMM:WAIT 1;:NUM:NORM:VAL?;{ranges}:STAT:COND?;:STAT:EESR?"


@pytest.fixture
def both(scripted):
    """Open a driver of elements 1 and 2 on a script that goes on with more turns."""

    def make(*dialogue):
        driver = WT500Multichannel()
        driver.open(scripted(*opening(1, 2), *dialogue), Wanted((1, 2)))
        return driver

    return make


def test_open_one_element(scripted):
    turns = [(":STAT:EESR?", "0"), (sample(3), f"{VALUES[0]};5.000E+00;150.0E+00;0;1")]
    driver = WT500()
    instrument = driver.open(scripted(*opening(3), *turns), Wanted((3,)))
    assert (instrument.name, instrument.idn, instrument.channels) == ("YokogawaWT500", IDN, 0)
    assert instrument.voltage_ranges_v == (15, 30, 60, 100, 150, 300, 600, 1000)
    assert instrument.current_ranges_a == (0.5, 1, 2, 5, 10, 20, 40)
    measured = driver.read(1.0)
    assert measured.total.fields() == pytest.approx((237.6, 129.18, 3.248, 0.5662))
    assert (measured.current_range_a, measured.voltage_range_v, measured.channel_ranges) == (5.0, 150.0, ())


def test_open_several(scripted):
    line = scripted(*opening(1, 2, 3, crest_factor="6"))
    instrument = WT500Multichannel().open(line, Wanted((1, 2, 3)))
    assert (instrument.name, instrument.channels) == ("YokogawaWT500_multichannel", 3)
    assert instrument.accuracy == Accuracy(0.0015, 0.001, 0.002, per_active=True)
    assert (instrument.crest_factor, instrument.current_ranges_a[-1]) == (6, 20)


def test_channels_have_ranges_of_their_own(both):
    raw = f"{','.join(VALUES)};5.000E+00;150.0E+00;10.000E+00;300.0E+00;0;1"
    measured = both((":STAT:EESR?", "0"), (sample(1, 2), raw)).read(1.0)
    assert measured.total.power_w == pytest.approx(634.0)
    assert measured.channel_ranges == ((5.0, 150.0), (10.0, 300.0))
    assert [channel.power_factor for channel in measured.channels] == [0.5662, 0.9825]


@pytest.mark.parametrize(("condition", "validity"), [(1 << 15, Validity.PEAK_OVER), (0x7FFF, Validity.GOOD)])
def test_a_peak_over_the_range_may_be_of_any_channel(both, condition, validity):
    raw = f"{','.join(VALUES)};5.0;150.0;5.0;150.0;{condition};1"
    measured = both((":STAT:EESR?", "0"), (sample(1, 2), raw)).read(1.0)
    assert [channel.validity for channel in measured.channels] == [validity] * 2
    assert measured.total.usable == (validity is Validity.GOOD)


def test_ranges_are_set_for_every_channel_or_for_one(both):
    question = ":CURR:RANG:ELEM2?;:CURR:AUTO:ELEM2?;:VOLT:RANG:ELEM2?;:VOLT:AUTO:ELEM2?"
    driver = both(
        ":VOLT:AUTO:ELEM1 OFF;:VOLT:RANG:ELEM1 300V", OK, ":VOLT:AUTO:ELEM2 OFF;:VOLT:RANG:ELEM2 300V", OK,
        ":CURR:AUTO:ELEM2 OFF;:CURR:RANG:ELEM2 0.5A", OK, (question, "500.0E-03;0;300.0E+00;0"),
        ":CURR:AUTO:ELEM1 ON", OK, ":CURR:AUTO:ELEM2 ON", OK,
    )  # fmt: skip
    driver.set_range("V", 300.0)
    driver.set_range("A", 0.5, 2)
    assert driver.ranges(2)[0].full_scale == 0.5
    driver.set_range("A", None)


def test_the_ranges_of_the_first_channel_stand_for_all(both):
    question = ":CURR:RANG:ELEM1?;:CURR:AUTO:ELEM1?;:VOLT:RANG:ELEM1?;:VOLT:AUTO:ELEM1?"
    assert both((question, "20.0E+00;1;300.0E+00;0")).ranges()[0].auto


def test_direct_current(scripted):
    line = scripted(*opening(2, source="NONE", items=("UDC", "IDC")))
    instrument = WT500DC().open(line, Wanted((2,), dc=True))
    assert instrument.name == "YokogawaWT500_DC"
    assert (instrument.accuracy.reading, instrument.accuracy.range, instrument.accuracy.phase) == (0.0015, 0.001, 0)


@pytest.mark.parametrize(
    ("model", "lowest_a", "highest_a", "of_reading"),
    [
        ("WT1804E", 1, 50, 0.0005),
        ("WT1806E-5A3-50A3", 1, 5, 0.0005),
        ("WT1803-5A3", 0.01, 5, 0.0015),
        ("WT1801-50A1", 1, 50, 0.0015),
    ],
)
def test_models_of_the_wt1800(scripted, model, lowest_a, highest_a, of_reading):
    instrument = WT1800().open(scripted(*opening(1, idn=f"YOKOGAWA,{model},91M950263,F1.01")), Wanted())
    assert instrument.name == "YokogawaWT1800"
    assert (instrument.current_ranges_a[0], instrument.current_ranges_a[-1]) == (lowest_a, highest_a)
    assert instrument.accuracy.reading == of_reading
    assert instrument.voltage_ranges_v[0] == 1.5


def test_the_wt5000(scripted):
    turns = [":RATE 20S;:STAT:FILT1 FALL", OK, (":STAT:EESR?", "0")]
    driver = WT5000()
    instrument = driver.open(scripted(*opening(7, idn="YOKOGAWA,WT5000,91Z123456,F3.01"), *turns), Wanted((7,)))
    assert (instrument.name, instrument.current_ranges_a[-1]) == ("YokogawaWT5000", 30)
    driver.begin(20_000)


@pytest.mark.parametrize(
    ("driver", "idn", "most"), [(WT500, "YOKOGAWA,760202,X,F1", 2), (WT1800, "YOKOGAWA,WT1803,X,F", 3)]
)
def test_an_element_that_it_has_not(scripted, driver, idn, most):
    with pytest.raises(ConfigError, match=f"has {most}"):
        driver().open(scripted("", ("*IDN?", idn)), Wanted((most + 1,)))


def test_another_meter_is_named(scripted):
    with pytest.raises(WrongInstrumentError, match="expected a Yokogawa WT500:MULTICHANNEL"):
        WT500Multichannel().open(scripted("", ("*IDN?", "YOKOGAWA,WT333E,X,F1.04")), Wanted((1, 2)))
