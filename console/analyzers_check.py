"""`wattrig analyzers check`: is an analyzer fit to measure with."""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from analyzers.identify import driver_at
from analyzers.machine_clock import clock_line
from analyzers.place import Place
from analyzers.preflight import Line, State, preflight
from analyzers.ptd.channels import wanted
from console.analyzer_options import SETTINGS, kind_options, place_of, place_options, several
from metrology.errors import ConfigError, WattrigError

PROBLEM = 1
Lines = list[Line]


@click.command(context_settings=SETTINGS)
@click.argument("port", required=False)
@kind_options
@place_options
@click.option("-c", "--station", type=click.Path(path_type=Path), help="Check all analyzers of a station file.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def check(
    port: str | None, device_type: int | None, channels: str | None, dc: bool, flag: str | None, baud: int | None,
    board: int | None, station: Path | None, form: str,
) -> None:  # fmt: skip
    """See whether the analyzer at PORT, or each of a station file, is fit to measure with: who it is, its settings as
    they are, this machine's clock; then it is set up and read as the daemon does it. Ranges stay as they are.

    Exit codes: 0 no problem (there may be warnings); 1 a problem; 2 the tool failed.

    \b
    wattrig analyzers check /dev/ttyUSB0
    wattrig analyzers check -c station.toml --format json
    """
    if (port is None) == (station is None):
        raise ConfigError("one thing can be checked at a time", "give PORT, or -c STATION")
    clock = [clock_line()]
    if station is not None:
        found = dict(_station(station))
    else:
        place = place_of(port, flag, baud, board)
        found = {place.port: _one(place, device_type, channels, dc=dc)}
    _tell({**found, "this machine": clock}, form)
    every = [line for lines in found.values() for line in lines] + clock
    sys.exit(PROBLEM if any(line.state is State.PROBLEM for line in every) else 0)


def _one(place: Place, device_type: int | None, channels: str | None, *, dc: bool) -> Lines:
    try:
        driver = driver_at(place, device_type, dc=dc, several=several(channels))
        asked = wanted(channels, driver.family)
    except WattrigError as problem:
        return [Line("connection", State.PROBLEM, problem.message, problem.hint)]
    if not driver.family.interfaces:
        return [Line("connection", State.WARNING, f"{driver.family.title}: there is no instrument to check")]
    return list(preflight(driver, place, asked))


def _station(path: Path) -> Iterator[tuple[str, Lines]]:
    from director.station import load_station

    for number, config in enumerate(load_station(path).analyzer, 1):
        place = Place(config.device_port, config.interface_flag.lstrip("-") or None, config.baud, config.gpib_board)
        channels = ",".join(map(str, config.channel)) if config.channel else None
        title = f"{number}: {config.name or f'type {config.device_type}'} at {config.device_port}"
        yield title, _one(place, config.device_type, channels, dc=config.dc)


def _tell(found: dict[str, Lines], form: str) -> None:
    if form == "json":
        documents = [{"analyzer": name, "lines": list(map(_document, each))} for name, each in found.items()]
        click.echo(json.dumps(documents, indent=2))
        return
    for name, lines in found.items():
        click.echo(name)
        for text in _texts(lines):
            click.echo(text)


def _document(line: Line) -> dict[str, str]:
    return {"name": line.name, "state": line.state.value, "found": line.found, "remedy": line.remedy}


def _texts(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        yield f"  {line.state.value:<8} {line.name}: {line.found}"
        if line.remedy:
            yield f"           try: {line.remedy}"
