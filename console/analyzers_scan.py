"""`wattrig analyzers scan`: what is connected."""

import json
import sys
import time
from collections.abc import Callable, Sequence

import click

from analyzers.probe import look, targets
from analyzers.scan import (
    Candidate,
    identified,
    network_candidates,
    serial_candidates,
    usbtmc_candidates,
    visa_candidates,
)
from console.analyzer_options import SETTINGS
from console.quiet import note

NOTHING_FOUND = 1
QUIET_S = 2.0
"""What takes longer says how far it is."""


@click.command(context_settings=SETTINGS)
@click.option(
    "--identify",
    "ask",
    is_flag=True,
    help="Ask '*IDN?' on each port that is found. What is no instrument gets these bytes too.",
)
@click.option(
    "--net",
    "nets",
    multiple=True,
    metavar="ADDRESS",
    help="Also look at HOST, HOST:PORT or a subnet as 192.168.1.0/28 (256 addresses at most): the ports that "
    "instruments are known to use, and VXI-11. May be given again. No address is looked at unasked.",
)
@click.option("--only-net", is_flag=True, help="Leave this machine's own ports out.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def scan(ask: bool, nets: tuple[str, ...], only_net: bool, form: str) -> None:  # fmt: skip
    """Find instruments: serial ports, USB-TMC and VISA resources of this machine, and addresses that you name.

    For what is identified, the table for station.toml is told. Exit code 1: nothing was found.

    \b
    wattrig analyzers scan --identify
    wattrig analyzers scan --net 192.168.1.0/28 --net 10.0.0.5:3300 --identify
    """
    wanted = [target for net in nets for target in targets(net)]
    found = [] if only_net else [*serial_candidates(), *usbtmc_candidates(), *visa_candidates()]
    found += network_candidates(look(wanted, _progress("addresses")))
    if ask:
        told, progress = [], _progress("ports")
        for number, candidate in enumerate(identified(found), 1):
            told.append(candidate)
            progress(number, len(found))
        found = told
    if form == "json":
        click.echo(json.dumps([_document(each) for each in found], indent=2))
    else:
        _print(found, ask=ask)
    sys.exit(0 if found else NOTHING_FOUND)


def _progress(what: str) -> Callable[[int, int], None]:
    """Make what tells on stderr how far a search is, once it takes long."""
    begin_s = told_s = time.monotonic()

    def tell(done: int, count: int) -> None:
        nonlocal told_s
        now_s = time.monotonic()
        if now_s - begin_s > QUIET_S and now_s - told_s > QUIET_S / 2:
            told_s = now_s
            note(f"{done} of {count} {what} looked at")

    return tell


def _document(candidate: Candidate) -> dict[str, object]:
    identity = candidate.identity
    return {
        "port": candidate.port,
        "kind": candidate.kind,
        "what": candidate.what,
        "idn": identity.idn if identity else None,
        "device_types": [family.device_type for family in identity.families] if identity else [],
        "problem": candidate.problem or None,
        "table": candidate.table,
    }


def _print(found: Sequence[Candidate], *, ask: bool) -> None:
    for each in found:
        click.echo(f"{each.port}: {each.what}")
        if each.identity:
            click.echo(f"  {each.identity.idn}")
        if each.problem:
            click.echo(f"  {each.problem}")
        if each.table:
            click.echo("\n" + "\n".join(f"    {line}" for line in each.table.splitlines()) + "\n")
    if not found:
        click.echo("no port was found; is the instrument on, and the cable the right one? --net looks at addresses")
    elif not ask:
        click.echo("who is there was not asked: --identify asks, on each of these ports")
