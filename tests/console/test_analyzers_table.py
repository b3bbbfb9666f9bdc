"""The live table, drawn into memory."""

import io

from rich.console import Console

from analyzers.live import Shown
from console.analyzers_read import texts
from console.analyzers_table import HEADINGS, live_table
from metrology.reading import BAD_READING, Reading, Validity

GOOD = Reading(120.0, 230.0, 0.5492, 0.95)
SHOWN = Shown(1_795_357_027_000_000_000, "1", GOOD, 300.0, 1.0, False, 0.0029)


def test_the_last_sample_stays_on_the_screen_with_its_headings() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=160)
    with live_table("YOKOGAWA,WT310E,X,F1.04", console) as tell:
        for _ in range(3):
            tell([SHOWN])
    out = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(heading in out for heading in HEADINGS)
    assert "77% of 300 V" in out
    assert "55% of 1 A" in out
    assert "±0.29%" in out
    assert "sample 3" in out


def test_what_is_not_known_is_not_shown_as_a_number() -> None:
    auto = Shown(7, "", GOOD, 300.0, 1.0, True, None)
    assert texts(auto)[-1] == "unknown (auto)"
    assert texts(Shown(7, "", BAD_READING, 300.0, 1.0, False, None))[0] == "bad reading"
    peak = Reading(120.0, 230.0, 0.5492, 0.95, Validity.PEAK_OVER)
    assert texts(Shown(7, "sum", peak, None, None, False, None))[4:] == ("", "", "peak over range")
