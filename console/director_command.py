"""`wattrig director`: serve the analyzers of a measuring machine to clients on the measured machine."""

import asyncio
import signal
import sys
from pathlib import Path

import click

from console.ending import end_at_once
from console.log_format import log_format_option, say_event, say_line
from console.quiet import note
from console.web_option import watching, web_option
from director.events import Event, LogLine, Observe, RangesChosen, SessionEnded
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
@click.option(
    "--keys", type=click.Path(path_type=Path), metavar="FOLDER",
    help="Folder of keys.  [default: 'keys' in [director], $WATTRIG_KEYS, or see wattrig keys]",
)  # fmt: skip
@web_option
@log_format_option
def director(station_file: Path, allow_plaintext: bool, keys: Path | None, web: str | None, log_format: str) -> None:
    """Serve the analyzers to a client on the measured machine.

    Every analyzer is tried first: that it answers, and is the right one. Then the director listens, and writes what
    it does on stderr. It ends on ^C, on SIGTERM, or when a client asks it to (a second ^C ends it at once); the exit
    code is 0, or 1 where a session was broken off, or 2 where it could not start.

    \b
    A station.toml:
      [director]
      listen = "127.0.0.1:4950"    # other machines: an address of this one, and keys (wattrig keys)
      store = "sessions"           # sessions are kept here; relative to this file
      [[analyzer]]
      ptd = "wattrig-ptd"          # or the path of SPEC's PTDaemon, for official submissions
      device_type = 49             # PTDaemon's number: 49 is the Yokogawa WT310
      device_port = "/dev/ttyUSB0"
      network_port = 0             # TCP port of the daemon; 0 picks a free one

    \b
    Without an analyzer, try it with a simulated one:
      wattrig simulate wt310e --pty /tmp/wt310    and device_port = "/tmp/wt310"

    \b
    Watch it in a browser (http://127.0.0.1:8080) or a terminal (wattrig watch):
      wattrig director -c station.toml --web
    """
    station = load_station(station_file, lambda text: click.echo(f"{station_file}: {text}", err=True))
    changes = ({"allow_plaintext": True} if allow_plaintext else {}) | ({"keys": keys.absolute()} if keys else {})
    station = station.model_copy(update={"director": station.director.model_copy(update=changes)})
    with watching(web, station, say=lambda text: say_line(text, log_format, "director")) as watch:
        code = asyncio.run(_serve_until_stopped(station, str(station_file), watch, log_format))
    sys.exit(code)


async def _serve_until_stopped(station: Station, station_file: str, watch: Observe, log_format: str) -> int:
    broken_off = False

    def observe(event: Event) -> None:
        nonlocal broken_off
        watch(event)
        if isinstance(event, LogLine):
            say_line(event.text, log_format, "director")
            return
        say_event(event, log_format, "director")
        if isinstance(event, RangesChosen) and log_format == "text":
            note(f"analyzer {event.analyzer}: {event.told}")
        if isinstance(event, SessionEnded) and stopping.is_set():
            broken_off = broken_off or bool(event.reason)

    stopping = asyncio.Event()
    serving = asyncio.create_task(serve(station, observe, station_file))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, serving, stopping, number)
    try:
        await serving
    except asyncio.CancelledError:
        return BROKEN_OFF if broken_off else 0
    return 0


def _stop(serving: asyncio.Task[None], stopping: asyncio.Event, number: signal.Signals) -> None:
    if stopping.is_set():
        end_at_once(number)
    stopping.set()
    serving.cancel()
