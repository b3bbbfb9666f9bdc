"""`wattrig measure`: director and client on one machine, over real sockets."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.format_option import format_option
from console.quiet import is_quiet
from console.web_option import watching, web_option

if TYPE_CHECKING:
    from console.progress import SessionProgress
    from director.events import Event, Observe
    from director.station import Station
    from sut_client.options import Options


async def measure_here(
    station: "Station", options: "Options", progress: "SessionProgress", station_file: str, watch: "Observe"
) -> Path:
    """Measure one session with a director and a client in this process; get the session's folder.

    The director listens on loopback, on a port of its own choice, whatever the station file says: nobody else is to
    connect. `watch` gets the director's events too.

    Raises:
        WattrigError: the session could not be completed.
    """
    from dataclasses import replace

    from director.server import Director
    from sut_client.client import run

    config = station.director.model_copy(update={"listen": "127.0.0.1:0", "tls": "offered"})
    here = station.model_copy(update={"director": config})

    def observe(event: "Event") -> None:
        watch(event)
        progress.from_director(event)

    async with Director(here, observe, station_file) as director:
        host, port = director.address
        return await run(replace(options, address=host, port=port, keys=config.keys), progress.from_client)


@click.command()
@click.option("-c", "--config", "station_file", type=click.Path(path_type=Path), required=True, metavar="STATION",
              help="station.toml, or the reference's server.conf")  # fmt: skip
@click.option("-w", "--run-workload", "workload", required=True, metavar="CMD",
              help="shell command that runs the benchmark; WATTRIG_PHASE says 'ranging' or 'testing'")  # fmt: skip
@click.option("-L", "--loadgen-logs", type=click.Path(path_type=Path), required=True, metavar="INDIR",
              help="folder below which the workload leaves LoadGen's logs")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="OUTDIR",
              help="the session goes into a folder of its own below this one")  # fmt: skip
@click.option("-l", "--label", default="", metavar="LABEL", help="added to the session's name")
@click.option("--testing-attempts", type=click.IntRange(1, 100), default=1, show_default=True, metavar="N",
              help="how often the testing run may be tried in all; ranging is not repeated")  # fmt: skip
@click.option("--time-limit", "time_limit_s", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
              help="end the workload, and the session, where a phase takes longer")  # fmt: skip
@click.option("-f", "--force", is_flag=True, help="remove INDIR before anything starts")
@web_option
@format_option
def measure(station_file: Path, web: str | None, form: str, **asked: Any) -> None:
    """Measure a workload with director and client on one machine.

    The workload runs twice: for ranging, where the analyzer finds its ranges, and for testing, which counts.

    \b
    Example:
      wattrig measure -c station.toml -w ./run_resnet50.sh -L loadgen-logs -o results
      wattrig measure -c station.toml -w ./run.sh -L logs -o results --web   and open http://127.0.0.1:8080

    \b
    station.toml for a Yokogawa WT310 on a serial port:
      [director]
      store = "sessions"
      [[analyzer]]
      device_type = 49
      device_port = "/dev/ttyUSB0"

    --format json prints what `wattrig check --format json` does, and all else on stderr. Exit code 0: measured,
    whatever the verdict, which is printed. 2: not measured.
    """
    from rich.console import Console

    from console.ending import run_session
    from console.progress import SessionProgress
    from console.result import result_json, show_result
    from director.station import load_station
    from sut_client.options import Options

    console, side = Console(), Console(stderr=form == "json", quiet=is_quiet())
    options = Options(
        address="127.0.0.1",
        called_as="wattrig measure ...",
        **asked,
    )
    station = load_station(station_file, lambda note: side.print(note, style="yellow", highlight=False))
    with watching(web, station, [options.output]) as watch:
        with SessionProgress(side) as progress:
            session = run_session(measure_here(station, options, progress, str(station_file), watch))
        if form == "json":
            click.echo(result_json(session))
        else:
            show_result(console, session)
