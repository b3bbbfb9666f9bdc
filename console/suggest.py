"""`wattrig suggest`: the station file for the meters that are plugged in."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from console.patience import said_if_slow
from console.quiet import note

if TYPE_CHECKING:
    from analyzers.scan import Candidate
    from console.station_text import Meter

NOTHING_FOUND = 1
Function = TypeVar("Function", bound=Callable[..., Any])


def where_options(function: Function) -> Function:
    """Add the options that say where to look for meters; `search` reads them."""
    port = click.option("--port", "ports", multiple=True, metavar="PORT",
                        help="Ask at this port, and not at all that there are. May be given again.")  # fmt: skip
    net = click.option("--net", "nets", multiple=True, metavar="ADDRESS",
                       help="Ask at HOST, HOST:PORT or a subnet as 192.168.1.0/28, and not at all ports that there "
                       "are. May be given again.")  # fmt: skip
    return port(net(function))


def search(ports: Sequence[str], nets: Sequence[str]) -> "list[Meter]":
    """Ask who is there, at the places that are named or else at all ports of this machine; problems go to stderr."""
    from analyzers.probe import look, targets
    from analyzers.scan import Candidate, identified, network_candidates
    from console.station_text import meters_of

    wanted = [target for net in nets for target in targets(net)]
    found = [Candidate(port, "named", "") for port in ports] + network_candidates(look(wanted))
    candidates = found if ports or nets else _own()
    with said_if_slow(f"still asking at {len(candidates)} ports ..."):
        return meters_of(list(_told(identified(candidates))))


def _own() -> "list[Candidate]":
    from analyzers.scan import serial_candidates, usbtmc_candidates, visa_candidates

    return [*serial_candidates(), *usbtmc_candidates(), *visa_candidates()]


def _told(found: "Iterator[Candidate]") -> "Iterator[Candidate]":
    from console.plain import plain

    for each in found:
        if each.identity is None:
            note(plain(f"{each.port}: {each.problem}"))
        elif each.table is None:
            note(plain(f"{each.port}: no driver here reads {each.identity.idn!r}"))
        yield each


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@where_options
def suggest(ports: tuple[str, ...], nets: tuple[str, ...]) -> None:
    """Print the station.toml for the meters that are plugged in.

    Each serial port, USB-TMC and VISA resource of this machine is asked '*IDN?'; what is no instrument gets these
    bytes, too. What was asked and is no meter is told on stderr. Exit code 1: there is none.

    \b
    Examples:
      wattrig suggest > station.toml
      wattrig suggest --port /dev/ttyUSB0
      wattrig suggest --net 192.168.1.20:3300
    """
    from console.station_text import Draft, station_text

    meters = search(ports, nets)
    if not meters:
        click.echo("no meter answers; is it on, and the cable the right one? see wattrig doctor", err=True)
        sys.exit(NOTHING_FOUND)
    click.echo(station_text(Draft(meters)), nl=False)


def write_new(file: Path, text: str) -> None:
    """Write a file that is not there yet.

    Raises:
        ConfigError: it is, or it cannot be written.
    """
    from metrology.errors import ConfigError

    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise taken(file) from None
    except OSError as problem:
        raise ConfigError(f"'{file}' cannot be written: {problem.strerror}", "name another file") from problem


def taken(file: Path) -> Exception:
    """Make the error of a file that is there already."""
    from metrology.errors import ConfigError

    return ConfigError(f"'{file}' is there already, and is left as it is", "name another file, or move it away")
