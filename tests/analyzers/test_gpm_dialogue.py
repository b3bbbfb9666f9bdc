"""The GPM drivers' dialogue where it differs from the WT310's, from which the rest is inherited."""

import pytest

from analyzers.driver import Wanted
from analyzers.drivers import driver_for
from metrology.errors import WrongInstrumentError
from tests.analyzers.yokogawa_opening import opening_of

GPM8213, GPM8310 = "GWInstek,GPM-8213,GES913349,V1.05", "GWINSTEK,GPM-8310,GEW123456,V1.00"
SAMPLE = ":COMM:WAIT 1;:NUM:NORM:VAL?;:CURR:RANG?;:VOLT:RANG?;:STAT:COND?;:STAT:EESR?"


def opening(idn, modes):
    items = ":NUM:NORM:ITEM1 U;ITEM2 I;ITEM3 P;ITEM4 LAMBDA;ITEM5 FU"
    return opening_of(idn, modes, ":NUM:FORM ASC;:NUM:NORM:NUM 5", items, ":RATE 250MS;:STAT:FILT1 FALL")


@pytest.mark.parametrize(
    ("device_type", "idn", "modes", "name"),
    [
        (9010, GPM8213, ":MEAS:AVER OFF;:INP:MODE ACDC", "GWInstekGPM8213"),
        (
            *(9011, GPM8310, ":MEAS:AVER OFF;:MEAS:MHOL OFF;:INP:MODE ACDC;:SYNC CURR;:FILT:LINE OFF"),
            "GWInstekGPM8310",
        ),
        (
            *(9012, GPM8310, ":MEAS:AVER OFF;:MEAS:MHOL OFF;:INP:MODE DC;:SYNC OFF;:FILT:LINE OFF"),
            "GWInstekGPM8310_DC",
        ),
    ],
)
def test_it_is_set_up_and_read_like_a_wt310(scripted, device_type, idn, modes, name):
    answer = "127.58,0.24002,17.688,0.5776,59.993;500.0E-03;150.0E+00;0;1"
    line = scripted(*opening(idn, modes), (":STAT:EESR?", "0"), (SAMPLE, answer), ":COMM:REM OFF")
    driver = driver_for(device_type)
    instrument = driver.open(line, Wanted())
    measured = driver.read(1.0)
    driver.close()
    assert (instrument.name, instrument.idn, instrument.channels) == (name, idn, 0)
    assert measured.total.fields() == (17.688, 127.58, 0.24002, 0.5776)
    assert (measured.current_range_a, measured.voltage_range_v) == (0.5, 150.0)


def test_one_model_is_not_taken_for_the_other(scripted):
    with pytest.raises(WrongInstrumentError, match="expected a GW Instek GPM-8310, device type 9011"):
        driver_for(9011).open(scripted("", ("*IDN?", GPM8213)), Wanted())
