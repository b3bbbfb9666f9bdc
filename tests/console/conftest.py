"""A real browser for the pages."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Not for the whole session: while it runs, no other test can run a loop of its own."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail("the pages are tested in Debian's Chromium: apt-get install --no-install-recommends chromium")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()
