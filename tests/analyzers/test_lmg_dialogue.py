"""The LMG driver's exact dialogue: what is sent, in order, and what it makes of the answers."""

import itertools

import pytest

from analyzers.driver import Wanted
from analyzers.drivers.lmg import LMG600, LMG600Multichannel
from metrology.errors import ConfigError, InstrumentError, WrongInstrumentError
from metrology.ranges import Range
from metrology.reading import Validity

IDN = "ZES ZIMMER Electronic Systems GmbH,LMG670,02271114,3.050"
NO_ERROR = ("errall?", '0,"No error"')
HUSH = ["cont off", ("*IDN?", IDN)]
CHANNEL = "230.01;0.4577;100.02;0.9501;1.41421;1.6;250;1.2"
IDLE, SECOND = f"0.25;{CHANNEL}", f"1.003;{CHANNEL}"


def items(*channels):
    names = "utrms", "itrms", "p", "pf", "ucf", "icf", "urng", "irng"
    return ";".join(f"{name}{channel}?" for channel in channels for name in names)


def opening(idn=IDN, channels=(1,)):
    return [
        "*zlang short",
        "cont off",
        ("*IDN?", idn),
        "*cls",
        "frmt ascii;cyclmod 0;cycl 0.25",
        NO_ERROR,
        f"actn;durnorm{channels[0]}?;{items(*channels)}",
        NO_ERROR,
    ]


@pytest.fixture
def opened(scripted):
    """Open the driver on a script that goes on with more turns, each second of its clock a question later."""

    def make(*dialogue, driver=LMG600, channels=(1,)):
        seconds = itertools.count()
        connected = driver(clock=lambda: float(next(seconds)))
        instrument = connected.open(scripted(*opening(channels=channels), *dialogue), Wanted(channels))
        return connected, instrument

    return make


def test_it_tells_what_it_is(opened):
    instrument = opened()[1]
    assert (instrument.name, instrument.idn, instrument.channels) == ("LMG670", IDN, 0)
    assert (instrument.current_ranges_a[-1], instrument.voltage_ranges_v[-1]) == (32.0, 1000.0)


def test_what_a_dead_program_left_it_telling_is_skipped(scripted):
    turns = opening()
    turns[2] = ("*IDN?", IDLE, IDLE, "0.0", IDN)
    assert LMG600().open(scripted(*turns), Wanted()).idn == IDN


def test_it_refuses_another_instrument(scripted):
    with pytest.raises(WrongInstrumentError, match="expected a ZES ZIMMER LMG600, device type 9000"):
        LMG600().open(scripted(*opening("HIOKI,PW3335,0,V1.00")[:3]), Wanted())


def test_it_refuses_a_channel_that_the_model_lacks(scripted):
    idn = IDN.replace("670", "610")
    with pytest.raises(ConfigError, match="got channel 2, but the LMG610 has 1"):
        LMG600().open(scripted(*opening(idn)[:3]), Wanted((2,)))


def test_ranges_are_read_and_set(opened):
    driver, _ = opened(
        ("irng1?;iauto1?;urng1?;uauto1?", "5.0;0;250;1"),
        "iauto1 0;irng1 1.2",
        NO_ERROR,
        "uauto1 1",
        NO_ERROR,
        "iauto1 0;irng1 7",
        ("errall?", '222,"Data out of range"'),
    )
    assert driver.ranges() == (Range(False, 5.0), Range(True, 250.0))
    driver.set_range("A", 1.2)
    driver.set_range("V", None)
    with pytest.raises(InstrumentError, match="setting the A range with error 222"):
        driver.set_range("A", 7.0)


def test_outside_a_run_it_tells_one_cycle_and_is_quiet_again(opened):
    driver, _ = opened(("cont on", IDLE), *HUSH)
    measured = driver.read(100.0)
    assert measured.total.fields() == (100.02, 230.01, 0.4577, 0.9501)
    assert (measured.current_range_a, measured.voltage_range_v) == (1.2, 250.0)


def test_lines_that_come_after_it_was_hushed_are_thrown_away(opened):
    driver, _ = opened(("cont on", IDLE), "cont off", ("*IDN?", IDLE, IDN), ("cont on", IDLE), *HUSH)
    assert [driver.read(100.0).total.power_w for _ in range(2)] == [100.02] * 2


def test_a_run_streams_one_line_a_cycle(opened):
    driver, _ = opened(*("cycl 1", NO_ERROR), ("cont on", SECOND, SECOND, SECOND), *HUSH, *("cycl 0.25", NO_ERROR))
    driver.begin(1000)
    assert [driver.read(100.0).total.power_w for _ in range(3)] == [100.02] * 3
    driver.end()


def test_a_cycle_of_another_length_is_no_sample(opened):
    """The one that was running when the cycle was set."""
    driver, _ = opened("cycl 1", NO_ERROR, ("cont on", IDLE.replace("100.02", "7"), SECOND))
    driver.begin(1000)
    assert driver.read(100.0).total.power_w == 100.02


def test_lines_that_queue_up_are_all_read_and_one_that_is_garbled_is_missed(opened):
    """A reader that is late by three cycles finds them one after another: none of them is lost."""
    driver, _ = opened("cycl 1", NO_ERROR, ("cont on", SECOND, SECOND, SECOND, "1;2", SECOND, IDLE, SECOND))
    driver.begin(1000)
    assert [driver.read(100.0).missed for _ in range(3)] == [0, 0, 0]
    with pytest.raises(InstrumentError, match="answered 'cont on' with"):
        driver.read(100.0)
    assert [driver.read(100.0).missed for _ in range(2)] == [1, 1]


def test_cycles_of_another_length_alone_are_an_error(opened):
    driver, _ = opened("cycl 1", NO_ERROR, ("cont on", IDLE, IDLE))
    driver.begin(1000)
    with pytest.raises(InstrumentError, match="no cycle of 1 s in time"):
        driver.read(2.5)


def test_a_range_asked_for_within_a_run_is_not_mixed_up_with_its_lines(opened):
    driver, _ = opened(
        *("cycl 1", NO_ERROR, ("cont on", SECOND), "cont off", ("*IDN?", SECOND, IDN)),
        *(("irng1?;iauto1?;urng1?;uauto1?", "1.2;0;250;0"), ("cont on", SECOND)),
    )
    driver.begin(1000)
    driver.read(100.0)
    assert driver.ranges()[0] == Range(False, 1.2)
    assert driver.read(100.0).total.usable


@pytest.mark.parametrize("value", ["nan", "inf", "9.91E+37", "-9.9e37"])
@pytest.mark.parametrize("place", range(4))
def test_values_that_are_none_make_a_bad_reading(opened, value, place):
    values = CHANNEL.split(";")
    values[place] = value
    driver, _ = opened(("cont on", f"0.25;{';'.join(values)}"), *HUSH)
    assert driver.read(100.0).total.validity is Validity.BAD


@pytest.mark.parametrize(("crest", "validity"), [("8.19", Validity.GOOD), ("8.2", Validity.PEAK_OVER)])
def test_a_peak_as_large_as_the_range_measures_is_told(opened, crest, validity):
    driver, _ = opened(("cont on", IDLE.replace(";1.6;", f";{crest};")), *HUSH)  # 3.75 A in the range of 1.2 A
    assert driver.read(100.0).total.validity is validity


def test_no_load_has_no_power_factor_and_no_crest(opened):
    driver, _ = opened(("cont on", "0.25;230;0;0;nan;1.41;nan;250;1.2"), *HUSH)
    assert driver.read(100.0).total.fields() == (0.0, 230.0, 0.0, 0.0)


@pytest.mark.parametrize("line", ["", "1", "0.25;1;2", f"{IDLE};1", IDLE.replace("0.25", "x")])
def test_a_line_that_is_no_sample_is_refused(opened, line):
    driver, _ = opened(("cont on", line))
    with pytest.raises(InstrumentError, match="answered 'cont on' with"):
        driver.read(100.0)


def test_channels_are_read_and_summed(opened):
    second = CHANNEL.replace("100.02", "50.01").replace(";1.2", ";2.5")
    driver, instrument = opened(
        ("cont on", f"0.25;{CHANNEL};{second}"),
        *HUSH,
        ("irng3?;iauto3?;urng3?;uauto3?", "2.5;0;250;0"),
        *("iauto2 1", NO_ERROR, "iauto3 1", NO_ERROR),
        driver=LMG600Multichannel,
        channels=(2, 3),
    )
    measured = driver.read(100.0)
    assert (instrument.name, instrument.channels) == ("LMG670_multichannel", 2)
    assert measured.total.power_w == pytest.approx(150.03)
    assert [channel.power_w for channel in measured.channels] == [100.02, 50.01]
    assert measured.channel_ranges == ((1.2, 250.0), (2.5, 250.0))
    assert driver.ranges(2)[0] == Range(False, 2.5)
    driver.set_range("A", None)


def test_closing_gives_it_back(opened, scripted):
    driver, line = LMG600(), scripted(*opening(), "cont off;gtl")
    driver.open(line, Wanted())
    driver.close()
    assert line.closed
