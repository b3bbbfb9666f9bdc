"""The replay of a recorded instrument: what it answers, and when, on a clock that the test holds."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.recording import Answer, Recording, Turn
from analyzers.simulated.device import Setting
from analyzers.simulated.load import ConstantLoad
from analyzers.simulated.meter import Mains
from analyzers.simulated.recorded import group, maker_of_recording, settings, units

S = ":COMM:WAIT 1;:VAL?;:CURR:RANG?"


def turn(at_ms, message, *answers):
    told = tuple(Answer(text=text, after_ms=after_ms) for text, after_ms in answers)
    return Turn(message=message, at_ms=at_ms, answers=told)


TURNS = (
    turn(0, "*IDN?", ("MAKER,M1,RECORDED,1.0", 10)),
    turn(100, ":CURR:RANG 1A"),
    turn(200, ":CURR:RANG?;:CURR:AUTO?", ("1.0;0", 5)),
    turn(300, S, ("NAN;1.0", 200)),
    turn(600, ":CURR:AUTO OFF;:CURR:RANG 5A"),
    turn(700, ":CURR:RANG?;:CURR:AUTO?", ("5.0;0", 5)),
    turn(800, ":RATE 1S"),
    turn(1000, S, ("100;5.0", 900)),
    turn(1910, S, ("101;5.0", 990)),
    turn(2910, S, ("102;5.0", 990)),
    turn(4000, ":ODD?", ("a;b;c", 0)),
    turn(4100, "cont on", ("line 1", 500), ("line 2", 1000), ("line 3", 1500)),
    turn(6000, "cont off"),
)


class Bench:
    def __init__(self, recording=None):
        self.now_s = 0.0
        recording = recording or Recording(
            schema_version=1, idn="MAKER,M1,RECORDED,1.0", recorded="2026-11-22", turns=TURNS
        )
        setting = Setting(ConstantLoad(1.0), Mains(), lambda: self.now_s)
        self.device = maker_of_recording(recording)(setting)

    def ask(self, message):
        """Send a message; get the answer, and how many seconds later it left."""
        begin_s, running = self.now_s, self.device.run(message)
        try:
            next(running)
            self.now_s = self.device.next_update_s
            self.device.update()
            next(running)
        except StopIteration as ended:
            return ended.value, round(self.now_s - begin_s, 3)
        raise AssertionError("it waits twice")


@pytest.fixture
def bench():
    return Bench()


def test_how_a_message_is_taken_apart():
    assert units(" :a? ; ;B 1;") == [":A?", "B 1"]
    assert [group(unit) for unit in (":CURR:RANG?", ":RATE 1S", "*IDN?", "IRNG1?", "?", "")] == [
        ":CURR", ":RATE", "*IDN", "IRNG1", "", ""
    ]  # fmt: skip
    assert settings(":CURR:AUTO OFF;:CURR:RANG 5A;:X?;:RATE 1S") == {
        ":CURR": ":CURR:AUTO OFF;:CURR:RANG 5A", ":RATE": ":RATE 1S"
    }  # fmt: skip


def test_it_says_that_it_is_simulated_whatever_the_file_says(bench):
    assert bench.ask("*idn?") == ("MAKER,M1,SIMULATED,1.0", 0.01)
    assert bench.device.title == "recorded MAKER M1"


def test_a_question_is_answered_as_under_the_settings_of_its_group(bench):
    for message, told in (
        (":CURR:RANG 1A", "1.0"),
        (":CURR:AUTO OFF;:CURR:RANG 5A", "5.0"),
        (":CURR:RANG 1A", "1.0"),
    ):
        assert bench.ask(message) == ("", 0.0)
        assert bench.ask(":CURR:RANG?;:CURR:AUTO?")[0] == f"{told};0"
        assert bench.ask(":CURR:AUTO?;:CURR:RANG?")[0] == f"0;{told}", "in any order"


def test_a_setting_that_was_not_recorded_is_not_taken(bench):
    bench.ask(":CURR:RANG 1A")
    bench.ask(":CURR:RANG 20A")
    assert bench.ask(":CURR:RANG?")[0] == "1.0"


def test_a_question_that_was_not_recorded_is_not_answered(bench):
    for message in (":VOLT:RANG?", "", ";", "?", "\x00"):
        assert bench.ask(message) == ("", 0.0)


def test_an_answer_with_other_parts_than_questions_is_given_whole(bench):
    assert bench.ask(":ODD?") == ("a;b;c", 0.0)


def test_values_come_round_on_the_grid_of_the_longest_run(bench):
    bench.ask(":CURR:AUTO OFF;:CURR:RANG 5A")
    bench.ask(":RATE 1S")
    answers = [bench.ask(S) for _ in range(5)]
    assert [text for text, _ in answers] == ["100;5.0", "101;5.0", "102;5.0", "100;5.0", "101;5.0"]
    assert [wait_s for _, wait_s in answers[1:]] == [1.0] * 4, "as far apart as recorded"
    bench.now_s += 0.6
    assert bench.ask(S)[1] == pytest.approx(0.4), "an answer asked for late is not later for it"


def test_a_range_set_alone_does_not_bring_the_values_of_settling(bench):
    bench.ask(":CURR:RANG 1A")
    assert bench.ask(S) == ("100;1.0", 0.2), "in the time that it took at that rate"


def test_what_was_sent_unasked_goes_on_until_the_next_setting(bench):
    bench.ask(":RATE 1S")
    assert bench.ask("cont on") == ("", 0.0)
    told = []
    for _ in range(4):
        told.append((bench.device.next_update_s, bench.device.update(), bench.device.tell()))
    assert [(t_s, text) for t_s, _, text in told] == [
        (0.5, "line 1"),
        (1.0, "line 2"),
        (1.5, "line 3"),
        (2.0, "line 1"),
    ]
    bench.ask("cont off")
    assert bench.device.next_update_s == math.inf
    assert bench.device.tell() == ""


@given(st.lists(st.text(max_size=30), max_size=6))
def test_no_message_makes_it_fall(messages):
    bench = Bench()
    for message in messages:
        answer, wait_s = bench.ask(message)
        assert wait_s >= 0
        assert isinstance(answer, str)


@given(
    st.lists(
        st.tuples(st.text(":?;*AB 1", max_size=12), st.lists(st.text("1;,A", max_size=9), max_size=3)), min_size=1
    )
)
def test_whatever_was_recorded_can_be_replayed(said):
    turns = tuple(turn(at, message, *((text, 1.0) for text in answers)) for at, (message, answers) in enumerate(said))
    recording = Recording(schema_version=1, idn="", recorded="2026-11-22", turns=turns)
    bench = Bench(recording)
    for message, _ in said:
        bench.ask(message)
