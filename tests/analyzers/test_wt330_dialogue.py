"""The exact dialogue with a WT330: one element chosen, several and their sum, direct current."""

import pytest

from analyzers.driver import Wanted
from analyzers.drivers.wt310 import WT310DC, WT330, WT330DC, WT330Multichannel
from metrology.errors import ConfigError, InstrumentError
from metrology.reading import Validity
from metrology.uncertainty import Accuracy
from tests.analyzers.yokogawa_opening import NO_ERROR as OK
from tests.analyzers.yokogawa_opening import opening_of

IDN = "YOKOGAWA,WT333E,C2XL24034V,F1.04"
SAMPLE = ":COMM:WAIT 1;:NUM:NORM:VAL?;:CURR:RANG?;:VOLT:RANG?;:STAT:COND?;:STAT:EESR?"
THREE = (
    "206.06E+00,1.2564E+00,244.5E+00,0.9443E+00,60.019E+00,206.33E+00,0.9100E+00,176.8E+00,0.9417E+00,60.019E+00,"
    "206.20E+00,0.8000E+00,154.8E+00,0.9385E+00,NAN"
)
UNUSED = "0.00E+00,0.0000E+00,0.0E+00,INF,NAN"


def opening(items, idn=IDN, mode="RMS;:SYNC CURR"):
    return opening_of(
        idn,
        f":MEAS:AVER OFF;:MEAS:MHOL OFF;:INP:MODE {mode};:FILT:LINE OFF",
        f":NUM:FORM ASC;:NUM:NORM:NUM {5 * len(items)}",
        *items,
        ":RATE 250MS;:STAT:FILT1 FALL",
    )


def item(first, element):
    names = enumerate(("U", "I", "P", "LAMB", "FU"), first)
    return ":NUM:NORM:" + ";".join(f"ITEM{number} {name},{element}" for number, name in names)


ALL_ITEMS = [item(1, 1), item(6, 2), item(11, 3)]


@pytest.fixture
def opened(scripted):
    """Open a multichannel driver on a script that goes on with more turns."""

    def make(*dialogue):
        driver = WT330Multichannel()
        driver.open(scripted(*opening(ALL_ITEMS), *dialogue), Wanted((1, 2, 3)))
        return driver

    return make


@pytest.mark.parametrize(("element", "over"), [(1, 1 << 8), (2, 1 << 11), (3, 1 << 13)])
def test_one_element_is_the_one_that_is_wanted(scripted, element, over):
    answers = [(SAMPLE, f"200.0,1.0,190.0,0.95,50.0;2.0;300.0;{condition};1") for condition in (over, 0x7FFF & ~over)]
    read = [(":STAT:EESR?", "0"), answers[0], (":STAT:EESR?", "0"), answers[1]]
    line = scripted(*opening([item(1, element)]), *read)
    driver = WT330()
    instrument = driver.open(line, Wanted((element,)))
    assert (instrument.name, instrument.channels, instrument.frequency) == ("YokogawaWT330E", 0, False)
    measured = driver.read(1.0)
    assert (measured.total.validity, measured.channels) == (Validity.PEAK_OVER, ())
    assert measured.channel_ranges == ()
    others = 0b11 << (4 + 3 * element)
    assert (driver.read(1.0).total.validity is Validity.PEAK_OVER) == bool(0x7FFF & ~over & others)


def test_an_element_that_it_has_not(scripted):
    line = scripted("", ("*IDN?", "YOKOGAWA,WT332,C2SF14011V,F1.01"))
    with pytest.raises(ConfigError, match=r"got channel 3, but 'YOKOGAWA,WT332,.* has 2"):
        WT330().open(line, Wanted((3,)))


def test_a_wt332_has_no_second_element(scripted):
    """Its second channel is element 3 (IM WT310E-01EN p. 2-12), also where it tells of peaks."""
    values = ",".join(THREE.split(",")[:10])
    line = scripted(
        *opening([item(1, 1), item(6, 3)], "YOKOGAWA,WT332E,C2XL24034V,F1.04"),
        *((":STAT:EESR?", "0"), (SAMPLE, f"{values};2.0;300;{1 << 13};1")),
    )
    driver = WT330Multichannel()
    driver.open(line, Wanted((1, 2)))
    assert [channel.validity for channel in driver.read(1.0).channels] == [Validity.GOOD, Validity.PEAK_OVER]


@pytest.mark.parametrize(("model", "second", "of_range"), [("WT333E", 2, 0.0005), ("WT332", 3, 0.001)])
def test_multichannel_accuracy_is_that_of_ptdaemon_without_self_heating(scripted, model, second, of_range):
    line = scripted(*opening([item(1, 1), item(6, second)], f"YOKOGAWA,{model},C2XL24034V,F1.04"))
    instrument = WT330Multichannel().open(line, Wanted((1, 2)))
    assert instrument.accuracy == Accuracy(0.001, of_range, 0.002)
    assert (instrument.name, instrument.channels) == ("YokogawaWT330_multichannel", 2)
    assert instrument.current_ranges_a == (0.5, 1, 2, 5, 10, 20)


def test_elements_and_their_sum_in_one_sample(opened):
    measured = opened((":STAT:EESR?", "0"), (SAMPLE, f"{THREE};2.000E+00;300.0E+00;0;1")).read(1.0)
    assert [channel.power_w for channel in measured.channels] == [244.5, 176.8, 154.8]
    assert measured.total.power_w == pytest.approx(576.1)
    assert measured.total.voltage_v == pytest.approx((206.06 + 206.33 + 206.2) / 3)
    assert measured.total.current_a == pytest.approx((1.2564 + 0.91 + 0.8) / 3)
    assert measured.total.power_factor == pytest.approx(0.9419, abs=2e-4)
    assert (measured.current_range_a, measured.voltage_range_v, measured.channel_ranges) == (2.0, 300.0, ())


def test_an_element_that_is_not_used_is_no_fault(opened):
    values = ",".join(THREE.split(",")[:10])
    measured = opened((":STAT:EESR?", "0"), (SAMPLE, f"{values},{UNUSED};2.0;300;0;1")).read(1.0)
    assert measured.channels[2].fields() == (0.0, 0.0, 0.0, 0.0)
    assert measured.total.power_w == pytest.approx(421.3)


@pytest.mark.parametrize(("values", "condition", "bad"), [
    (THREE.replace("176.8E+00", "INF"), 0, Validity.BAD), (THREE, 1 << 11, Validity.PEAK_OVER)
])  # fmt: skip
def test_one_channel_that_is_bad_makes_the_sum_bad(opened, values, condition, bad):
    measured = opened((":STAT:EESR?", "0"), (SAMPLE, f"{values};2.0;300;{condition};1")).read(1.0)
    good = Validity.GOOD
    assert [channel.validity for channel in measured.channels] == [good, bad, good]
    assert measured.total.validity is Validity.BAD


def test_a_sample_without_all_elements_is_an_error(opened):
    values = ",".join(THREE.split(",")[:10])
    driver = opened((":STAT:EESR?", "0"), (SAMPLE, f"{values};2.0;300;0;1"))
    with pytest.raises(InstrumentError, match="answered"):
        driver.read(1.0)


def test_an_interval_of_several_updates_is_the_mean_of_each_channel(opened):
    begin = [":RATE 500MS;:STAT:FILT1 FALL", OK, (":STAT:EESR?", "0")]
    later = THREE.replace("244.5E+00", "264.5E+00")
    driver = opened(*begin, *[(SAMPLE, f"{values};2.0;300;0;1") for values in (THREE, later, later)])
    driver.begin(1500)
    measured = driver.read(5.0)
    assert measured.channels[0].power_w == pytest.approx(244.5 + 40 / 3)
    assert measured.total.power_w == pytest.approx(576.1 + 40 / 3)


def test_ranges_are_shared_by_all_elements(opened):
    question = ":CURR:RANG?;:CURR:AUTO?;:VOLT:RANG?;:VOLT:AUTO?"
    driver = opened(":CURR:AUTO OFF;:CURR:RANG 10A", OK, ":VOLT:AUTO ON", OK, (question, "10.000E+00;0;300.0E+00;1"))
    driver.set_range("A", 10.0)
    driver.set_range("V", None, 2)
    current, voltage = driver.ranges(3)
    assert (current.full_scale, current.auto, voltage.full_scale, voltage.auto) == (10.0, False, 300.0, True)


@pytest.mark.parametrize(
    ("driver", "model", "wanted", "name", "of_reading"),
    [
        (WT310DC, "WT310E", 1, "YokogawaWT310_DC", 0.001),
        (WT310DC, "WT310EH", 1, "YokogawaWT310_DC", 0.003),
        (WT330DC, "WT333", 2, "YokogawaWT330_DC", 0.001),
    ],
)
def test_direct_current(scripted, driver, model, wanted, name, of_reading):
    line = scripted(*opening([item(1, wanted)], f"YOKOGAWA,{model},C2PH13047V,F1.03", mode="DC;:SYNC OFF"))
    instrument = driver().open(line, Wanted((wanted,), dc=True))
    assert (instrument.name, instrument.channels) == (name, 0)
    assert (instrument.accuracy.reading, instrument.accuracy.range, instrument.accuracy.phase) == (
        of_reading,
        0.002,
        0,
    )
    assert driver.family.dc
