"""`wattrig director`: serve the analyzers of a measuring machine to clients on the measured machine."""

import asyncio
import signal
import sys
from pathlib import Path

import click

from director.events import Event, LogLine, SessionEnded
from director.server import serve
from director.station import Station, load_station

BROKEN_OFF = 1
"""Exit code where the director was stopped in the middle of a session."""


@click.command()
@click.option(
    "-c", "--config", "station_file", required=True, type=click.Path(path_type=Path), metavar="FILE",
    help="The station file: station.toml, or the reference's server.conf.",
)  # fmt: skip
@click.option("--allow-plaintext", is_flag=True, help="Serve other machines without encryption.")
def director(station_file: Path, allow_plaintext: bool) -> None:
    """Serve the analyzers to a client on the measured machine.

    Every analyzer is tried first: that it answers, and is the right one. Then the director listens, and writes what
    it does on stderr. It ends on ^C, on SIGTERM, or when a client asks it to; the exit code is 0, or 1 where a
    session was broken off, or 2 where it could not start.

    \b
    A station.toml:
      [director]
      listen = "127.0.0.1:4950"    # other machines: an address of this one, and --allow-plaintext
      store = "sessions"           # sessions are kept here; relative to this file
      [[analyzer]]
      ptd = "wattrig-ptd"          # or the path of SPEC's PTDaemon, for official submissions
      device_type = 49             # PTDaemon's number: 49 is the Yokogawa WT310
      device_port = "/dev/ttyUSB0"
      network_port = 0             # TCP port of the daemon; 0 picks a free one

    \b
    Without an analyzer, try it with a simulated one:
      wattrig simulate wt310e --pty /tmp/wt310    and device_port = "/tmp/wt310"
    """
    station = load_station(station_file, lambda text: click.echo(f"{station_file}: {text}", err=True))
    if allow_plaintext:
        allowed = station.director.model_copy(update={"allow_plaintext": True})
        station = station.model_copy(update={"director": allowed})
    sys.exit(asyncio.run(_serve_until_stopped(station, str(station_file))))


async def _serve_until_stopped(station: Station, station_file: str) -> int:
    broken_off = False

    def observe(event: Event) -> None:
        nonlocal broken_off
        if isinstance(event, LogLine):
            click.echo(event.text, err=True)
        elif isinstance(event, SessionEnded) and stopping.is_set():
            broken_off = broken_off or bool(event.reason)

    stopping = asyncio.Event()
    serving = asyncio.create_task(serve(station, observe, station_file))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, serving, stopping)
    try:
        await serving
    except asyncio.CancelledError:
        return BROKEN_OFF if broken_off else 0
    return 0


def _stop(serving: asyncio.Task[None], stopping: asyncio.Event) -> None:
    # A second signal must not interrupt the giving back of the analyzer.
    if not stopping.is_set():
        stopping.set()
        serving.cancel()
