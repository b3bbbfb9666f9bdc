from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from analyzers.drivers.dummy import NoLine
from analyzers.ptd.meter import Meter
from metrology.errors import InstrumentAbsentError, InstrumentError, InstrumentLostError
from metrology.ranges import Range
from metrology.reading import BAD_READING, Reading, Validity


@pytest.fixture
def meter(driver: Any) -> Meter:
    return Meter.connect(driver, NoLine())


def ticking(step_s: float) -> Callable[[], float]:
    """A clock that goes on by a step at each look."""
    times = iter(range(1_000_000))
    return lambda: next(times) * step_s


def test_a_range_has_settled_after_two_good_readings_in_a_row(driver: Any, meter: Meter) -> None:
    good = driver.idle[0]
    driver.idle = [BAD_READING, good, BAD_READING, good, good, BAD_READING]
    assert meter.set_range("A", 1.0) == (Range(False, 1.0), True)
    assert driver.calls == ["A 1.0", *["idle read"] * 5]


@pytest.mark.parametrize("reading", [BAD_READING, Reading(1, 2, 3, 0.5, Validity.PEAK_OVER)])
def test_a_range_without_good_readings_is_set_all_the_same(driver: Any, reading: Reading) -> None:
    meter = Meter(driver, driver.instrument, clock=ticking(0.25))
    driver.idle = [reading]
    assert meter.set_range("V", None) == (Range(True, 300.0), False)
    assert 10 <= driver.calls.count("idle read") <= 12


@pytest.mark.parametrize("full_scale", [20.0, None])
def test_a_range_in_force_is_not_set_again(driver: Any, meter: Meter, full_scale: float | None) -> None:
    meter.set_range("A", full_scale)
    driver.calls.clear()
    assert meter.set_range("A", full_scale)[1]
    assert driver.calls == []


def test_a_fixed_range_ends_an_automatic_one_at_the_same_scale(driver: Any, meter: Meter) -> None:
    meter.set_range("A", None)
    assert meter.set_range("A", 20.0) == (Range(False, 20.0), True)


def test_an_instrument_that_refuses_is_not_lost(driver: Any, meter: Meter) -> None:
    driver.refused = "error 813"
    with pytest.raises(InstrumentError, match="error 813") as problem:
        meter.set_range("A", 1.0)
    assert not isinstance(problem.value, InstrumentLostError)


def test_an_instrument_that_sets_something_else_is_found_out(
    driver: Any, meter: Meter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "set_range", lambda quantity, full_scale, channel: None)
    with pytest.raises(InstrumentError, match=r"set to 1\.0 A, and the instrument says 20\.0 A"):
        meter.set_range("A", 1.0)


def test_an_instrument_that_answers_nothing_is_lost(driver: Any, meter: Meter) -> None:
    driver.dead = True
    with pytest.raises(InstrumentLostError, match="nobody answers"):
        meter.ranges()


def test_the_port_is_freed_where_nobody_answers(driver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    line = NoLine()
    monkeypatch.setattr(line, "close", lambda: closed.append(True))

    def absent(transport: object, wanted: object) -> None:
        raise InstrumentAbsentError("nobody")

    monkeypatch.setattr(driver, "open", absent)
    with pytest.raises(InstrumentAbsentError):
        Meter.connect(driver, line)
    assert closed


def test_a_lost_instrument_can_be_closed(driver: Any, meter: Meter, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise InstrumentError("the port is gone")

    monkeypatch.setattr(driver, "close", gone)
    meter.close()
    assert meter.model == "WT310"


class Bench:
    """A meter whose line can be opened again; `found` is what then answers, `said` what is said of it."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.said: list[str] = []
        self.opened = 0
        self.found = driver.instrument
        self.absent = False
        self.meter = Meter(driver, driver.instrument, reopen=self.reopen, say=self.said.append)
        driver.open = self.open

    def reopen(self) -> NoLine:
        self.opened += 1
        if self.absent:
            raise InstrumentAbsentError("no such port")
        return NoLine()

    def open(self, transport: object, wanted: object) -> Any:
        self.driver.dead = False
        return self.found


@pytest.fixture
def bench(driver: Any) -> Bench:
    return Bench(driver)


def test_an_instrument_lost_while_idle_is_connected_to_again_with_its_ranges(driver: Any, bench: Bench) -> None:
    bench.meter.set_range("A", 1.0)
    bench.meter.set_range("V", 150.0)
    driver.dead = True
    driver.calls.clear()
    assert bench.meter.set_range("A", 0.5) == (Range(False, 0.5), True)
    assert driver.calls[:3] == ["close", "A 1.0", "V 150.0"]
    assert bench.said == ["WARNING: Connected to the instrument again, after: nobody answers"]
    driver.dead = True
    assert bench.meter.begin(1000) == [(Range(False, 0.5), Range(False, 150.0))]
    assert bench.opened == 2


def test_another_instrument_in_its_place_is_not_taken(driver: Any, bench: Bench) -> None:
    bench.found = replace(driver.instrument, idn="YOKOGAWA,WT310E,ANOTHER,F1.04")
    driver.dead = True
    with pytest.raises(InstrumentLostError, match=r"ANOTHER,F1\.04' answers where 'YOKOGAWA,WT310E,SCRIPTED"):
        bench.meter.ranges()
    assert bench.said == []


def test_an_instrument_that_stays_away_is_lost(driver: Any, bench: Bench) -> None:
    bench.absent = driver.dead = True
    with pytest.raises(InstrumentLostError, match="nobody answers"):
        bench.meter.ranges()


def test_within_a_run_nothing_is_opened_again(driver: Any, bench: Bench) -> None:
    bench.meter.begin(1000)
    driver.fail()
    with pytest.raises(InstrumentError, match="the port is gone"):
        bench.meter.read(1.0)
    driver.dead = True
    with pytest.raises(InstrumentLostError):
        bench.meter.end()
    assert bench.opened == 0


def test_a_run_does_not_begin_in_other_ranges_than_were_set(driver: Any, bench: Bench) -> None:
    bench.meter.set_range("A", 1.0)
    driver.set_range("A", None)  # somebody at the front panel
    with pytest.raises(InstrumentError, match=r"was set to 1\.0 A, and the instrument says automatic"):
        bench.meter.begin(1000)
    assert bench.opened == 0
