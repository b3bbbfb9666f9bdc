"""The pages' colours: every text can be read on every ground that it stands on, by day and by night."""

import re

import pytest

from console.templates import PAGES

LEAST_TEXT, LEAST_MARK = 4.5, 3.0
"""Contrast of text, and of lines in a chart; source: WCAG 2.2, success criteria 1.4.3 and 1.4.11, level AA."""
TEXTS = ("ink", "soft", "link", "good", "warn", "bad")
MARKS = ("c0", "c1", "c2", "c3", "c4", "c5", "testing", "ranging", "limit")


def colours(*, dark: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("palette.css", "style.css", "live.css"):
        day, night = re.findall(r":root \{(.*?)\}", (PAGES / name).read_text("utf-8"), re.DOTALL)[:2]
        found |= dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{3,8})\b", night if dark else day))
    return found


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) > 4 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "shade", "good-soft", "warn-soft", "bad-soft"])
def test_every_text_can_be_read(ground: str, dark: bool) -> None:
    palette = colours(dark=dark)
    for text in TEXTS:
        assert contrast(palette[text], palette[ground]) >= LEAST_TEXT, (text, ground)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_line_of_a_chart_can_be_seen(dark: bool) -> None:
    palette = colours(dark=dark)
    for mark in MARKS:
        assert contrast(palette[mark], palette["paper"]) >= LEAST_MARK, mark
    assert contrast(palette["paper"], palette["link"]) >= LEAST_TEXT, "a button that is pressed"
