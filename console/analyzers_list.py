"""`wattrig analyzers list` and `identify`: what can be read, and who is there."""

import json
from typing import Any

import click

from analyzers.catalogue import NOT_READ, UNTRIED, Entry, catalogue
from analyzers.driver import Family
from analyzers.drivers import driver_for
from console.analyzer_options import SETTINGS, place_of, place_options
from console.completion_values import device_types


@click.command("list", context_settings=SETTINGS)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def list_analyzers(form: str) -> None:
    """List the analyzers that can be read: device type, channels, AC or DC, interfaces, and how far each was tried.

    An interface in (brackets) is one that nobody has tried with an instrument.

    \b
    wattrig analyzers list
    wattrig analyzers list --format json
    """
    entries = catalogue()
    if form == "json":
        click.echo(json.dumps([_document(entry) for entry in entries], indent=2))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("type", "analyzer", "", "channels", "interfaces", "dialogue"):
        short = heading in ("type", "")
        table.add_column(heading, justify="right" if heading == "type" else "left", no_wrap=short, overflow="fold")
    for entry in entries:
        table.add_row(*_row(entry))
    width = None if Console().is_terminal else 160
    Console(width=width).print(table)
    for name, why in UNTRIED.items():
        click.echo(f"({name}): {why}")
    for name, why in NOT_READ.items():
        click.echo(f"not read: {name}: {why}")


def _row(entry: Entry) -> tuple[str, ...]:
    family = entry.family
    interfaces = (f"({name})" if name in entry.untried else name for name in family.interfaces)
    channels = f"1 to {family.channels} and sum" if family.multichannel else f"1 of {family.channels}"
    kind = "DC" if family.dc else "AC"
    return str(family.device_type), family.title, kind, channels, " ".join(interfaces) or "none", family.verified


def _document(entry: Entry) -> dict[str, Any]:
    family = entry.family
    return {
        "device_type": family.device_type,
        "title": family.title,
        "measures": "DC" if family.dc else "AC",
        "channels": family.channels,
        "multichannel": family.multichannel,
        "interfaces": [{"name": name, "tried": name not in entry.untried} for name in family.interfaces],
        "socket_port": family.socket_port,
        "baud": family.baud if "serial" in family.interfaces else None,
        "verified": entry.is_verified,
        "verification": family.verified,
        "source": family.source,
    }


@click.command(context_settings=SETTINGS)
@click.argument("port")
@click.argument("device_type", metavar="[TYPE]", type=click.IntRange(0, 99999), required=False,
                shell_complete=device_types)  # fmt: skip
@place_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def identify(
    port: str, device_type: int | None, flag: str | None, baud: int | None, board: int | None, form: str
) -> None:
    """Ask the instrument at PORT who it is, and tell which drivers read it.

    With TYPE, one of PTDaemon's device types, anything else than that instrument is an error.

    \b
    wattrig analyzers identify /dev/ttyUSB0
    wattrig analyzers identify 192.168.1.20:3300 57
    """
    from analyzers.catalogue import ANY, best_of
    from analyzers.identify import identify_at

    place = place_of(port, flag, baud, board)
    found = identify_at(place, ANY if device_type is None else driver_for(device_type).family)
    if form == "json":
        names = ("idn", "maker", "model", "serial", "firmware", "options", "simulated")
        known: dict[str, Any] = {name: getattr(found, name) for name in names}
        click.echo(json.dumps(known | {"device_types": [each.device_type for each in found.families]}, indent=2))
        return
    for name in ("maker", "model", "serial", "firmware"):
        click.echo(f"{name:<10} {getattr(found, name)}")
    click.echo(f"{'options':<10} {found.options or 'not told'}")
    for family in found.families:
        click.echo(_driver_line(family))
    best = best_of(list(found.families))
    click.echo(f"\nfor station.toml:\n\n{place.table(best)}" if best else "no driver here reads it")


def _driver_line(family: Family) -> str:
    return f"{'driver':<10} {family.device_type} {family.title} ({'DC' if family.dc else 'AC'}): {family.verified}"
