"""Where pages go: written at once or not at all, as HTML, or as PDF by Chromium."""

import shutil
import subprocess
import tempfile
import webbrowser
from pathlib import Path

import click

from evidence.layout import OURS
from evidence.session import find_session
from evidence.state import write_bytes_atomically
from metrology.errors import ConfigError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
PRINTING_S = 120
"""Longest time that Chromium gets to print; a report of a day takes three seconds."""


def default_place(path: Path, form: str) -> Path:
    """Get where a report goes: to the session's own records where there are some, else to the current folder.

    A `performance/` folder of a submission stays as it is: one more file would make it invalid.
    """
    folder = find_session(path)
    own = folder is not None and (folder.root / OURS).is_dir()
    return folder.root / OURS / f"report.{form}" if folder is not None and own else Path(f"report.{form}")


def write_page(page: str, output: Path, form: str) -> None:
    """Write a page.

    Raises:
        ConfigError: the file cannot be written, or Chromium is missing or fails.
    """
    try:
        if form == "pdf":
            _print(page, output)
        else:
            write_bytes_atomically(output, page.encode())
    except OSError as problem:
        raise ConfigError(
            f"'{output}' cannot be written: {problem.strerror}", "give another place with -o"
        ) from problem


def _print(page: str, output: Path) -> None:
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        hint = "apt install chromium; or write HTML and print it from any browser"
        raise ConfigError(f"a PDF needs Chromium, and none of {', '.join(BROWSERS)} is there", hint)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wattrig-print-") as scratch:
        source, target = Path(scratch) / "report.html", Path(scratch) / "report.pdf"
        source.write_text(page, "utf-8")
        # What is printed is our own page, which asks for no network; root in a container has no sandbox to use.
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", "--disable-dev-shm-usage"]
        where = [f"--user-data-dir={scratch}/profile", f"--print-to-pdf={target}", source.as_uri()]
        try:
            done = subprocess.run([browser, *options, *where], capture_output=True, timeout=PRINTING_S, check=False)
        except subprocess.TimeoutExpired as problem:
            raise ConfigError(f"'{browser}' did not print within {PRINTING_S} s", "write HTML instead") from problem
        if not target.exists():
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise ConfigError(f"'{browser}' did not print: {last[0][:200]}", "write HTML instead")
        write_bytes_atomically(output, target.read_bytes())


def say_written(output: Path, *, opens: bool, aside: bool = False) -> None:
    """Say where a page is, on stderr if `aside`, and show it in the browser where `opens` asks so."""
    click.echo(f"report: {output}", err=aside)
    if opens and not webbrowser.open(output.absolute().as_uri()):
        click.echo("wattrig: no browser could be opened; open the file by hand", err=True)
