import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.ptd.measure import Plan
from analyzers.ptd.request import (
    RequestError,
    parse_each,
    parse_go,
    parse_list,
    parse_mark,
    parse_range,
    parse_timed,
)

WRONG_COUNT = "Invalid number of parameters"
known = st.sampled_from(["0", "1000", "*", "A", "V", "Auto", "1e3", "-1"])
words = st.lists(st.text(max_size=12) | known, max_size=5)


def test_go() -> None:
    assert parse_go(["1000", "0", "S_ranging"]) == Plan(1000, 0, "S_ranging")
    assert parse_go(["0", "5"]) == Plan(1000, 5)


@pytest.mark.parametrize(
    ("given_words", "reply"),
    [
        ([], WRONG_COUNT),
        (["1000", "0", "a", "b"], WRONG_COUNT),
        (["99", "0"], "Error in parameter 1: expected an interval in ms of 100 to 20000"),
        (["20001", "0"], "Error in parameter 1"),
        (["1e3", "0"], "Error in parameter 1"),
        (["١٠٠٠", "0"], "Error in parameter 1"),
        (["1000", "-1"], "Error in parameter 2"),
        (["1000", "0", "a\x07b"], "Error in parameter 3"),
        (["1000", "0", "x" * 201], "Error in parameter 3"),
    ],
)
def test_go_refuses(given_words: list[str], reply: str) -> None:
    with pytest.raises(RequestError, match=reply):
        parse_go(given_words)


def test_timed() -> None:
    assert parse_timed(["5", "0", "1"]) == Plan(1000, 1, "", 5, timed=True)
    with pytest.raises(RequestError, match="parameter 1: expected a number of samples of 1 to 500000"):
        parse_timed(["0", "0", "1"])
    with pytest.raises(RequestError, match=WRONG_COUNT):
        parse_timed(["5", "1000"])


@pytest.mark.parametrize(
    ("text", "value"),
    [("auto", None), ("Auto", None), ("9.559000000000001", 9.559000000000001), ("0.0", 0.0), ("1e-05", 1e-5)],
)
def test_a_range_as_directors_write_it(text: str, value: float | None) -> None:
    assert parse_range(["a", text], 0) == ("A", value, 0)
    assert parse_range(["V", text, "2"], 3) == ("V", value, 2)
    assert parse_range(["V", text, "*"], 3) == ("V", value, 0)


@pytest.mark.parametrize("text", ["", "-1.1", "nan", "inf", "1e999", "1_0", "5A", "٥", "0x10", "1e"])
def test_a_range_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(RequestError, match="Error in parameter 2"):
        parse_range(["A", text], 0)


def test_a_range_of_nothing_known_is_refused() -> None:
    with pytest.raises(RequestError, match="Error in parameter 1: expected V or A"):
        parse_range(["W", "5"], 0)
    with pytest.raises(RequestError, match=WRONG_COUNT):
        parse_range(["A"], 0)
    with pytest.raises(RequestError, match=WRONG_COUNT):
        parse_range(["A", "5", "1"], 0)


@pytest.mark.parametrize(
    ("channel", "reply"),
    [("x", "Invalid channel in parameter 3"), ("", "Invalid channel"), ("0", "Channel number out of range"),
     ("4", "Channel number out of range in parameter 3: expected 1 to 3"), ("٣", "Invalid channel")],
)  # fmt: skip
def test_a_channel_that_is_not_there(channel: str, reply: str) -> None:
    with pytest.raises(RequestError, match=reply):
        parse_range(["A", "5", channel], 3)


def test_lists_of_one_channel_and_of_many() -> None:
    assert parse_list([], 0) == (None, False)
    assert parse_list(["*"], 0) == (None, False)
    assert parse_list(["7"], 0) == (7, False)
    assert parse_list(["*", "*"], 3) == (None, True)
    with pytest.raises(RequestError, match=WRONG_COUNT):
        parse_list(["*", "*"], 0)
    with pytest.raises(RequestError, match="Invalid channel"):
        parse_list(["*", "2"], 3)
    with pytest.raises(RequestError, match="Error in parameter 1"):
        parse_list(["0"], 0)


def test_the_channel_parameter() -> None:
    assert parse_each(["*"], 1)
    assert not parse_each([], 1)


@given(words)
def test_whatever_the_words_they_are_read_or_refused(given_words: list[str]) -> None:
    for parse in (
        parse_go,
        parse_timed,
        lambda w: parse_range(w, 3),
        lambda w: parse_list(w, 3),
        lambda w: parse_mark([*w, ""], 1),
    ):
        try:
            parse(given_words)
        except RequestError as problem:
            assert str(problem).startswith(("Error in parameter", "Invalid", "Channel number out"))
            assert str(problem).isprintable()
