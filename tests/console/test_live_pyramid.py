"""Power in several resolutions: nothing is invented, no peak is lost, and memory is bounded."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.live.pyramid import BAD, FIRST, GOOD, HIGH, LAST, LOW, SUM, Pyramid
from console.live.stored import read_stored
from evidence.ptd_protocol import marked_line, sample_line
from metrology.reading import MISSED_READING, Reading, Sample

DAY_AT_10_HZ = 864_000


def filled(values: list[float | None], kept: int = 64) -> Pyramid:
    pyramid = Pyramid(kept)
    for at, value in enumerate(values):
        pyramid.add(at * 100.0, value or 0.0, good=value is not None)
    return pyramid


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.floats(0.1, 1e6)), min_size=1, max_size=1500),
    st.integers(2, 300), st.integers(0, 150_000), st.integers(0, 150_000),
)  # fmt: skip
def test_every_sample_is_counted_once_and_no_peak_is_lost(
    values: list[float | None], points: int, one: int, other: int
) -> None:
    pyramid = filled(values)
    rows = pyramid.rows(0, len(values) * 100, points)
    good = [value for value in values if value is not None]
    assert len(rows) <= points
    assert (rows[:, GOOD].sum(), rows[:, BAD].sum()) == (len(good), len(values) - len(good))
    assert rows[:, SUM].sum() == pytest.approx(sum(good))
    if good:
        assert (np.nanmin(rows[:, LOW]), np.nanmax(rows[:, HIGH])) == (min(good), max(good))
    assert (np.diff(rows[:, FIRST]) > 0).all()
    assert (rows[:-1, LAST] < rows[1:, FIRST]).all()
    part = pyramid.rows(min(one, other), max(one, other), points)
    inside = [value for at, value in enumerate(values) if min(one, other) <= at * 100 <= max(one, other) and value]
    assert len(part) <= points
    assert not inside or np.nanmax(part[:, HIGH]) >= max(inside)


def test_a_short_span_is_told_sample_by_sample() -> None:
    pyramid = filled([float(at) for at in range(1, 1000)], kept=512)
    rows = pyramid.rows(95_000, 96_000, 100)
    assert rows[:, HIGH].tolist() == [float(at) for at in range(951, 962)]
    assert pyramid.holds_samples_from(95_000)
    assert not filled([1.0] * 5000).holds_samples_from(0)


def test_a_day_at_10_hz_in_little_memory_and_time() -> None:
    pyramid = Pyramid()
    for at in range(0, DAY_AT_10_HZ, 16):  # a sixteenth of a day suffices for what is held against it
        pyramid.add(at * 100.0, 100.0 + at % 7, good=True)
    assert sum(level._rows.nbytes for level in pyramid._levels) < 20 << 20
    start_s = time.perf_counter()
    rows = pyramid.rows(0, DAY_AT_10_HZ * 100, 1000)
    assert time.perf_counter() - start_s < 0.5
    assert 500 < len(rows) <= 1000
    assert pyramid.span_ms == (0.0, (DAY_AT_10_HZ - 16) * 100.0)


def test_nothing_yet() -> None:
    assert Pyramid().span_ms is None
    assert len(Pyramid().rows(0, 1, 10)) == 0


START_NS = 1_772_359_200_000_000_000


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal_1.txt"
    with path.open("w") as file:
        for second in range(5000):
            reading = MISSED_READING if second == 3000 else Reading(second / 10, 230.0, 1.0, 0.9)
            file.write(marked_line(sample_line(Sample(START_NS + second * 10**9, reading)), "x_testing") + "\n")
            file.write("Notification: not a sample\n" * (second % 500 == 0))
    return path


@pytest.mark.parametrize(("begin", "end"), [(0, 20), (2990, 3010), (4990, 4999), (1, 1)])
def test_samples_of_a_span_are_found_in_the_store(journal: Path, begin: int, end: int) -> None:
    start_ms = START_NS / 1e6
    found = read_stored(journal, start_ms + begin * 1000, start_ms + end * 1000)
    assert found.whole
    assert ((found.rows[:, FIRST] - start_ms) / 1000).tolist() == list(range(begin, end + 1))
    expected = [second / 10 if second != 3000 else None for second in range(begin, end + 1)]
    assert [None if np.isnan(value) else value for value in found.rows[:, HIGH].tolist()] == expected


def test_no_more_samples_are_read_than_allowed(journal: Path) -> None:
    found = read_stored(journal, 0, 1e15, most=10)
    assert (len(found.rows), found.whole) == (10, False)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=20_000), st.floats(0, 1e13))
def test_whatever_lies_there_is_read(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, from_ms: float
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal_1.txt"
    path.write_bytes(content)
    assert len(read_stored(path, from_ms, 1e15).rows) == 0
