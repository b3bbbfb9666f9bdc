"""The page in a real browser: nothing fetched, nothing broken, zoom by pointer and by keyboard, at every width."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Page

from console.main import main

VALID = "v4.1/closed/UntetherAI/results/h13_u3_slim/resnet50/singlestream"


@pytest.fixture(scope="module")
def pages(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for path, name in ((published / VALID, "session"), (published, "tree")):
        done = CliRunner().invoke(main, ["report", str(path), "-o", str(folder / f"{name}.html")])
        assert done.exit_code == 0, done.output
    return folder


def opened(browser: Browser, file: Path, width: int = 1100) -> tuple[Page, list[str]]:
    """Open a file; what the page asks for beside itself, or complains about, is listed."""
    page, problems = browser.new_page(viewport={"width": width, "height": 800}), []
    page.on("request", lambda asked: None if asked.url.startswith("file:") else problems.append(asked.url))
    page.on("console", lambda said: problems.append(said.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(file.as_uri())
    return page, problems


@pytest.mark.parametrize("width", [390, 1100])
@pytest.mark.parametrize("name", ["session", "tree"])
def test_it_fits_the_screen_and_fetches_nothing(browser: Browser, pages: Path, name: str, width: int) -> None:
    page, problems = opened(browser, pages / f"{name}.html", width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert problems == []


def ticks(page: Page) -> list[str]:
    return page.locator("svg.chart").first.locator(".x-ticks text").all_text_contents()


def test_a_drag_zooms_and_the_button_shows_all(browser: Browser, pages: Path) -> None:
    page, problems = opened(browser, pages / "session.html")
    whole = ticks(page)
    area = page.locator("svg.chart").first
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 100, steps=3)
    page.mouse.up()
    assert ticks(page) != whole
    assert "W" in page.locator("output.readout span").first.inner_text()
    page.get_by_role("button", name="show all").first.click()
    assert ticks(page) == whole
    assert problems == []


def test_the_keyboard_moves_and_zooms(browser: Browser, pages: Path) -> None:
    page, problems = opened(browser, pages / "session.html")
    whole = ticks(page)
    page.locator("svg.chart").first.focus()
    page.keyboard.press("ArrowRight")
    assert ": 23" in page.locator("output.readout span").first.inner_text()
    page.keyboard.press("+")
    assert ticks(page) != whole
    page.keyboard.press("0")
    assert ticks(page) == whole
    assert problems == []


def test_a_table_is_sorted_by_number(browser: Browser, pages: Path) -> None:
    page, _ = opened(browser, pages / "tree.html")
    page.get_by_role("button", name="mean W").click()
    values = page.eval_on_selector_all("tbody td:nth-child(6)", "cells => cells.map(cell => +cell.dataset.value)")
    assert values == sorted(values)
    assert len(values) == 10
    assert page.locator("th[aria-sort=ascending]").count() == 1


def test_it_is_whole_without_scripts(browser: Browser, pages: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((pages / "session.html").as_uri())
    assert page.locator("svg.chart path.line").count() >= 4
    assert page.get_by_text("How the number came to be").is_visible()
    context.close()
