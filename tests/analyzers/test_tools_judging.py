"""What the tools for operators make of readings, settings and clocks; nothing is connected."""

import struct
from types import SimpleNamespace

import pytest

from analyzers.driver import Instrument, Measured
from analyzers.drivers import driver_for
from analyzers.identify import Identity
from analyzers.live import shown
from analyzers.machine_clock import clock_line
from analyzers.preflight import State, judged, reading_line, who
from analyzers.probe import Heard
from analyzers.questions import COMMON, HIOKI, WT200, WT300, WT500, bare, questions_for
from analyzers.scan import Candidate, identified, network_candidates, serial_candidates, usbtmc_candidates
from metrology.ranges import Range
from metrology.reading import BAD_READING, Reading, Validity
from metrology.uncertainty import Accuracy

GOOD = Reading(100.0, 230.0, 0.5, 0.87)
ONE = Instrument("X", "a,b,c,d", (300.0,), (0.5,), Accuracy(0.001, 0.0005, 0.0))
FIXED = (Range(False, 0.5), Range(False, 300.0))
AUTO = (Range(True, 0.5), Range(False, 300.0))


def sample(reading=GOOD, ranges=FIXED, **told):
    return shown(Measured(7, 7, reading, (), "raw", **told), ONE, [ranges], (1,))[0]


def test_a_reading_tells_what_it_uses_of_its_ranges_and_how_uncertain_it_is():
    found = sample()
    assert (found.voltage_share, found.current_share) == pytest.approx((230 / 300, 1.0))
    assert found.uncertainty == pytest.approx(0.001 + 0.0005 * 150 / 115)
    assert sample(current_range_a=1.0).uncertainty == pytest.approx(0.001 + 0.0005 * 300 / 115)


def test_nothing_is_made_up_for_automatic_ranges_and_bad_readings():
    assert sample(ranges=AUTO).uncertainty is None
    bad = sample(BAD_READING)
    assert (bad.uncertainty, bad.voltage_share, bad.current_share) == (None, None, None)


def test_several_channels_bear_their_numbers_and_the_sum_weighs_them():
    three = Instrument("X", "a,b,c,d", (300.0,), (0.5,), Accuracy(0.001, 0.0005, 0.0), channels=2)
    low = Reading(50.0, 230.0, 0.25, 0.87)
    measured = Measured(
        7, 7, Reading(150.0, 230.0, 0.375, 0.87), (GOOD, low), "raw", channel_ranges=((0.5, 300), (1, 300))
    )
    total, first, second = shown(measured, three, [FIXED, FIXED], (2, 3))
    assert [each.name for each in (total, first, second)] == ["sum", "2", "3"]
    assert second.current_range_a == 1
    assert total.uncertainty == pytest.approx((first.uncertainty * 100 + second.uncertainty * 50) / 150)
    assert (total.voltage_share, total.current_share) == (None, None)


@pytest.mark.parametrize(
    ("reading", "ranges", "state", "text"),
    [
        (GOOD, FIXED, State.OK, "uncertainty 0.17%"),
        (GOOD, AUTO, State.OK, "unknown while a range is automatic"),
        (BAD_READING, FIXED, State.WARNING, "bad reading"),
        (Reading(1.0, 230.0, 0.005, 0.87), FIXED, State.WARNING, "above 1%"),
        (Reading(100.0, 230.0, 0.5, 0.87, Validity.PEAK_OVER), FIXED, State.WARNING, "peak over range"),
    ],
    ids=["good", "auto", "bad", "small", "peak"],
)
def test_a_trial_reading_is_judged(reading, ranges, state, text):
    line = reading_line(sample(reading, ranges))
    assert line.state is state
    assert text in line.found
    assert bool(line.remedy) == (state is not State.OK)


def test_settings_are_judged_with_a_remedy():
    crest, *_ = WT300
    assert judged(crest, "3").state is State.OK
    wrong = judged(crest, "6A")
    assert (wrong.state, bool(wrong.remedy)) == (State.WARNING, True)
    assert judged(crest, "6A", any_will_do=True).state is State.OK
    assert [bare(text) for text in ("3", ":CFAC 3", ':STAT:ERR 0,"No error"', '0,"No error"')] == [
        "3", "3", '0,"No error"', '0,"No error"'
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("idn", "questions"),
    [
        ("YOKOGAWA,WT310E,1,F1", WT300),
        ("YOKOGAWA,WT333,1,F1", WT300),
        ("GWInstek,GPM-8213,1,V1", WT300),
        ("YOKOGAWA,760401,0,F1.12", WT200),
        ("YOKOGAWA,760203,1,F1.21", WT500),
        ("YOKOGAWA,WT1804E,1,F1", WT500),
        ("HIOKI,PW3336,1,V1", HIOKI),
        ("ZES ZIMMER Electronic Systems GmbH,LMG670,1,1", ()),
        ("KEYSIGHT,N6705C,1,2", COMMON),
    ],
)
def test_each_family_is_asked_what_it_knows_and_told_nothing(idn, questions):
    assert questions_for(idn) == questions
    assert all(question.message.endswith("?") for question in questions)


def identity(idn):
    return Identity(idn, *idn.split(","), "C7", ())


def test_who_answered_and_how_far_its_driver_was_tried():
    lines = {line.name: line for line in who(identity("YOKOGAWA,WT310E,1,F1.04"), driver_for(49))}
    assert {line.state for line in lines.values()} == {State.OK}
    assert lines["firmware"].found == "F1.04, options C7"
    lines = {line.name: line for line in who(identity("ZES,LMG610,SIMULATED,1"), driver_for(9000))}
    assert [lines[name].state for name in ("identity", "driver", "accepted")] == [State.WARNING] * 3


def kernel(result, status, max_error_us=1500):
    def ask(buffer):
        struct.pack_into("q", buffer, 24, max_error_us)
        struct.pack_into("i", buffer, 40, status)
        return result

    return ask


def test_the_clock_is_judged_by_what_the_kernel_tells():
    good = clock_line(kernel(0, 0x2001))
    assert (good.state, good.found) == (State.OK, "synchronized, to 1.5 ms at worst")
    for ask in (kernel(5, 0), kernel(0, 0x40), kernel(-1, 0)):
        assert clock_line(ask).state is State.WARNING
    assert clock_line().name == "clock", "the true system call can be made"


def test_ports_of_this_machine(tmp_path):
    ports = [
        SimpleNamespace(device="/dev/ttyUSB1", description="b"),
        SimpleNamespace(device="/dev/ttyS0", description="a"),
    ]
    assert [found.port for found in serial_candidates(ports)] == ["/dev/ttyS0", "/dev/ttyUSB1"]
    device = tmp_path / "bus" / "1-1"
    (device / "1-1:1.0").mkdir(parents=True)
    for name, text in (("manufacturer", "Yokogawa"), ("idVendor", "0b21"), ("serial", "C3XA\n")):
        (device / name).write_text(text)
    for entry in ("usbtmc0", "usbtmc1"):
        (tmp_path / "class" / entry).mkdir(parents=True)
    (tmp_path / "class" / "usbtmc0" / "device").symlink_to(device / "1-1:1.0")
    found = usbtmc_candidates(tmp_path / "class")
    assert [(each.port, each.what) for each in found] == [
        ("/dev/usbtmc0", "Yokogawa 0b21 C3XA"), ("/dev/usbtmc1", "USB-TMC")
    ]  # fmt: skip


def test_a_candidate_that_is_not_there_stays_with_why():
    (heard,) = network_candidates([Heard("127.0.0.1:1", "a TCP port that is open")])
    (told,) = identified([heard])
    assert told.identity is None
    assert "no connection to an instrument at '127.0.0.1:1'" in told.problem
    assert Candidate("x", "serial", "y").table is None
