"""Which updates were lost, against an instrument whose every update is known."""

import math

from hypothesis import given
from hypothesis import strategies as st

from analyzers.drivers.updates import UpdateCount

MS = 1_000_000
LATENCY_MS = 1.0
PERIOD_MS = 100.0


class Instrument:
    """Updates at `period_ms`; a question is answered with the first update not read, or the latest of them."""

    def __init__(self, period_ms: float = PERIOD_MS) -> None:
        self.period_ms = period_ms
        self.now_ms = 0.5
        self.read = 0
        self.count = UpdateCount(PERIOD_MS)
        self.told = 0
        self.lost = 0

    def ask(self, stalled_before_ms: float = 0.0, stalled_after_ms: float = 0.0) -> int:
        """Read once; get how many updates are told to be lost."""
        asked_ms = self.now_ms = self.now_ms + stalled_before_ms
        shown = max(self.read + 1, math.floor((asked_ms + LATENCY_MS / 2) / self.period_ms))
        self.now_ms = max(asked_ms, shown * self.period_ms) + LATENCY_MS + stalled_after_ms
        self.lost += shown - self.read - 1 if self.read else 0
        self.read = shown
        told = self.count.lost(round(asked_ms * MS), round(self.now_ms * MS))
        self.told += told
        return told


def test_a_reading_that_is_late_by_less_than_a_period_loses_nothing() -> None:
    """As it happened: 1.7 periods after the one before, and nothing was lost."""
    for late in (0.5, 0.7, 0.85):
        instrument = Instrument()
        assert [instrument.ask(), instrument.ask(), instrument.ask((1 + late) * PERIOD_MS), instrument.ask()] == [
            0
        ] * 4
        assert instrument.lost == 0


def test_an_answer_that_is_stamped_late_loses_nothing() -> None:
    instrument = Instrument()
    told = [instrument.ask(stalled_after_ms=late) for late in (0, 70, 0, 95, 95, 60, 0)]
    assert (sum(told), instrument.lost) == (0, 0)


def test_an_answer_that_took_several_periods_stands_after_the_gap_that_it_made() -> None:
    instrument = Instrument()
    told = [instrument.ask(), instrument.ask(stalled_after_ms=1230), instrument.ask(), instrument.ask()]
    assert (told, instrument.lost) == ([0, 11, 0, 0], 11)


def test_an_update_that_is_lost_is_told_at_once() -> None:
    instrument = Instrument()
    assert [instrument.ask(), instrument.ask(250), instrument.ask(), instrument.ask(550)] == [0, 1, 0, 4]
    assert instrument.lost == 5


def test_one_lost_right_at_the_next_update_is_told_with_the_reading_after() -> None:
    for stall_ms in (195, 198, 199, 201, 204):
        instrument = Instrument()
        told = [instrument.ask(), instrument.ask(), instrument.ask(stall_ms), instrument.ask(), instrument.ask()]
        assert sum(told) == instrument.lost, stall_ms


def test_a_late_first_reading_is_mended_by_the_next() -> None:
    instrument = Instrument()
    told = [instrument.ask(stalled_after_ms=80), *(instrument.ask() for _ in range(3)), instrument.ask(250)]
    assert told == [0, 0, 0, 0, 1]


def test_a_failed_reading_whose_update_counts_as_read_is_lost() -> None:
    """The answer was garbled, the instrument forgot its update: the next one is waited for."""
    for stall_ms in (0, 40):
        instrument = Instrument()
        instrument.ask()
        instrument.now_ms = 200 + LATENCY_MS
        instrument.read = 2
        instrument.count.failed()
        assert instrument.ask(stall_ms) == 1


def test_a_failed_reading_whose_update_still_waits_is_none() -> None:
    instrument = Instrument()
    instrument.ask()
    instrument.now_ms = 240.0
    instrument.count.failed()
    assert [instrument.ask(), instrument.ask(), instrument.ask()] == [0, 0, 0]


@given(st.floats(0.97, 1.03), st.integers(50, 300))
def test_a_drift_never_adds_up_to_a_lost_update(rate: float, count: int) -> None:
    instrument = Instrument(PERIOD_MS * rate)
    assert not any(instrument.ask() for _ in range(count))


LATE_MS = st.one_of(st.floats(0, 12), st.floats(0, 400))
STALLS = st.lists(st.tuples(LATE_MS, st.booleans()), max_size=40)


@given(STALLS, st.floats(0.999, 1.001))
def test_as_many_are_told_as_are_lost(stalls: list[tuple[float, bool]], rate: float) -> None:
    """Readings late and updates lost in any order: after two readings on time all is told, and nothing more."""
    instrument = Instrument(PERIOD_MS * rate)
    instrument.ask()
    for late_ms, before in stalls:
        instrument.ask(*((late_ms, 0.0) if before else (0.0, late_ms)))
        instrument.ask()
        instrument.ask()
    instrument.ask()
    assert instrument.told == instrument.lost


@given(st.lists(st.floats(0, 99), max_size=60))
def test_a_machine_that_is_late_at_every_reading_invents_nothing(stalls: list[float]) -> None:
    """Stalls of less than a period between answer and stamp, one after another: updates may be lost by them."""
    instrument = Instrument()
    instrument.ask()
    for after_ms in stalls:
        instrument.ask(stalled_after_ms=after_ms)
    for _ in range(3):
        instrument.ask()
    assert instrument.told <= instrument.lost
