"""What is written down of a dialogue, and reading it back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.drivers import driver_for
from analyzers.record import HIOKI_INTERVAL_MS, fitting_ranges, free, guided, usual_interval_ms
from analyzers.recording import Recording, RecordingTransport, anonymous, read_recording, recording_of
from metrology.errors import ConfigError, InstrumentError

IDN = "YOKOGAWA,WT310E,C3XA04010E,F1.04"


class Clock:
    now_s = 10.0

    def __call__(self):
        self.now_s += 0.25
        return self.now_s


def recorded(line):
    return recording_of(line, IDN, 49, "2026-11-22")


def test_messages_answers_and_times_are_kept_and_the_serial_number_is_not(scripted):
    line = RecordingTransport(scripted(("*IDN?", "late", IDN), ":RATE 1S", (":CFAC?", "3"), (":X?", IDN)), Clock())
    line.write("*IDN?")
    assert [line.read(1.0)[0], line.read(1.0)[0]] == ["late", IDN]
    line.write(":RATE 1S")
    for message in (":CFAC?", ":X?"):
        line.write(message)
        line.read(1.0)
    found = recorded(line)
    assert "C3XA04010E" not in found.model_dump_json()
    assert [turn.message for turn in found.turns] == ["*IDN?", ":RATE 1S", ":CFAC?", ":X?"]
    assert [answer.text for answer in found.turns[0].answers] == ["late", "YOKOGAWA,WT310E,RECORDED,F1.04"]
    assert found.turns[3].answers[0].text == "YOKOGAWA,WT310E,RECORDED,F1.04"
    assert [turn.at_ms for turn in found.turns] == [0.0, 750.0, 1000.0, 1500.0]
    assert [answer.after_ms for answer in found.turns[0].answers] == [250.0, 500.0]


def test_an_answer_that_does_not_come_is_told_to_the_driver_and_leaves_no_answer(scripted):
    line = RecordingTransport(scripted((":X?", scripted.SILENCE)))
    line.write(":X?")
    with pytest.raises(InstrumentError):
        line.read(1.0)
    line.clear()
    line.close()
    assert recorded(line).turns[0].answers == ()


@pytest.mark.parametrize(
    ("idn", "without"),
    [
        (IDN, "YOKOGAWA,WT310E,RECORDED,F1.04"),
        ("HIOKI,PW3335,0,V1.00", "HIOKI,PW3335,RECORDED,V1.00"),
        ("230.0,1.0,230.0,1.0", "230.0,1.0,230.0,1.0"),
        ("0", "0"),
    ],
)
def test_only_an_identity_has_a_serial_number(idn, without):
    assert anonymous(idn) == without


def test_a_file_reads_back_as_it_was_written(tmp_path, scripted):
    line = RecordingTransport(scripted(("*IDN?", IDN)))
    line.write("*IDN?")
    line.read(1.0)
    path = tmp_path / "wt.json"
    path.write_text(recorded(line).model_dump_json())
    assert read_recording(path) == recorded(line)


GOOD = {"schema_version": 1, "idn": "a,b,c,d", "recorded": "2026-11-22", "turns": [{"message": "x", "at_ms": 0}]}


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 2},
        {"turns": []},
        {"turns": [{"message": "x", "at_ms": -1}]},
        {"turns": [{"message": "x", "at_ms": 0, "answers": [{"text": "y", "after_ms": "NaN"}]}]},
        {"turns": [{"message": "x" * 70000, "at_ms": 0}]},
        {"recorded": "yesterday"},
        {"more": 1},
    ],
    ids=["schema", "empty", "time", "number", "long", "day", "key"],
)
def test_a_file_that_is_no_recording_is_one_message(tmp_path, change):
    path = tmp_path / "x.json"
    path.write_text(json.dumps(GOOD | change))
    with pytest.raises(ConfigError, match="is no recording"):
        read_recording(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_recording(tmp_path / "none.json")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_recording_or_a_config_error(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(data)
    try:
        assert isinstance(read_recording(path), Recording)
    except ConfigError:
        return


def test_free_asks_questions_sends_the_rest_and_says_what_came(scripted):
    said = []
    line = RecordingTransport(scripted(":RATE 1S", (":CFAC?", "3"), (":NO?", scripted.SILENCE)))
    free(line, [":RATE 1S\n", "\n", " :CFAC? ", ":NO?"], said.append)
    assert said == ["3", "(no answer within 2 s)"]
    assert [turn.message for turn in line.turns] == [":RATE 1S", ":CFAC?", ":NO?"]


def test_guided_asks_what_the_family_knows_and_changes_nothing(scripted):
    asked = [(":AVER?", "5"), (":HOLD?", "OFF"), (":INTEG:STAT?", "RESET")]
    line = RecordingTransport(scripted(("*IDN?", "HIOKI,PW3335,1,V1"), ("*OPT?", "0"), ("*ESR?", "0"), *asked))
    said = []
    assert guided(line, said.append).model == "PW3335"
    assert said[-1] == ":INTEG:STAT? -> RESET"
    assert all("?" in turn.message for turn in line.turns)


def test_ranges_are_tried_from_the_smallest_that_holds_the_load():
    scales = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
    assert fitting_ranges(scales, 0.55) == [1.0, 2.0, 5.0, 10.0]
    assert fitting_ranges(scales, 15.0) == [20.0]
    assert fitting_ranges(scales, 25.0) == [20.0]
    assert fitting_ranges(scales, float("nan")) == [20.0]
    assert usual_interval_ms(driver_for(57)) == HIOKI_INTERVAL_MS < usual_interval_ms(driver_for(49))
