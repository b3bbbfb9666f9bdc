import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analyzers.ptd.daemon import HOLD_S
from evidence.ptd_protocol import parse_identity, parse_list_header, parse_sample
from evidence.stamps import parse_stamp
from metrology.errors import InstrumentLostError
from metrology.reading import BAD_READING, Reading

Rig = Any
GOOD = Reading(100.0, 230.0, 0.5, 0.87)
UNKNOWN = "Unknown command"
WRONG_COUNT = "Invalid number of parameters"
BUSY = "Error: Meter busy, stop the measurement first"
GO = "Go,1000,0,S_ranging"
"""The dialogue is that of the reference director, its replies those of published sessions."""


def test_who_it_is(rig: Rig) -> None:
    assert rig.ask("Hello") == "Hello, PTDaemon here!"
    reply = rig.ask("Identify")
    assert reply.startswith("YokogawaWT310E,1000,1,1,1,1,0,1,0,version=wattrig_")
    assert reply.endswith("mode=power,1,1,1,0,0,no_cal_date,YOKOGAWA;WT310E;SCRIPTED;F1.04")
    identity = parse_identity(reply)
    assert identity.is_wattrig
    assert identity.channels == 1


@pytest.mark.parametrize("line", ["", "Foo", "RL?", "\ufffd\ufffd", "go1000", "DC-RL", ",,,"])
def test_what_it_does_not_know(rig: Rig, line: str) -> None:
    assert rig.ask(line).startswith(UNKNOWN)


@pytest.mark.parametrize(
    "line", ["Hello,1", "Identify,x", "RR,*", "RR,1,2", "Stop,1", "Mark", "Reset,1", "R*,1", "PF,*", "Uncertainty,*"]
)
def test_parameters_that_are_too_many_or_too_few(rig: Rig, line: str) -> None:
    assert rig.ask(line) == WRONG_COUNT


def test_ranges(rig: Rig) -> None:
    assert rig.ask("RR") == "Ranges,0,20.000000,0,300.000000"
    assert rig.ask("SR,V,Auto") == "Range V changed"
    assert rig.ask("sr,a,auto") == "Range A changed"
    assert rig.ask("RR") == "Ranges,1,20.000000,1,300.000000"
    assert rig.ask("SR,V,118.79") == "Range V changed"
    assert rig.ask("SR,A,0.329208") == "Range A changed"
    assert rig.ask("RR") == "Ranges,0,0.500000,0,150.000000"
    assert rig.ask("SR,A,20.1") == "Error in parameter 2: the largest range is 20 A"
    said = re.findall(r": (\w+ range set to .*)", rig.stream.getvalue())
    assert said == [
        "Volt range set to Auto",
        "Ampere range set to Auto",
        "Volt range set to 150.000000V",
        "Amp range set to 0.500000A",
    ]


def test_a_range_that_shows_nothing_good_is_told_as_a_warning(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzers.ptd.meter.SETTLING_S", 0.01)
    rig.driver.idle = [BAD_READING]
    assert rig.ask("SR,A,Auto") == "Range A changed"
    assert rig.said("WARNING: No good readings within") == 1


def test_an_instrument_that_refuses_makes_an_error_reply(rig: Rig) -> None:
    rig.driver.refused = "error 813\nwhile integrating"
    assert rig.ask("SR,A,1") == "Error: error 813?while integrating"
    assert rig.ask(GO).startswith("Error: error 813")
    assert rig.ask("Stop") == "Error: no measurement to stop"


def test_a_measurement_from_go_to_stop(rig: Rig) -> None:
    assert rig.ask("Stop") == "Error: no measurement to stop"
    assert rig.ask(GO) == ("Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples")
    assert rig.ask(GO) == BUSY
    assert rig.ask("SR,A,Auto") == BUSY
    assert rig.ask("RR") == "Ranges,0,20.000000,0,300.000000"
    rig.driver.feed(GOOD)
    rig.driver.feed(GOOD)
    rig.wait_samples(2)
    assert rig.ask("R*") == "Watts,100.000000,Volts,230.000000,Amps,0.500000,PF,0.870000"
    assert rig.ask("Stop") == "Stopping untimed measurement"
    rig.driver.feed(GOOD)  # the sample in flight
    assert rig.ask("RL,*,*") == WRONG_COUNT
    header, *lines = rig.listing("RL")
    assert parse_list_header(header) == (3, 0)
    assert [parse_sample(line).total for line in lines] == [GOOD] * 3
    assert rig.ask("RL") == "No unread samples"
    assert rig.ask("Watts") == "Watts,100.000000,100.000000,100.000000,3,0,3"
    assert rig.ask("Volts").startswith("Volts,230.000000,")
    assert rig.ask("Uncertainty").endswith(",3,3,0,0")
    assert rig.ask("Stop") == "Error: no measurement to stop"
    assert rig.driver.calls == ["begin 1000", "end"]


def test_the_log_of_a_measurement_is_in_the_order_that_checkers_want(rig: Rig) -> None:
    rig.ask("SR,A,Auto")
    rig.ask(GO)
    rig.driver.feed(GOOD)
    rig.wait_samples(1)
    rig.ask("Stop")
    rig.driver.feed(BAD_READING)
    rig.ask("Hello")
    said = [line[25:] for line in rig.stream.getvalue().splitlines() if line[25:] and line[23:25] == ": "]
    pair = [
        "ERROR: Can't evaluate uncertainty of this sample!",
        "WARNING: Uncertainty unknown for the last measurement sample!",
    ]
    bad = [f"ERROR: Bad {name} reading nan from WT310" for name in ("watts", "amps", "pf", "volts")]
    assert said == [
        "Ampere range set to Auto",
        "Go command received",
        "Go with mark 'S_ranging'",
        *pair,
        "Stop command received",
        *bad,
        *pair,
        "Completed test",
        "Avg watts 100.000000, min watts 100.000000, max watts 100.000000, samples 2, errors 1, valid 1",
    ]
    stamps = dict(reversed([(line[25:], line[:23]) for line in rig.stream.getvalue().splitlines()]))
    assert stamps["Completed test"] > stamps[bad[-1]]


def test_go_is_logged_with_the_moment_at_which_it_was_heard(rig: Rig) -> None:
    """It is held back a little for other meters' sake; the log still says when it came."""
    asked_ns = time.time_ns()
    rig.ask(GO)
    stamps = [parse_stamp(line[:23]) for line in rig.stream.getvalue().splitlines()]
    heard_ns, begun_ns = stamps
    assert begun_ns - heard_ns >= (HOLD_S - 0.001) * 1e9
    assert abs(heard_ns - asked_ns) < begun_ns - asked_ns + 1e6


def test_go_is_logged_with_the_moment_of_arrival_where_that_is_told(rig: Rig) -> None:
    rig.do(rig.daemon.answer(GO, arrived_ns=1_795_357_027_000_000_000))
    rig.ask("Stop")
    rig.driver.feed(GOOD)
    assert "11-22-2026 14:17:07.000: Go command received" in rig.stream.getvalue()


def test_samples_can_be_read_while_it_measures(rig: Rig) -> None:
    rig.ask("Go,100,0")
    assert rig.ask("R*") == "No data"
    assert rig.ask("RL") == "No unread samples"  # after waiting one interval for one
    for _ in range(3):
        rig.driver.feed(GOOD, after_ms=100)
    rig.wait_samples(3)
    assert rig.listing("RL,1")[0] == "Last 1 sample"
    rig.driver.feed(GOOD, after_ms=100)
    assert rig.listing("RL,*")[0] == "Last 1 sample"
    assert rig.ask("RL,2") == "Insufficient unread samples"
    rig.ask("Stop")
    rig.driver.feed(GOOD, after_ms=100)


def test_a_timed_measurement_ends_by_itself(rig: Rig) -> None:
    assert rig.ask("Timed,2,1000,1") == "Starting timed measurement, 2 samples at 1000ms with 1 rampup samples"
    for _ in range(3):
        rig.driver.feed(GOOD)
    rig.wait_until(lambda: rig.said("Completed test") == 1, "end")
    assert rig.ask("Stop") == "Error: no measurement to stop"
    assert rig.samples() == 2
    assert rig.ask("Timed,2,1000,0").startswith("Starting")
    assert rig.ask("Stop") == "Stopping timed measurement"
    rig.driver.feed(GOOD)


def test_a_mark_can_change_within_a_run(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    path = tmp_path / "samples"
    marked = make_rig(file=path)
    assert marked.ask("Mark,x") == "Error: no measurement to mark"
    marked.ask("Go,1000,0")
    marked.driver.feed(GOOD)
    marked.wait_samples(1)
    assert marked.ask("Mark,second") == "Mark changed"
    assert marked.ask("Mark,\x01").startswith("Error in parameter 1")
    marked.driver.feed(GOOD)
    marked.wait_samples(2)
    assert [line.rpartition(",")[2] for line in path.read_text().splitlines()] == ["notset", "second"]
    marked.ask("Stop")
    marked.driver.feed(GOOD)


def test_reset_drops_the_measurement(rig: Rig) -> None:
    rig.ask(GO)
    rig.driver.feed(GOOD)
    rig.wait_samples(1)
    reset = rig.begin(rig.daemon.answer("Reset"))
    rig.driver.feed(GOOD)
    assert reset.result(2) == ["Measurement reset"]
    assert rig.ask("Watts") == "Watts,-1.000000,-1.000000,-1.000000,0,0,0"
    assert rig.ask("Stop") == "Error: no measurement to stop"
    assert rig.ask("Reset") == "Measurement reset"


def test_three_channels(make_rig: Callable[..., Rig]) -> None:
    three = make_rig(channels=3)
    assert parse_identity(three.ask("Identify")).channels == 3
    assert three.ask("RR,*") == "Ranges" + ",0,20.000000,0,300.000000" * 4
    three.ask(GO)
    three.driver.feed(GOOD, GOOD, GOOD)
    three.wait_samples(1)
    three.ask("Stop")
    three.driver.feed(GOOD, GOOD, GOOD)
    header, first, _ = three.listing("RL,*,*")
    assert parse_list_header(header) == (2, 3)
    assert parse_sample(first).total.power_w == 300
    assert parse_sample(first).channels == (GOOD,) * 3
    assert len(three.ask("Uncertainty,*").split(",")) == 1 + 4 * 7
    assert three.ask("Watts") == "Watts,300.000000,300.000000,300.000000,2,0,2"
    assert three.ask("RR,x").startswith("Invalid channel")
    assert three.ask("RR,4").startswith("Channel number out of range")


def test_one_garbled_answer_is_a_missed_sample(rig: Rig) -> None:
    rig.ask(GO)
    rig.driver.feed(GOOD)
    rig.driver.fail("got 'x1\x00' as a sample")
    rig.driver.feed(GOOD, after_ms=2000)
    rig.wait_samples(3)
    assert rig.said("Reading failed, trying again") == 1
    assert rig.said("WARNING: Missed 1 samples") == 1
    rig.ask("Stop")
    rig.driver.feed(GOOD)


def test_a_port_that_fails_again_and_again_is_lost_at_once(rig: Rig) -> None:
    rig.ask(GO)
    for _ in range(3):
        rig.driver.fail()
    with pytest.raises(InstrumentLostError, match="the port is gone"):
        rig.do(_wait(rig.daemon.failed), 2.0)
    assert rig.said("Completed test") == 0


def test_an_instrument_that_falls_silent_is_lost(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzers.ptd.sampler.SILENCE_S", 0.1)
    rig.ask("Go,100,0")
    with pytest.raises(InstrumentLostError, match="nothing came"):
        rig.do(_wait(rig.daemon.failed), 2.0)


def test_an_instrument_that_is_gone_between_runs_is_lost_at_the_next_command(rig: Rig) -> None:
    rig.driver.dead = True
    with pytest.raises(InstrumentLostError):
        rig.ask("SR,A,Auto")
    assert rig.ask("Hello")


def test_the_last_sample_is_newer_than_the_stop(rig: Rig) -> None:
    """A workload may end, and be stopped, between the update of the sample being read and its last byte."""
    rig.ask(GO)
    updated_ns = time.monotonic_ns()
    rig.ask("Stop")
    rig.driver.feed(GOOD, mono_ns=updated_ns)
    rig.driver.feed(GOOD)
    assert rig.samples() == 2


def test_the_end_of_the_process_ends_the_run(rig: Rig) -> None:
    rig.ask(GO)
    rig.driver.feed(GOOD)
    rig.wait_samples(1)
    closing = rig.begin(rig.daemon.close())
    rig.driver.feed(GOOD)
    closing.result(2)
    assert rig.driver.calls == ["begin 1000", "end", "close"]
    assert rig.said("Completed test") == 1


def test_a_hanging_instrument_does_not_hold_up_the_end(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzers.ptd.measuring.CLOSING_S", 0.05)
    rig.ask(GO)
    rig.do(rig.daemon.close())
    assert "close" not in rig.driver.calls
    rig.driver.feed(GOOD)


async def _wait(future) -> None:  # type: ignore[no-untyped-def]
    await future


def test_a_channel_can_have_a_range_of_its_own(make_rig: Callable[..., Rig]) -> None:
    three = make_rig(channels=3)
    assert three.ask("SR,A,0.4") == "Range A changed"
    assert three.ask("SR,A,0.7,2") == "Range A changed"
    assert three.ask("SR,V,Auto,*") == "Range V changed"
    assert three.ask("RR,2") == "Ranges,0,1.000000,1,300.000000"
    group, differing = ",0,0.500000,1,300.000000", ",0,1.000000,1,300.000000"
    unknown = ",0,-1.000000,1,300.000000"
    assert three.ask("RR,*") == f"Ranges{unknown}{group}{differing}{group}"
    assert three.ask("RR") == f"Ranges{unknown}"
    said = re.findall(r": (\w+ range for .*)", three.stream.getvalue())
    assert said[2:5] == [
        "Amp range for channel 3, physical channel 4, set to 0.500000A",
        "Amp range for channel 2, physical channel 3, set to 1.000000A",
        "Voltage range for channel 1, physical channel 2, set to Auto",
    ]
    assert three.ask("SR,A,1,4").startswith("Channel number out of range")


def test_direct_current_is_listed_by_another_name(make_rig: Callable[..., Rig], rig: Rig) -> None:
    direct = make_rig(dc=True)
    direct.ask(GO)
    direct.driver.feed(GOOD)
    direct.wait_samples(1)
    direct.ask("Stop")
    direct.driver.feed(GOOD)
    assert direct.ask("RL,*,*").startswith(UNKNOWN)
    assert direct.ask("RL").startswith(UNKNOWN)
    header, *lines = direct.listing("DC-RL")
    assert parse_list_header(header) == (2, 0)
    assert parse_sample(lines[0]).total == GOOD
    assert rig.ask("DC-RL").startswith(UNKNOWN)
