"""What the simulated instrument understands, message by message, without a process around it."""

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analyzers.simulated.commands import commands, make
from analyzers.simulated.device import Setting
from analyzers.simulated.load import ConstantLoad
from analyzers.simulated.meter import Mains
from analyzers.simulated.profiles import WT310E

NO_ERROR = '0,"No error"'


class Bench:
    """An instrument that is asked and answers at once; `now_s` is its clock."""

    def __init__(self, power_w=100.0, headers=False):
        self.now_s = 0.0
        self.device = make(WT310E, Setting(ConstantLoad(power_w), Mains(), lambda: self.now_s))
        (self.meter,) = self.device.meters
        self.meter.current.index, self.meter.voltage.index = 6, 4
        if not headers:
            self.ask(":COMM:HEAD OFF")

    def begin(self, message):
        return self.device.run(message)

    def ask(self, message):
        try:
            next(self.begin(message))
        except StopIteration as finished:
            return finished.value
        raise AssertionError(f"{message!r} waits")

    def update(self, count=1):
        for _ in range(count):
            self.now_s = self.device.update().t_s

    def error(self):
        return int(self.ask(":STAT:ERR?").split(",")[0])


@pytest.fixture
def bench():
    return Bench()


@pytest.mark.parametrize(
    "header",
    [":INP:CURR:RANG", ":INPUT:CURRENT:RANGE", ":CURR:RANG", ":inp:Current:rang", "CURR:RANG", "input:curr:range"],
)
def test_long_and_short_forms(bench, header):
    assert bench.ask(f"{header} 2A") == ""
    assert bench.ask(f"{header}?") == "2.000E+00"


@pytest.mark.parametrize(
    "message",
    ["CURRE:RANG?", ":CURR", ":CURR:RANG:X?", "::", ":", "?", "*", "*IDN", "CURR:RANG1?", ":NUM:NORM:ITEM?",
     ":STAT:ERR", ":NUM:NORM:VAL", "\x00\xff", ":COMM:WAIT?"],
)  # fmt: skip
def test_what_it_does_not_know_is_an_undefined_header(bench, message):
    assert bench.ask(message) == ""
    assert bench.ask(":STAT:ERR?") == '113,"Undefined header"'
    assert bench.ask(":STAT:ERR?") == NO_ERROR


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (":CURR:RANG", 109), (":CURR:RANG 1,2", 108), (":CURR:RANG 1V", 224), (":CURR:RANG 3A", 222),
        (":CURR:RANG 1E99", 222), (":CURR:RANG .", 224), (":CURR:AUTO MAYBE", 224), (":CURR:AUTO 2", 222),
        (":CFAC 4", 224), (":RATE 300MS", 222), (":SYNC FREQ", 224), (":NUM:NORM:NUM 256", 222),
        (":NUM:NORM:NUM 0", 222), (":NUM:NORM:ITEM256 U", 114), (":NUM:NORM:ITEM0 U", 114), (":NUM:NORM:ITEM1", 224),
        (":NUM:NORM:ITEM1 U,2", 222), (":NUM:NORM:VAL? 99", 222), (":NUM:NORM:PRES 5", 222), (":NUM:NORM:CLE", 109),
        (":STAT:FILT0 FALL", 114), (":STAT:FILT17 FALL", 114), (":COMM:WAIT 65536", 222),
        (":CURR:RANG 1" + ",1" * 9, 108),
    ],
)  # fmt: skip
def test_what_it_refuses(bench, message, code):
    assert bench.ask(message) == ""
    assert bench.error() == code
    assert bench.error() == 0


def test_compounds_go_on_in_the_same_group(bench):
    assert bench.ask(":CURR:AUTO OFF;RANG 500MA;:VOLT:AUTO OFF;RANG 150V;*OPC?;AUTO?;:CURR:RANG?") == "1;0;500.0E-03"
    assert bench.ask(":CFAC?;:CURR:RANG?;:CURR:AUTO?;:VOLT:RANG?;:VOLT:AUTO?") == "3;500.0E-03;0;150.0E+00;0"
    assert bench.ask(":NUM:NORM:NUM 2;ITEM1 P,1;ITEM2 LAMBDA;:NUM:NORM?") == "2;P,1;LAMB,1"
    assert bench.ask(" ;; *IDN? ; ;") == "YOKOGAWA,WT310E,SIMULATED,F1.04"
    assert bench.error() == 0


def test_a_command_error_ends_the_message_and_a_refused_value_does_not(bench):
    assert bench.ask(":CFAC?;:NONSENSE;:CFAC?") == "3"
    assert bench.error() == 113
    assert bench.ask(":CURR:RANG 3A;:CFAC?") == "3"
    assert bench.error() == 222


def test_headers_are_short_or_in_full():
    bench = Bench(headers=True)
    assert bench.ask(":MEAS:AVER:STATE?;:MEAS:AVER:TYPE?") == ":MEAS:AVER 0;:MEAS:AVER:TYPE LIN"
    assert bench.ask(":SYNC CURR;:SYNC?") == ":SYNC CURR"
    assert bench.ask(":NUM:NORM:ITEM3?;*OPC?;:STAT:ERR?") == f":NUM:ITEM3 P,1;1;{NO_ERROR}"
    bench.ask(":COMM:VERB ON")
    assert bench.ask(":SYNC?") == ":INPUT:SYNCHRONIZE CURRENT"
    assert bench.ask(":COMM:HEAD OFF;:INTEG:STATE?;:COMM:VERB OFF;:INTEG:STATE?") == "RESET;RES"
    assert bench.ask(":COMM:HEAD?;VERB?;REM?") == "0;0;0"


def test_identity_and_common_commands(bench):
    assert bench.ask("*IDN?") == "YOKOGAWA,WT310E,SIMULATED,F1.04"
    assert bench.ask("*OPT?;:WIRING?;:INP:CRAN?") == "NONE;P1W2;0"
    bench.ask("*OPC;:NONSENSE")
    bench.ask(":CURR:RANG 3A")
    assert bench.ask("*ESR?;*ESR?") == f"{1 + 16 + 32};0"
    assert bench.ask("*CLS;:STAT:ERR?") == NO_ERROR


def test_the_error_queue_overflows_and_can_do_without_texts(bench):
    for _ in range(20):
        bench.ask(":NONSENSE")
    bench.ask(":STAT:QMES OFF")
    answers = [bench.ask(":STAT:ERR?") for _ in range(17)]
    assert answers == ["113"] * 15 + ["350", "0"]


def test_reset(bench):
    bench.ask(":CURR:AUTO OFF;:CFAC 6;:RATE 5S;:NUM:NORM:NUM 1;:MEAS:AVER ON")
    assert bench.ask(":RATE?;:CFAC?;:MEAS:AVER?") == "5S;6;1"
    assert bench.ask("*RST;:RATE?;:CFAC?;:CURR:AUTO?;:MEAS:AVER?;:NUM:NORM:NUM?") == "250MS;3;1;0;9"


@pytest.mark.parametrize("rate", ["100MS", "250MS", "500MS", "1S", "2S", "5S", "10S", "20S"])
def test_rates(bench, rate):
    assert bench.ask(f":RATE {rate};:RATE?;:SAMP:RATE?") == f"{rate};{rate}"
    assert bench.ask(":RATE 0.25;:RATE?") == "250MS"


def test_crest_factor_halves_the_ranges(bench):
    assert bench.ask(":CFAC 6;:CURR:RANG?;:VOLT:RANG?") == "250.0E-03;150.0E+00"
    assert bench.ask(":CURR:RANG 0.5;:CURR:RANG?;:CURR:RANG 20;:STAT:ERR?") == '500.0E-03;222,"Data out of range"'


def test_values(bench):
    assert bench.ask(":NUM:NORM:VAL? 1") == "NAN"
    bench.ask(":CURR:AUTO OFF;:VOLT:AUTO OFF;:NUM:NORM:NUM 5;ITEM4 LAMB,1;ITEM5 FU,1")
    bench.update(2)
    assert bench.ask(":NUM:NORM:VAL?") == "230.00E+00,457.67E-03,100.00E+00,0.9500E+00,50.000E+00"
    assert bench.ask(":NUM:VAL? 3") == "100.00E+00"
    bench.ask(":NUM:NORM:PRES 3")
    values = [float(text) for text in bench.ask(":NUM:NORM:VAL?").split(",")]
    voltage_v, current_a, power_w, apparent_va, reactive_va, factor, angle_deg = values[:7]
    assert apparent_va == pytest.approx(voltage_v * current_a, rel=1e-4)
    assert power_w**2 + reactive_va**2 == pytest.approx(apparent_va**2, rel=1e-3)
    assert math.cos(math.radians(angle_deg)) == pytest.approx(factor, rel=1e-3)
    assert values[9] == pytest.approx(230 * math.sqrt(2), rel=1e-4)
    assert bench.ask(":NUM:NORM:CLE ALL;:NUM:NORM:VAL?") == ",".join(["NAN"] * 13)


def test_values_as_a_block(bench):
    bench.ask(":CURR:AUTO OFF;:VOLT:AUTO OFF;:NUM:FORM FLO;:NUM:NORM:PRES 1")
    bench.update(2)
    assert bench.ask(":NUM:FORM?") == "FLO"
    answer = bench.ask(":NUM:NORM:VAL?").encode("latin-1")
    assert answer[:6] == b"#40012"
    assert answer[-4:] == bytes.fromhex("42c80000")


def test_integration(bench):
    bench.ask(":NUM:NORM:NUM 2;ITEM1 WH,1;ITEM2 TIME;:INTEG:STAR")
    bench.update(4)
    assert bench.ask(":INTEG:STATE?;:NUM:NORM:VAL?") == "STAR;0.0278E+00,1.0000E+00"
    assert bench.ask(":STAT:COND?") == "2"
    for message, code in [(":CURR:RANG 1A", 813), (":INTEG:STAR", 842), (":INTEG:RES", 845), (":CFAC 6", 813),
                          (":FILT:LINE ON", 813), (":RATE 1S", 813), ("*RST", 813)]:  # fmt: skip
        bench.ask(message)
        assert bench.error() == code
    assert bench.ask(":INTEG:STOP;STATE?;RES;STATE?") == "STOP;RES"
    bench.ask(":INTEG:STOP")
    assert bench.error() == 844


@pytest.mark.parametrize(("edge", "event"), [("FALL", "1"), ("RISE", "1"), ("BOTH", "1"), ("NEV", "0")])
def test_events_of_the_update(bench, edge, event):
    bench.ask(f":STAT:FILT1 {edge}")
    assert bench.ask(":STAT:FILT1?;:STAT:FILT2?") == f"{edge};NEV"
    bench.update()
    assert bench.ask(":STAT:EESR?;EESR?;COND?") == f"{event};0;0"


def test_waiting_holds_the_message_until_the_event(bench):
    bench.ask(":STAT:FILT1 FALL")
    running = bench.begin(":CFAC?;:COMM:WAIT 1;:STAT:EESR?")
    assert next(running) is None
    assert next(running) is None
    bench.update()
    with pytest.raises(StopIteration) as finished:
        next(running)
    assert finished.value.value == "3;1"
    bench.update()
    assert bench.ask(":COMM:WAIT 1;:CFAC?") == "3", "an event that has come already is not waited for"


pieces = st.sampled_from(
    [":", ";", "?", " ", ",", "*", "NUM", "NORM", "ITEM", "1", "VAL", "STAT", "FILT", "CURR", "RANG", "RATE", "INTEG",
     "STAR", "RES", "5", "0.5", "A", "U", "1E9", "INP", "FLO", "FORM", "PRES", "CLE", "ALL", "\t", "\x00", "é", "RST"]
)  # fmt: skip


@given(st.lists(st.text(max_size=30) | st.lists(pieces, max_size=12).map("".join), max_size=6))
@example([":NUM:NORM:NUM 1;:NUM:NORM:CLE ALL;:NUM:NORM:VAL?"])
def test_nothing_makes_it_fall(messages):
    bench = Bench()
    for message in messages:
        running = bench.begin(message)
        if next(running, "done") is None:
            bench.device.status.waiting = 0
        bench.update()
    assert bench.ask("*IDN?") == "YOKOGAWA,WT310E,SIMULATED,F1.04"
    while bench.error():
        pass


def test_every_command_has_its_forms_to_itself():
    forms = [form for command in commands(WT310E) for form in command.forms()]
    assert len(forms) == len(set(forms))
    assert all(re.fullmatch(r"[*A-Z#]+", word) for form in forms for word in form)
