"""The two models: terms by the maker's data sheet beside PTDaemon's, told in a log line and read back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrology import datasheet
from metrology.accuracy import accuracy_of
from metrology.datasheet import datasheet_of
from metrology.errors import ConfigError
from metrology.judgement import DATASHEET, PTD, Judgement, judgement_of, parse_terms, parse_told, with_terms
from metrology.reading import Reading
from metrology.uncertainty import Accuracy, combined_uncertainty, power_uncertainty

VERSION = "wattrig_0.1.0-00000000-20260101"
fractions = st.floats(0, 1).map(lambda value: round(value, 9))
accuracies = st.builds(
    Accuracy, st.floats(1e-6, 0.1), fractions, fractions, fractions, fractions, st.booleans(),
    st.none() | st.floats(1e-6, 0.1),
)  # fmt: skip


@pytest.mark.parametrize(
    ("driver", "model", "watts", "expected"),
    [
        # By hand: 0.1 % of 180 W and 0.05 % of 300 V 1 A 180/200 and tan(phi) 0.1 %; self-heating 4e-5 + 1.3e-6.
        ("YokogawaWT310E", "WT310E", 180.0, 0.001 + 0.0005 * 300 / 200 + 0.001 * math.sqrt(0.19) / 0.9 + 4.13e-5),
        ("YokogawaWT330_multichannel", "WT333E", 200.0, 0.001 + 0.0005 * 1.5 + 4.13e-5),
        ("YokogawaWT210", "760401", 180.0, 0.0015 + 0.001 * 300 / 180 + 0.002 * math.sqrt(0.19) / 0.9),
        ("HiokiPW3336", "PW3336-01", 180.0, 0.0015 + 0.001 * math.sqrt(0.19) / 0.9),
        ("GWInstekGPM8310", "GPM-8310", 200.0, 0.001 + 0.0005 * 1.5),
    ],
)
def test_a_reading_of_200_va_by_its_data_sheet(driver: str, model: str, watts: float, expected: float) -> None:
    sheet = datasheet_of(driver, model)
    assert sheet is not None
    found = power_uncertainty(sheet.accuracy, Reading(watts, 200.0, 1.0, watts / 200), 300.0)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("driver", "model", "expected"),
    [
        ("YokogawaWT310_DC", "WT310EH", datasheet.WT310EH_DC),
        ("YokogawaWT310_DC", "WT310E", datasheet.WT310_DC),
        ("YokogawaWT330_multichannel", "WT333", datasheet.WT310),
        ("YokogawaWT1800", "WT1804E-50A4", datasheet.WT1800E),
        ("YokogawaWT1800", "WT1804", datasheet.WT1800),
        ("LMG641_multichannel", "LMG641", datasheet.LMG600),
        ("HiokiPW3335_DC", "PW3335", datasheet.PW3335_DC),
        ("Dummy", "DUMMY", None),
    ],
)
def test_which_sheet_holds(driver: str, model: str, expected: object) -> None:
    assert datasheet_of(driver, model) is expected


def test_data_sheet_and_ptdaemon_differ_where_the_facts_say_so() -> None:
    ptd, sheet = accuracy_of("YokogawaWT310E", VERSION, "WT310E"), datasheet.WT310E.accuracy
    assert ptd is not None
    assert (ptd.phase, sheet.phase) == (0.002, 0.001)
    assert datasheet.WT210.accuracy == accuracy_of("YokogawaWT210", VERSION, "760401")


def test_what_is_from_memory_says_so() -> None:
    assert datasheet.WT5000.unverified
    assert datasheet.LMG600.unverified
    assert not datasheet.WT310E.unverified


@pytest.mark.parametrize(
    ("model", "driver", "expected"),
    [
        (None, "YokogawaWT310E", PTD),
        (None, "HiokiPW3336", DATASHEET),
        (None, "YokogawaWT310_DC", DATASHEET),
        ("datasheet", "YokogawaWT310E", DATASHEET),
        ("ptd", "HiokiPW3336", None),
        ("datasheet", "Sundial", None),
    ],
)
def test_which_model_holds(model: str | None, driver: str, expected: str | None) -> None:
    found = judgement_of(model, driver, VERSION, "WT310E")
    assert (found and found.model) == expected


@given(accuracies, st.sampled_from([3, 6]), st.sampled_from([PTD, DATASHEET]))
def test_what_the_log_tells_is_read_back_exactly(accuracy: Accuracy, crest_factor: int, model: str) -> None:
    told = Judgement(model, accuracy, crest_factor)
    assert parse_told(told.told()) == told


@given(st.text(max_size=200) | st.text(max_size=80).map(lambda text: f"Accuracy by ptd: reading=0.001,{text}"))
def test_no_line_of_a_log_breaks_the_reader(text: str) -> None:
    found = parse_told(text)
    assert found is None or all(math.isfinite(value) for value in (found.accuracy.reading, found.accuracy.range))


@pytest.mark.parametrize(
    "text",
    ["Accuracy by guess: reading=0.1", "Accuracy by ptd: ", "Accuracy by ptd: reading=nan",
     "Accuracy by ptd: reading=0.1,colour=0.1", "Accuracy by ptd: reading=0.1,crest_factor=9"],
)  # fmt: skip
def test_lines_that_tell_no_terms(text: str) -> None:
    assert parse_told(text) is None


def test_crest_factor_6_doubles_the_range_term() -> None:
    reading = Reading(100.0, 230.0, 0.5, 100 / 115)
    found = Judgement(DATASHEET, datasheet.WT310E.accuracy, 6)
    assert power_uncertainty(found.in_force, reading, 300.0) == pytest.approx(
        power_uncertainty(found.accuracy, reading, 300.0, 6)
    )


def test_own_terms_take_the_place_of_the_data_sheets() -> None:
    found = with_terms(Judgement(DATASHEET, datasheet.WT5000.accuracy, source="sheet"), parse_terms("reading=0.0005"))
    assert found.accuracy == Accuracy(0.0005, 0.0002, 0.0002)
    assert found.source == "the lab's own reading; the rest: sheet"
    with pytest.raises(ConfigError, match="model datasheet alone"):
        with_terms(Judgement(PTD, datasheet.WT210.accuracy), {"reading": 0.001})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reading", "expected NAME=FRACTION"),
        ("reading=much", "expected NAME=FRACTION"),
        ("colour=0.1", "expected one of reading, range"),
        ("reading=5", "expected a fraction of 0 to 1"),
        ("reading=nan", "expected a fraction of 0 to 1"),
    ],
)
def test_terms_that_are_none(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_terms(text)


@given(
    st.floats(1, 1e4), st.floats(1, 1e4), st.floats(0.05, 1),
    st.sampled_from([datasheet.WT310E, datasheet.WT500, datasheet.PW3336, datasheet.LMG600]),
)  # fmt: skip
def test_a_larger_range_or_a_lower_power_factor_never_makes_surer(
    power_w: float, more_va: float, factor: float, sheet: datasheet.Sheet
) -> None:
    def at(range_va: float, power_factor: float) -> float:
        reading = Reading(power_w * power_factor, 230.0, power_w / 230.0, power_factor)
        return power_uncertainty(sheet.accuracy, reading, range_va) or math.inf

    range_va = 3 * power_w
    assert at(range_va + more_va, factor) >= at(range_va, factor)
    assert at(range_va, factor) >= at(range_va, min(1.0, factor * 1.5))


meters = st.lists(st.tuples(st.floats(0, 0.05), st.floats(0.1, 1e5)), min_size=1, max_size=8)


@given(meters, st.floats(0.001, 1000))
def test_meters_together(parts: list[tuple[float, float]], unit: float) -> None:
    both = combined_uncertainty(parts)
    assert both is not None
    worst, independent = both
    assert independent <= worst * (1 + 1e-12) <= max(each for each, _ in parts) * (1 + 1e-9)
    assert independent >= worst / math.sqrt(len(parts)) * (1 - 1e-9)
    # A fraction is the same in watts and in kilowatts.
    again = combined_uncertainty([(each, power_w * unit) for each, power_w in parts])
    assert again == pytest.approx(both, rel=1e-9, abs=1e-15)


def test_two_meters_by_hand() -> None:
    assert combined_uncertainty([(0.004, 300.0), (0.009, 100.0)]) == pytest.approx((2.1 / 400, 1.5 / 400))
    assert combined_uncertainty([(0.004, 300.0)]) == (0.004, 0.004)
    assert combined_uncertainty([]) is None
    assert combined_uncertainty([(0.1, 0.0)]) is None
    assert combined_uncertainty([(math.nan, 10.0)]) is None
