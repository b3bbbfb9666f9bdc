"""`wattrig measure`: director and client on one machine, over real sockets."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from console.progress import SessionProgress
    from director.station import Station
    from sut_client.options import Options


async def measure_here(
    station: "Station", options: "Options", progress: "SessionProgress", station_file: str
) -> Path:
    """Measure one session with a director and a client in this process; get the session's folder.

    The director listens on loopback, on a port of its own choice, whatever the station file says: nobody else is to
    connect.

    Raises:
        WattrigError: the session could not be completed.
    """
    from dataclasses import replace

    from director.server import Director
    from sut_client.client import run

    config = station.director.model_copy(update={"listen": "127.0.0.1:0"})
    here = station.model_copy(update={"director": config})
    async with Director(here, progress.from_director, station_file) as director:
        host, port = director.address
        return await run(replace(options, address=host, port=port), progress.from_client)


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
@click.option("-f", "--force", is_flag=True, help="remove INDIR before anything starts")
def measure(station_file: Path, workload: str, loadgen_logs: Path, output: Path, label: str, force: bool) -> None:
    """Measure a workload with director and client on one machine.

    The workload runs twice: for ranging, where the analyzer finds its ranges, and for testing, which counts.

    \b
    Example:
      wattrig measure -c station.toml -w ./run_resnet50.sh -L loadgen-logs -o results

    \b
    station.toml for a Yokogawa WT310 on a serial port:
      [director]
      store = "sessions"
      [[analyzer]]
      device_type = 49
      device_port = "/dev/ttyUSB0"

    Exit code 0: measured, whatever the verdict, which is printed. 2: not measured.
    """
    from rich.console import Console

    from console.ending import run_session
    from console.progress import SessionProgress
    from console.result import show_result
    from director.station import load_station
    from sut_client.options import Options

    console = Console()
    options = Options(
        address="127.0.0.1",
        workload=workload,
        loadgen_logs=loadgen_logs,
        output=output,
        label=label,
        force=force,
        called_as="wattrig measure ...",
    )
    station = load_station(station_file, lambda note: console.print(note, style="yellow", highlight=False))
    with SessionProgress(console) as progress:
        session = run_session(measure_here(station, options, progress, str(station_file)))
    show_result(console, session)
