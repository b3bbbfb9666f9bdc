import math
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.braille import draw
from console.charts import Curve, Estimate, Span, against, estimates, histogram, over_time, timeline
from console.frontier import Point, frontier, pareto
from console.plot import duration, log_axis, number, percent, time_axis, value_axis
from console.series import decimate, packed

S = 1_000_000_000


def curve(values: list[float], bad: list[bool] | None = None) -> Curve:
    t_utc_ns = np.arange(len(values), dtype=np.int64) * S + 10 * S
    marked = np.array(bad or [False] * len(values), np.bool_)
    return Curve(t_utc_ns, np.array(values), marked, (12 * S, 15 * S), "testing")


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


@given(
    st.lists(st.floats(-1e6, 1e6) | st.just(math.nan), max_size=300),
    st.integers(1, 50),
)
def test_columns_hold_every_value_and_are_no_more_than_asked_for(values: list[float], columns: int) -> None:
    array = np.array(values, np.float64)
    found = decimate(np.arange(len(array), dtype=np.int64) * S, array, 0, columns)
    known = array[np.isfinite(array)]
    assert len(found.at_s) <= columns or found.whole
    assert len({len(column) for column in found[:-1]}) == 1
    assert np.all(found.low <= found.high)
    if len(known):
        assert (found.low.min(), found.high.max()) == (known.min(), known.max())
        assert np.all(np.diff(found.at_s) > 0)


def test_a_line_breaks_at_a_bad_sample_and_at_a_gap() -> None:
    t_utc_ns = np.array([0, 1, 2, 3, 4, 14, 15], np.int64) * S
    found = decimate(t_utc_ns, np.array([1.0, 1, math.nan, 1, 1, 1, 1]), 0, 100)
    assert found.at_s[found.broken].tolist() == [3.0, 14.0]


def test_a_peak_of_one_sample_is_seen_in_a_day() -> None:
    values = np.full(86_400, 100.0)
    values[43_210] = 900.0
    found = decimate(np.arange(86_400, dtype=np.int64) * S, values, 0, 800)
    assert len(found.at_s) == 800
    assert found.high.max() == 900.0
    assert not found.broken.any()
    assert set(packed(found)) == {"at_s", "mean", "low", "high", "whole"}


def test_a_curve_shades_the_window_and_marks_bad_samples() -> None:
    svg = over_time(curve([5, 6, 7, math.nan, 8], [False, False, False, True, False]), "power, W")
    root = parsed(svg)
    (window,) = root.iterfind(".//rect[@class='window']")
    assert float(window.attrib["width"]) == pytest.approx(600, abs=0.1)  # 3 s of the 5 s from 10 s to 15 s
    (mark,) = root.iterfind(".//circle[@class='bad']")
    assert mark[0].text == "bad sample at 0:01"
    assert root.attrib["aria-label"] == "testing, power, W: 5 samples from 5.000 to 8.000 over 0:04; 1 of them bad"


def test_text_in_a_chart_is_escaped() -> None:
    said = '"><script>alert(1)</script>'
    for svg in (
        over_time(curve([1.0]), said),
        timeline([Span(said, 0, S, "part", said)]),
        estimates([Estimate(0, 1.0, 0.1, said)], said),
        frontier([Point(1.0, 1.0, said, best=True)], said, said),
    ):
        assert "<script" not in svg
        parsed(svg)


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, 1e300, 5.0], [0.0], [-1e-300, 1e-300], [7.0] * 3])
def test_odd_values_still_give_a_chart(values: list[float]) -> None:
    with np.errstate(all="raise", under="ignore"):
        parsed(over_time(curve(values), "power, W", limit=0.01))
        parsed(against([curve(values), curve([1.0, 2.0])], "power, W"))
        parsed(histogram(np.array(values), 1.0, "power, W"))


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=5))
def test_an_axis_holds_its_values_and_has_a_few_ticks(values: list[float]) -> None:
    axis = value_axis(values, "")
    assert axis.low <= min(values) + 1e-6 * abs(min(values))
    assert axis.high >= max(values) - 1e-6 * abs(max(values))
    assert 2 <= len(axis.ticks) <= 8


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        ([300.0, 300.0], 290.0, 310.0),  # a line in the middle, not on the foot
        ([304.0], 290.0, 310.0),
        ([99.7, 100.0], 99.6, 100.1),  # nor half cut off at the top
        ([0.0, 0.0], 0.0, 0.2),
        ([80.0, 240.0], 0.0, 250.0),
        ([-0.05, 0.05], -0.06, 0.06),
    ],
)
def test_no_line_lies_on_the_edge_of_an_axis(values: list[float], low: float, high: float) -> None:
    axis = value_axis(values, "")
    assert (axis.low, axis.high) == (pytest.approx(low), pytest.approx(high))


def test_samples_are_counted_in_whole_numbers() -> None:
    drawn = histogram(np.array([380.0] * 11 + [540.0] * 10), 458.0, "power, W")
    labels = re.findall(r">([\d.]+)</text>", drawn.split('class="y-ticks"')[1])
    assert labels == ["0", "5", "10"]


def test_percent_is_written_for_people() -> None:
    assert [percent(part, 2) for part in (0.00343, -0.29206, -1e-9)] == ["0.34\xa0%", "\u221229.21\xa0%", "0.00\xa0%"]
    assert [percent(part, 1, signed=True) for part in (0.5, -1e-9)] == ["+50.0\xa0%", "+0.0\xa0%"]


@given(st.floats(-1e5, 1e5), st.floats(0, 1e7))
def test_a_time_axis_has_few_round_ticks(low_s: float, span_s: float) -> None:
    axis = time_axis(low_s, low_s + span_s, "")
    assert len(axis.ticks) <= 7
    assert all(axis.low <= at <= axis.high for at, _ in axis.ticks)


def test_numbers_and_times_are_written_for_people() -> None:
    assert [duration(at) for at in (-5, 0, 75, 3725)] == ["\N{MINUS SIGN}0:05", "0:00", "1:15", "1:02:05"]
    assert [number(value) for value in (0.012345, 7636.4896, 0.0, math.nan, 1e-9)] == [
        "0.01235", "7\N{NARROW NO-BREAK SPACE}636", "0.000", "-", "1.000e-09",
    ]  # fmt: skip


def test_the_frontier_holds_what_none_beats_in_both() -> None:
    assert pareto([(100, 1.0), (200, 1.5), (150, 2.0), (100, 1.0), (90, 0.9)]) == [True, True, False, True, True]
    svg = frontier([Point(100, 1.0, "a: x", best=True), Point(150, 2.0, "b: y", best=False)], "x", "y")
    assert len(parsed(svg).findall(".//circle[@class='best']")) == 1


def test_a_plot_of_braille_has_the_size_asked_for() -> None:
    series = decimate(np.arange(100, dtype=np.int64) * S, np.linspace(0, 9, 100), 0, 40)
    lines = draw(series, time_axis(0, 99, ""), value_axis([0.0, 9.0], ""), 20, 5)
    assert [len(line) for line in lines] == [20] * 5
    assert lines[-1][0] != "\u2800" != lines[0][-1]
    assert lines[0][0] == "\u2800" == lines[-1][-1]


@pytest.mark.parametrize("values", [[0.9, 1.1], [2500.0, 3900.0], [1.0, 1e6]])
def test_a_logarithmic_axis_has_ticks_within(values: list[float]) -> None:
    axis = log_axis(values, "")
    assert 3 <= len(axis.ticks) <= 12
    assert all(axis.low <= at <= axis.high for at, _ in axis.ticks)
