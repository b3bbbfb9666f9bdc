"""The report's page: its weight, the time to write it, and the time until a browser shows the first curve.

For a session of 10 minutes and one of 24 hours, sampled once a second, with
samples made here. The plain alternative is the same page with a point for every sample in both curves and all of
them as JSON for the script, as a page does that decimates nothing.
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from console import charts
from console.report_page import report_page
from console.session_view import view_session
from evidence.stamps import format_stamp

BEGIN_NS = 1_767_225_600 * 1_000_000_000
S = 1_000_000_000
GOAL_BYTES = 2_000_000


def write_session(folder: Path, seconds: int) -> None:
    """Write the parts of a session that curves are made of: samples and LoadGen's windows."""
    for start_s, phase in ((0, "ranging"), (seconds + 120, "run_1")):
        (folder / phase).mkdir(parents=True)
        begin_ns = BEGIN_NS + start_s * S
        lines = [
            f"Time,{format_stamp(begin_ns + at * S)},Watts,{400 + 90 * ((at * 7919) % 101) / 101:.6f},"
            f"Volts,230.000000,Amps,{1.9 + at % 7 / 10:.6f},PF,0.980000,Mark,s_{phase}"
            for at in range(seconds + 20)
        ]
        (folder / phase / "spl.txt").write_text("\n".join(lines) + "\n")
        marks = [("power_begin", begin_ns + 10 * S), ("power_end", begin_ns + (seconds + 10) * S)]
        records = [f":::MLLOG {json.dumps({'key': key, 'value': format_stamp(at_ns)})}" for key, at_ns in marks]
        (folder / phase / "mlperf_log_detail.txt").write_text("\n".join(records) + "\n")


def first_curve_s(file: Path) -> float:
    """Get the time from opening a file until its first curve is painted, the better of three."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("this bench needs Debian's Chromium: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        return min(_opened_s(browser.new_page(), file) for _ in range(3))


def _opened_s(page: Page, file: Path) -> float:
    start_s = time.perf_counter()
    page.goto(file.as_uri())
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame("
        "() => done(document.querySelector('svg.chart path.line').getTotalLength()))))"
    )
    return time.perf_counter() - start_s


def measured(folder: Path, columns: int, zoom_columns: int) -> tuple[int, float, float]:
    """Write a page with so many columns; get bytes, seconds to write, and seconds to the first curve."""
    charts.COLUMNS, charts.ZOOM_COLUMNS = columns, zoom_columns
    start_s = time.perf_counter()
    content = report_page(view_session(folder)).encode()
    written_s = time.perf_counter() - start_s
    file = folder / "page.html"
    file.write_bytes(content)
    return len(content), written_s, first_curve_s(file)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    usual = charts.COLUMNS, charts.ZOOM_COLUMNS
    print("session      page kB    plain kB   ratio   written s   first curve s   plain s   ratio   below 2000 kB")
    with tempfile.TemporaryDirectory() as scratch:
        for name, seconds in (("10 min", 600), ("24 h", 86_400)):
            write_session(folder := Path(scratch) / name, seconds)
            ours, plain = measured(folder, *usual), measured(folder, 10**7, 10**7)
            print(
                f"{name:<10} {ours[0] / 1000:9.0f} {plain[0] / 1000:11.0f} {plain[0] / ours[0]:7.1f} {ours[1]:11.2f}"
                f" {ours[2]:15.3f} {plain[2]:9.3f} {plain[2] / ours[2]:7.1f}   {ours[0] < GOAL_BYTES}"
            )


if __name__ == "__main__":
    main()
