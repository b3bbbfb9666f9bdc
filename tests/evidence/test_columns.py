import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.columns import NO_TIME, Block
from evidence.stamps import format_stamp, parse_stamp

FIELDS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters=","), max_size=30)
DAY_NS = 86_400_000_000_000


def column(texts: list[str]) -> tuple[Block, "np.ndarray[tuple[int], np.dtype[np.int64]]", object]:
    block = Block("".join(f"x,{text},y\n" for text in texts).encode())
    fitting, places = block.separated(3)
    assert fitting.all()
    return block, places[:, 1] + 1, places[:, 2]


@given(st.lists(st.decimals(-(10**8) + 1, 10**8 - 1, places=6), min_size=1, max_size=20))
def test_decimals_are_what_float_says(numbers: list[object]) -> None:
    texts = [f"{number:.6f}" for number in numbers]
    block, start, stop = column(texts)
    values, known = block.decimals(start, stop)  # type: ignore[arg-type]
    assert known.all()
    assert values.tolist() == [float(text) for text in texts]


@given(st.lists(FIELDS, min_size=1, max_size=20))
def test_what_is_taken_for_a_decimal_is_one(texts: list[str]) -> None:
    block, start, stop = column(texts)
    values, known = block.decimals(start, stop)  # type: ignore[arg-type]
    for text, value, is_known in zip(texts, values.tolist(), known.tolist(), strict=True):
        assert (value == float(text)) if is_known else math.isnan(value)


@given(st.lists(st.integers(0, 7_000_000_000_000), min_size=1, max_size=20))
def test_stamps_are_what_the_plain_parser_says(milliseconds: list[int]) -> None:
    times = [value * 1_000_000 for value in milliseconds]
    block, start, stop = column([format_stamp(time) for time in times])
    found, known = block.stamps(start, stop)  # type: ignore[arg-type]
    assert known.all()
    assert found.tolist() == times


@given(st.lists(st.text("0123456789-: .", min_size=23, max_size=23) | FIELDS, min_size=1, max_size=20))
def test_what_is_taken_for_a_stamp_is_one(texts: list[str]) -> None:
    block, start, stop = column(texts)
    found, known = block.stamps(start, stop)  # type: ignore[arg-type]
    for text, time, is_known in zip(texts, found.tolist(), known.tolist(), strict=True):
        assert (time == parse_stamp(text)) if is_known else time == NO_TIME


@pytest.mark.parametrize("day", ["02-30-2024 00", "13-01-2024 00", "01-01-2024 24", "02-29-2023 00", "00-01-2024 00",
                                 "01-00-2024 00", "01-01-1969 00"])  # fmt: skip
def test_days_and_times_that_do_not_exist(day: str) -> None:
    block, start, stop = column([f"{day}:00:00.000", "02-29-2024 23:59:59.999"])
    assert block.stamps(start, stop)[1].tolist() == [False, True]  # type: ignore[arg-type]


@given(st.lists(FIELDS, min_size=1, max_size=12), st.binary(min_size=1, max_size=20))
def test_equals_finds_exactly_a_text(texts: list[str], other: bytes) -> None:
    block, start, stop = column(texts)
    for text in (texts[0].encode(), other):
        assert block.equals(start, stop, text).tolist() == [entry.encode() == text for entry in texts]  # type: ignore[arg-type]


def test_named_compares_whole_fields() -> None:
    block = Block(b"Time,Watts\nTime,Watt\nTim,Watts\nTime,Wattz\n")
    _, places = block.separated(2)
    assert block.named(places[:, :-1] + 1, places[:, 1:], [b"Time", b"Watts"]).tolist() == [True, False, False, False]


def test_lines_of_another_width_are_left_out() -> None:
    block = Block(b"a,b\n\na\nc,d,e\nf,g")
    fitting, places = block.separated(2)
    assert fitting.tolist() == [True, False, False, False, True]
    assert [block.text[a + 1 : b] for a, b in places[:, :2].tolist()] == [b"a", b"f"]


@given(st.lists(st.lists(st.text("ab", max_size=2), min_size=1, max_size=4), min_size=1, max_size=12))
def test_lines_are_separated_as_split_does(rows: list[list[str]]) -> None:
    block = Block("".join(f"{','.join(row)}\n" for row in rows).encode())
    for width in range(1, 5):
        fitting, places = block.separated(width)
        assert fitting.tolist() == [len(row) == width for row in rows]
        found = [[block.text[a + 1 : b].decode() for a, b in pairwise(row)] for row in places.tolist()]
        assert found == [row for row in rows if len(row) == width]


def test_lines_and_letters_of_a_block() -> None:
    block = Block(b"Response\n\nERROR\nR")
    assert block.lines(np.array([3, 0, 1])) == [b"R", b"Response", b""]
    assert block.count(ord("R")) == 5
