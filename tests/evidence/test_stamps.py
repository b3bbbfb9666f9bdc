import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.stamps import format_stamp, parse_stamp


@given(st.integers(0, 4 * 10**9 * 1000))
def test_a_stamp_survives_writing_and_reading(milliseconds: int) -> None:
    assert parse_stamp(format_stamp(milliseconds * 1_000_000)) == milliseconds * 1_000_000


def test_microseconds_are_cut_as_ptdaemon_does() -> None:
    assert format_stamp(1_721_930_784_424_999_999) == "07-25-2024 18:06:24.424"


@pytest.mark.parametrize(
    "text", ["", "07-25-2024 18:06:24", "13-25-2024 18:06:24.424", "07-32-2024 18:06:24.424", "x" * 99]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_stamp(text)
