import pytest

from analyzers.driver import Wanted
from analyzers.drivers import driver_for
from analyzers.drivers.dummy import Dummy, NoLine
from metrology.errors import InstrumentError
from metrology.ranges import Range


class Time:
    """A clock that goes on only while somebody sleeps."""

    def __init__(self) -> None:
        self.now_ns = 5_000

    def clock(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * 1e9)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def dummy(time: Time) -> Dummy:
    made = Dummy(time.clock, time.sleep)
    assert made.open(NoLine(), Wanted()).name == "Dummy"
    return made


def test_it_is_device_type_0() -> None:
    assert isinstance(driver_for(0), Dummy)
    assert driver_for(0).family.device_type == 0


def test_it_says_that_it_is_simulated(dummy: Dummy) -> None:
    assert "SIMULATED" in dummy.open(NoLine(), Wanted()).idn


def test_it_updates_on_a_grid_however_long_the_reader_takes(dummy: Dummy, time: Time) -> None:
    dummy.begin(1000)
    stamps = []
    for busy_s in (0.0, 0.3, 0.9, 0.0):
        time.sleep(busy_s)
        stamps.append(dummy.read(5).t_mono_ns - 5_000)
    assert stamps == [1_000_000_000, 2_000_000_000, 3_000_000_000, 4_000_000_000]


def test_a_reader_that_comes_too_late_has_missed_updates(dummy: Dummy, time: Time) -> None:
    dummy.begin(1000)
    assert dummy.read(5).missed == 0
    time.sleep(2.5)
    assert dummy.read(5).missed == 2


def test_it_shows_what_the_dummy_of_ptdaemon_shows(dummy: Dummy) -> None:
    assert dummy.read(1).total.fields() == (23.31, 120.0, 0.19425, 1.0)


def test_outside_a_run_it_updates_fast(dummy: Dummy, time: Time) -> None:
    dummy.begin(1000)
    dummy.end()
    began_ns = time.now_ns
    dummy.read(1)
    assert time.now_ns - began_ns == 100_000_000
    dummy.close()


def test_ranges(dummy: Dummy) -> None:
    assert dummy.ranges() == (Range(False, 1.0), Range(False, 150.0))
    dummy.set_range("A", 10.0)
    dummy.set_range("V", None)
    assert dummy.ranges() == (Range(False, 10.0), Range(True, 150.0))


def test_nobody_is_at_the_other_end_of_its_line() -> None:
    line = NoLine()
    line.clear()
    line.close()
    with pytest.raises(InstrumentError, match="no instrument to send"):
        line.write("*IDN?")
    with pytest.raises(InstrumentError, match="no instrument to read from"):
        line.read(1)
