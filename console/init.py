"""`wattrig init`: a few questions, and a station file."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.completion_values import device_types
from console.suggest import search, taken, where_options, write_new
from metrology.errors import ConfigError

if TYPE_CHECKING:
    from console.station_text import Draft, Meter


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default=Path("station.toml"))
@click.option("-y", "--yes", is_flag=True, help="Ask nothing: take what is plugged in, and the defaults.")
@click.option("-t", "--type", "device_type", type=click.IntRange(0, 99999), shell_complete=device_types,
              help="PTDaemon's device type of what is at --port; it is not asked then.")  # fmt: skip
@where_options
def init(file: Path, yes: bool, device_type: int | None, ports: tuple[str, ...], nets: tuple[str, ...]) -> None:
    """Write a station file, station.toml unless FILE names another, for the meters that are plugged in.

    Asks which meters, where sessions are kept, who may connect and what reads the meters; Enter takes the default,
    which is what was found. A file that is there already is never touched.

    \b
    Examples:
      wattrig init
      wattrig init lab.toml --yes
      wattrig init --yes --port /dev/ttyUSB0 --type 49      a meter that is not plugged in yet
    """
    from console.station_text import station_text

    if file.exists():
        raise taken(file)
    meters = _named(ports, device_type) if device_type is not None else search(ports, nets)
    draft = _by_default(meters) if yes else _asked(meters)
    text = station_text(draft, str(file))
    _require_station(text)
    write_new(file, text)
    click.echo(f"written: {file}")
    click.echo(f"next: wattrig doctor -c {file}")


def _named(ports: Sequence[str], device_type: int) -> "list[Meter]":
    from analyzers.drivers import driver_for
    from analyzers.place import Place
    from console.station_text import Meter

    if not ports:
        raise ConfigError("--type says what a meter is, but not where", "add --port PORT")
    return [Meter(Place(port), driver_for(device_type).family) for port in ports]


def _by_default(meters: "list[Meter]") -> "Draft":
    from console.station_text import Draft

    if not meters:
        raise ConfigError("no meter answers, so there is nothing to write", "name one: --port PORT --type TYPE")
    return Draft(meters)


def _asked(meters: "list[Meter]") -> "Draft":
    """Ask the operator."""
    from console.health.software import spec_program
    from console.station_text import LISTEN, OUR_DAEMON, STORE, Draft

    chosen = list(_chosen(meters)) or [_described_by_hand()]
    store = click.prompt("Folder that keeps the sessions", default=STORE)
    listen = LISTEN
    if click.confirm("Is the measured machine another one, which connects over the network?", default=False):
        listen = click.prompt("Address and port to listen on", default="0.0.0.0:" + LISTEN.rpartition(":")[2])
    spec = spec_program()
    ptd = click.prompt("Program that reads the meters", default=str(spec.path) if spec else OUR_DAEMON)
    return Draft(chosen, store, listen, ptd)


def _chosen(meters: "list[Meter]") -> "Iterator[Meter]":
    for meter in meters:
        if click.confirm(f"Measure with {meter.idn or meter.family.title} at {meter.place.port}?", default=True):
            yield replace(meter, name=click.prompt("What do you call it (may be empty)", default=""))


def _described_by_hand() -> "Meter":
    port = click.prompt("Port of the meter: a device file, HOST:PORT or a VISA resource", default="/dev/ttyUSB0")
    number = click.prompt("PTDaemon's device type of it (wattrig analyzers list)", type=int, default=49)
    return _named([port], number)[0]


def _require_station(text: str) -> None:
    """Make sure that a director would take the file.

    Raises:
        ConfigError: an answer cannot be.
    """
    from pydantic import ValidationError

    from director.station import Station

    try:
        Station.model_validate(tomllib.loads(text))
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise ConfigError(f"no director would take that: {place}: {first['msg']}", "answer otherwise") from problem
