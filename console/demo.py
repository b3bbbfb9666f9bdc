"""`wattrig demo`: a whole measurement on this machine, with a simulated analyzer and all else real."""

import contextlib
import json
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from console.format_option import format_option
from console.quiet import is_quiet
from console.web_option import watching, web_option
from metrology.errors import InstrumentError, WattrigError

READY_S = 10.0
"""How long the simulated analyzer may take to open its port."""
SCENARIOS = ("Offline", "SingleStream", "MultiStream", "Server")


@contextlib.contextmanager
def simulated_analyzer(port: Path, truth: Path) -> Iterator[None]:
    """Run a simulated WT310E on a serial port of its own, in its own process.

    Raises:
        InstrumentError: it does not get ready.
    """
    program = [sys.executable, "-m", "console.main", "simulate", "wt310e"]
    command: list[str | Path] = [*program, "--pty", port, "--truth", truth]
    # A session of its own: Ctrl-C is for the measurement, which still needs the analyzer to set its ranges back.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    with process:
        try:
            if not process.stdout or not process.stdout.readline():
                raise InstrumentError("the simulated analyzer did not start", "see its message above")
            yield
        finally:
            process.send_signal(signal.SIGTERM)


def station_text(port: Path, store: Path) -> str:
    """Write the station file of the demo."""
    return (
        f"[director]\nstore = {json.dumps(str(store))}\n\n"
        f"[[analyzer]]\ndevice_type = 49\ndevice_port = {json.dumps(str(port))}\nnetwork_port = 0\n"
    )


@click.command()
@click.option("--scenario", type=click.Choice(SCENARIOS), default="Offline", show_default=True)
@click.option("--seconds", type=click.IntRange(3, 86400), default=30, show_default=True, help="length of each phase")
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo-out"), show_default=True, metavar="FOLDER")
@click.option("--open", "opens", is_flag=True, help="show the report in the browser")
@web_option
@format_option
def demo(scenario: str, seconds: int, out: Path, opens: bool, web: str | None, form: str) -> None:
    """Measure this machine with a simulated analyzer, from start to verdict.

    A simulated Yokogawa WT310E on a serial port follows the CPU load of this machine; wattrig-ptd reads it; director
    and client measure a small LoadGen benchmark twice (ranging, testing); the checker judges the session, and a
    report shows it. Only the analyzer is simulated, and verdict and report say so.

    \b
    Examples:
      wattrig demo
      wattrig demo --scenario SingleStream --seconds 10 --out /tmp/demo
      wattrig demo --web                          and open http://127.0.0.1:8080
    """
    from rich.console import Console

    from console.ending import run_session
    from console.measure import measure_here
    from console.progress import SessionProgress
    from console.result import result_json, show_result
    from director.station import load_station
    from sut_client.options import Options

    console, side = Console(), Console(stderr=form == "json", quiet=is_quiet())
    side.print(
        f"LoadGen {scenario}, {seconds} s per phase, on a simulated WT310E that follows this machine's CPU load"
    )
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wattrig-") as scratch:
        port, truth, logs = Path(scratch) / "wt310e", Path(scratch) / "truth.csv", Path(scratch) / "loadgen"
        station_file = Path(scratch) / "station.toml"
        station_file.write_text(station_text(port, (out / ".director").absolute()))
        program = [sys.executable, "-m", "sut_client.loadgen", "--scenario", scenario, "--seconds", str(seconds)]
        options = Options(
            address="127.0.0.1",
            workload=shlex.join([*program, "--logs", str(logs)]),
            loadgen_logs=logs,
            output=out,
            called_as="wattrig demo",
        )
        station = load_station(station_file)
        with watching(web, station, [out], float(seconds)) as watch:
            with simulated_analyzer(port, truth), SessionProgress(side, float(seconds)) as progress:
                session = run_session(measure_here(station, options, progress, str(station_file), watch))
            shutil.move(truth, session / "wattrig" / "truth.csv")
            if form == "json":
                click.echo(result_json(session))
            else:
                show_result(console, session)
    _report(session, opens=opens, aside=form == "json")


def _report(session: Path, *, opens: bool, aside: bool) -> None:
    """Write the report; where that cannot be, the measurement is complete all the same."""
    from console.report_file import default_place, say_written, write_page
    from console.report_page import report_page
    from console.session_view import view_session

    place = default_place(session, "html")
    try:
        write_page(report_page(view_session(session)), place, "html")
    except WattrigError as problem:
        click.echo(f"wattrig: no report was written: {problem}", err=True)
    else:
        say_written(place, opens=opens, aside=aside)
