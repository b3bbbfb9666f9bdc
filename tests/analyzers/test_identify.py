"""Who is there, over a scripted line, and where a place is."""

import tomllib

import pytest

from analyzers import identify as module
from analyzers.drivers import driver_for
from analyzers.identify import Identity, driver_at, identify
from analyzers.place import Place
from director.analyzer_config import AnalyzerConfig
from metrology.errors import ConfigError, InstrumentAbsentError, WrongInstrumentError

WT310E = "YOKOGAWA,WT310E,C3XA04010E,F1.04"


def test_fields_options_and_drivers(scripted):
    found = identify(scripted(("*IDN?", WT310E), ("*OPT?", "C7,G5")))
    assert (found.maker, found.model, found.serial, found.firmware) == ("YOKOGAWA", "WT310E", "C3XA04010E", "F1.04")
    assert found.options == "C7,G5"
    assert [family.device_type for family in found.families] == [49, 549]
    assert not found.simulated


def test_options_that_are_not_told_are_no_error_and_others_are_not_asked(scripted):
    assert identify(scripted(("*IDN?", WT310E), ("*OPT?", scripted.SILENCE))).options is None
    assert identify(scripted(("*IDN?", "HIOKI,PW3335,SIMULATED,V1.00"))).simulated


def test_a_serial_line_is_cleared_of_half_a_message(scripted):
    line = scripted("", ("*IDN?", "HIOKI,PW3335,0,V1.00"))
    line.byte_s = 0.001
    assert identify(line).model == "PW3335"


def test_mute_garbage_and_the_wrong_model_are_told_apart(scripted):
    with pytest.raises(InstrumentAbsentError):
        identify(scripted(("*IDN?", scripted.SILENCE)))
    with pytest.raises(WrongInstrumentError, match="in answer to"):
        identify(scripted(("*IDN?", "\x00\x7fgarbage", scripted.SILENCE)))
    with pytest.raises(WrongInstrumentError, match="expected a Hioki PW3335"):
        identify(scripted(("*IDN?", WT310E)), driver_for(57).family)


@pytest.mark.parametrize(
    ("port", "flag", "meant"),
    [
        ("/dev/ttyUSB0", None, None),
        ("/dev/usbtmc0", None, None),
        ("COM4", None, None),
        ("192.168.1.20", None, "n"),
        ("meter.lab:3300", None, "n"),
        ("TCPIP::10.0.0.5::INSTR", None, None),
        ("91K225903", "y", "y"),
        ("1", "g", "g"),
    ],
)
def test_an_address_is_meant_as_one_and_the_table_is_a_station_files(port, flag, meant):
    place = Place(port, flag, 38400, 1)
    assert place.meant == meant
    (table,) = tomllib.loads(place.table(driver_for(49).family))["analyzer"]
    config = AnalyzerConfig.model_validate(table)
    assert (config.device_type, config.device_port, config.baud, config.gpib_board) == (49, port, 38400, 1)
    assert config.interface_flag == (f"-{meant}" if meant else "")


def test_a_port_with_signs_of_toml_is_written_as_it_is():
    port = 'a"]\nb = "\\'
    assert tomllib.loads(Place(port).table(driver_for(49).family))["analyzer"][0]["device_port"] == port


def answering(monkeypatch, idn):
    parts = idn.split(",")
    families = tuple(module.suiting(idn))
    monkeypatch.setattr(module, "identify_at", lambda _: Identity(idn, *parts, None, families))


def test_the_driver_is_the_one_named_or_the_one_found(monkeypatch):
    assert driver_at(Place("x"), 49, dc=True).family.device_type == 549
    answering(monkeypatch, "YOKOGAWA,WT333E,C2SF14011V,F1.01")
    assert driver_at(Place("x"), None).family.device_type == 52
    assert driver_at(Place("x"), None, several=True).family.device_type == 77
    with pytest.raises(ConfigError, match="DC of several") as raised:
        driver_at(Place("x"), None, dc=True, several=True)
    assert "52, 77, 586" in raised.value.hint
    answering(monkeypatch, "KEYSIGHT,N6705C,1,2")
    with pytest.raises(WrongInstrumentError, match="no driver here knows it"):
        driver_at(Place("x"), None)
