import io
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.ptd.report import (
    PIECE,
    Log,
    SampleFile,
    pieces,
    printable,
    range_texts,
    reading_texts,
    uncertainty_texts,
)
from metrology.errors import ConfigError
from metrology.ranges import Range
from metrology.reading import BAD_READING, Reading, Validity

SINGLE = "Time,07-23-2024 15:35:31.746,Watts,171.200000,Volts,118.300000,Amps,1.655000,PF,0.874000"
MULTI = SINGLE + ",Watts,171.200000,Volts,118.300000,Amps,1.655000,PF,0.874000" * 3


def test_the_log_is_stamped_in_utc() -> None:
    stream = io.StringIO()
    log = Log(stream, lambda: 1_721_748_931_746_999_999)
    log.plain("banner")
    log.say("Go with mark 'X'", "ERROR: Bad\nBuffer was 1\n")
    assert stream.getvalue() == (
        "banner\n07-23-2024 15:35:31.746: Go with mark 'X'\n07-23-2024 15:35:31.746: ERROR: Bad\nBuffer was 1\n\n"
    )


def test_say_later_waits_for_the_next_millisecond() -> None:
    stream = io.StringIO()
    now = iter([5_000_000, 5_400_000, 5_900_000, 6_100_000, 6_200_000])
    log = Log(stream, lambda: next(now))
    log.say("ERROR: last")
    log.say_later("Completed test")
    assert stream.getvalue().splitlines()[1] == "01-01-1970 00:00:00.006: Completed test"


def test_what_is_wrong_with_a_reading() -> None:
    over = Reading(34.0, 246.0, 0.28, 0.48, Validity.PEAK_OVER)
    assert reading_texts(over, "", "WT310", 0.5, 3) == [
        "ERROR: Current exceeds peak value allowed for range 0.50A and CF 3."
    ]
    texts = reading_texts(BAD_READING, "NAN,NAN\x1b[2J", "WT310", 0.5, 3)
    assert texts[0] == "ERROR: Bad watts reading nan from WT310\nBuffer was NAN,NAN?[2J\n"
    assert [text.split()[2] for text in texts] == ["watts", "amps", "pf", "volts"]
    only_watts = Reading(math.inf, 230.0, 1.0, 0.5, Validity.BAD)
    assert [text.split("\n")[0] for text in reading_texts(only_watts, "", "WT500", 1, 3)] == [
        "ERROR: Bad watts reading inf from WT500"
    ]
    assert reading_texts(Reading(1, 2, 3, 0.5), "", "WT310", 1, 3) == []


def test_what_is_wrong_with_an_uncertainty() -> None:
    error = "ERROR: Can't evaluate uncertainty of this sample!"
    unknown = "WARNING: Uncertainty unknown for the last measurement sample"
    assert uncertainty_texts(None, None) == [error, f"{unknown}!"]
    assert uncertainty_texts(None, 2) == [error, f"{unknown}, logical channel 2!"]
    assert uncertainty_texts(None, 0) == [f"{unknown}, logical channel 0!"]
    above = "WARNING: Uncertainty 1.60%, which is above 1.00% limit for the last sample"
    assert uncertainty_texts(0.015984, None) == [f"{above}!"]
    assert uncertainty_texts(0.015984, 1) == [f"{above}, logical channel 1!"]
    assert uncertainty_texts(0.01, None) == []


def test_ranges_as_the_log_tells_them() -> None:
    assert range_texts("V", Range(True, 300.0), [0], [1]) == ["Volt range set to Auto"]
    assert range_texts("A", Range(True, None), [0], [1]) == ["Ampere range set to Auto"]
    assert range_texts("V", Range(False, 300.0), [0], [1]) == ["Volt range set to 300.000000V"]
    assert range_texts("A", Range(False, 0.5), [0], [1]) == ["Amp range set to 0.500000A"]


def test_the_range_of_a_channel_is_told_with_both_of_its_numbers() -> None:
    text = "range for channel 1, physical channel 2, set to"
    assert range_texts("V", Range(True, 300.0), [1], [2, 3]) == [f"Voltage {text} Auto"]
    first, second = range_texts("A", Range(False, 0.5), [1, 2], [2, 3])
    assert first == f"Amp {text} 0.500000A"
    assert second == "Amp range for channel 2, physical channel 3, set to 0.500000A"


@given(st.integers(0, 60), st.sampled_from([SINGLE, MULTI]))
def test_pieces_are_cut_between_lines(count: int, line: str) -> None:
    lines = [f"Last {count} samples", *[line] * count]
    cut = list(pieces(lines))
    assert "\n".join(cut).split("\n") == lines
    assert all(len(piece) <= PIECE for piece in cut)


def test_a_piece_holds_as_much_as_in_published_logs() -> None:
    first = next(pieces(["Last 692 samples", *[SINGLE] * 692]))
    assert first.count("\n") in (10, 11)


def test_samples_are_appended_and_there_at_once(tmp_path: Path) -> None:
    path = tmp_path / "samples"
    path.write_text("kept\n")
    file = SampleFile(path)
    assert file.write(["one", "two"]) is None
    assert file.write([]) is None
    assert path.read_text() == "kept\none\ntwo\n"
    file.close()


def test_a_full_disk_is_told_once() -> None:
    file = SampleFile(Path("/dev/full"))
    assert str(file.write(["one"])).startswith("WARNING: The data output file cannot be written (No space left")
    assert file.write(["two"]) is None


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written: No such file"):
        SampleFile(tmp_path / "none" / "file")


@given(st.text(max_size=1000))
def test_an_answer_is_one_short_line(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) <= 400
