"""The live page in a real browser: a session from start to verdict, zoom, a warning, a director that is started anew.

Screenshots go to the folder that WATTRIG_SCREENSHOTS names, else to pytest's own.
"""

import os
import re
import socket
import sys
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from analyzers.simulated.faults import Fault
from bench.rig import process
from tests.breakable_meter import simulated

WATTRIG = str(Path(sys.executable).with_name("wattrig"))
PATIENCE_S = 40.0
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("WATTRIG_SCREENSHOTS") or tmp_path / "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Clean:
    """A page that must never say anything on the console: a policy that is broken, or a script that fails."""

    def __init__(self, browser: Browser, **options: object) -> None:
        self.page: Page = browser.new_page(viewport={"width": 1280, "height": 900}, **options)  # type: ignore[arg-type]
        self.problems: list[str] = []
        self.strange: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda line: self.problems.append(line.text) if line.type == "error" else None)
        self.page.on("request", lambda request: self._seen(request.url))

    def _seen(self, url: str) -> None:
        if not url.startswith(("http://127.0.0.1:", "data:")):
            self.strange.append(url)


def wait_for(log: Path, pattern: str) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if found := re.search(pattern, log.read_text() if log.exists() else ""):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(f"no {pattern!r} in: {log.read_text() if log.exists() else log}")


def all_modes(page: Page, shots: Path, name: str) -> None:
    for mode in ("light", "dark"):
        page.emulate_media(color_scheme=mode)
        page.wait_for_timeout(300)
        page.screenshot(path=shots / f"{name}-{mode}.png", full_page=True)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.wait_for_timeout(400)
    page.screenshot(path=shots / f"{name}-phone.png", full_page=True)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], "the page is wider than a phone"
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_session_from_start_to_verdict(browser: Browser, tmp_path: Path, shots: Path) -> None:
    log, clean = tmp_path / "demo.log", Clean(browser)
    page = clean.page
    demo = (WATTRIG, "demo", "--seconds", "10", "--out", tmp_path / "out", "--web", "127.0.0.1:0")
    with process(log, *demo) as running:
        page.goto(wait_for(log, r"live page: (http\S+)"))
        expect(page.locator("#link")).to_have_text("live", timeout=10_000)
        expect(page.locator("#title")).to_have_text(re.compile(r"\d{4}-\d\d-\d\d_"), timeout=20_000)
        expect(page.locator("#lead")).to_have_text("ranging is being measured", timeout=20_000)
        expect(page.locator("#power")).to_have_text(re.compile(r"\d+\.\d"), timeout=10_000)
        expect(page.locator("#range-note")).to_have_text("automatic while ranging")
        expect(page.locator("#clock-note")).to_contain_text("director − client")
        expect(page.locator("#empty")).to_be_hidden()
        expect(page.locator("#lead")).to_have_text("testing is being measured", timeout=60_000)
        expect(page.locator("#progress-text")).to_contain_text("left")
        expect(page.locator("#uncertainty")).to_have_text(re.compile(r"0\.\d\d"), timeout=10_000)
        expect(page.locator("#headroom")).to_have_text(re.compile(r"\d+"))
        expect(page.locator("#rows th b")).to_have_text("WT310E")
        page.wait_for_timeout(3000)
        all_modes(page, shots, "live")
        zooms(page)
        # Judging makes way for all other tests.
        expect(page.locator("#outcome")).to_have_text("verdict: invalid", timeout=180_000)
        expect(page.locator("#past tr")).to_have_count(1)
        expect(page.locator("#past .reason").first).to_contain_text("PWR001")
        all_modes(page, shots, "verdict")
        assert running.wait(PATIENCE_S) == 0
    expect(page.locator("#link")).to_have_text(re.compile("trying again"), timeout=10_000)
    expect(page.locator("#link")).to_have_class("link waiting")  # the session is complete: no cause for alarm
    assert not clean.strange, "the page asked another host"
    assert not [text for text in clean.problems if "ERR_CONNECTION" not in text and "Failed to fetch" not in text]


def zooms(page: Page) -> None:
    span = "chart.view.to - chart.view.from"
    whole = page.evaluate(span)
    page.locator("#chart").focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.wait_for_timeout(300)
    near = page.evaluate(span)
    assert near < whole / 3
    assert page.locator("#follow").get_attribute("aria-pressed") == "true"
    page.keyboard.press("ArrowLeft")
    assert page.locator("#follow").get_attribute("aria-pressed") == "false"
    box = page.locator("#chart").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    expect(page.locator("#readout")).to_contain_text("W")
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(200)
    assert page.evaluate(span) < near
    page.keyboard.press("Home")
    assert page.evaluate(span) >= whole
    expect(page.locator("#chart-text")).to_contain_text("W,", timeout=5000)


UUID = "cf59d627-4308-4753-b14a-f6070a63ce76"


class RawClient:
    """A client as bare as can be."""

    def __init__(self, port: int) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self._file = self._connection.makefile("rb")

    def ask(self, command: str) -> str:
        self._connection.sendall(f"{command}\r\n".encode())
        return self._file.readline().decode().strip()

    def start(self) -> None:
        assert self.ask("mlcommons/power client v3") == "mlcommons/power server v3"
        assert self.ask(f"new,watched,{UUID}").startswith("OK ")
        assert self.ask("session,*,start,ranging") == "OK"

    def close(self) -> None:
        self._file.close()
        self._connection.close()


@pytest.mark.slow
def test_a_warning_and_a_director_that_is_started_anew(browser: Browser, tmp_path: Path, shots: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        web = f"127.0.0.1:{free.getsockname()[1]}"
    station, port = tmp_path / "station.toml", tmp_path / "wt310e"
    station.write_text(
        f'[director]\nlisten = "127.0.0.1:0"\nstore = "store"\n'
        f'[[analyzer]]\ndevice_type = 49\ndevice_port = "{port}"\nnetwork_port = 0\nname = "rack 3"\n'
    )
    director = (WATTRIG, "director", "-c", station, "--web", web)
    clean, log, again = Clean(browser), tmp_path / "director.log", tmp_path / "again.log"
    page = clean.page
    with simulated("pty", port) as (_, switch):
        with process(log, *director):
            wait_for(log, "(Ready to accept)")
            page.goto(f"http://{web}/")
            expect(page.locator("#title")).to_have_text("Ready for a client", timeout=10_000)
            client = RawClient(int(wait_for(log, r"Ready to accept connections at \S+:(\d+)")))
            client.start()
            switch.begin(Fault("nan", 0.0, 3.0))
            warning = page.locator("#warnings li").first
            expect(warning).to_contain_text("Analyzer 1 (rack 3) gave a reading that cannot be used", timeout=20_000)
            expect(page.locator("#rows th b")).to_have_text("rack 3")
            expect(page.locator("#samples-card")).to_have_class(re.compile("warn"))
            page.screenshot(path=shots / "warning.png", full_page=True)
        client.close()
        expect(page.locator("#link")).to_contain_text("trying again", timeout=10_000)
        expect(page.locator("#link")).to_have_class("link lost")
        page.screenshot(path=shots / "lost.png")
        with process(again, *director):
            wait_for(again, "(Ready to accept)")
            expect(page.locator("#link")).to_contain_text("live, director restarted at", timeout=20_000)
            expect(page.locator("#say")).to_contain_text("the director was restarted")
            expect(page.locator("#past tr")).to_contain_text("the director was stopped", timeout=10_000)
            page.screenshot(path=shots / "restarted.png", full_page=True)
    assert not [text for text in clean.problems if "ERR_" not in text]
