"""`wattrig doctor`: is this machine ready to measure, and if not, which command mends it."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from console.completion_values import rounds
from console.patience import said_if_slow
from console.quiet import is_quiet

if TYPE_CHECKING:
    from analyzers.preflight import Line
    from director.station import Station
    from rules.documents import RoundRules
    from sut_client.options import Options

UNFIT = 1
"""Exit code where there is a problem."""
COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
Checks = dict[str, Callable[[], "Iterable[Line]"]]


@click.command()
@click.option("-c", "--config", "station_file", type=click.Path(path_type=Path), metavar="STATION",
              help="station.toml, or the reference's server.conf: look at its meters and store, too")  # fmt: skip
@click.option("--peer", metavar="HOST[:PORT]", help="ask this director for its time, as a client does")
@click.option("--round", "round_name", metavar="ROUND", shell_complete=rounds,
              help="the round to submit to, as v6.1: is LoadGen's version, and PTDaemon's, one of it?")  # fmt: skip
@click.option("--allow-plaintext", is_flag=True, help="talk to the peer although nothing protects the connection")
@click.option("--keys", type=click.Path(path_type=Path), metavar="FOLDER",
              help="folder of keys  [default: that of STATION, or see wattrig keys]")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def doctor(
    station_file: Path | None, peer: str | None, round_name: str | None, allow_plaintext: bool, keys: Path | None,
    form: str,
) -> None:  # fmt: skip
    """See whether this machine, measuring or measured, is ready; nothing is changed.

    Each line is ok, a warning or a problem, and the last two say what mends it: packages, LoadGen's version, SPEC's
    PTDaemon, who keeps the clock and how far the director's is, space and speed of the disk, CPU governor, keys,
    rights to the ports, meters.

    \b
    Examples:
      wattrig doctor
      wattrig doctor -c station.toml --round v6.1       on the measuring machine
      wattrig doctor --peer 192.168.1.20                on the measured one, while the director runs

    \b
    Exit codes: 0 no problem (there may be warnings), 1 a problem, 2 the tool failed.
    """
    from console.health.peers import peer_options
    from console.health.software import round_of
    from director.station import load_station

    asked = round_of(round_name)
    station = load_station(station_file) if station_file else None
    keys = keys or (station.director.keys if station else None)
    options = peer_options(peer, keys, allow_plaintext=allow_plaintext) if peer else None
    found = run(checks(Asked(station, str(station_file), asked, options, keys)), tell=form == "text")
    if form == "json":
        click.echo(json.dumps(document(found), indent=2))
    states = [line.state.value for lines in found.values() for line in lines]
    if form == "text":
        counts = ((states.count(state), state) for state in ("problem", "warning"))
        click.echo(", ".join(f"{count} {state}{'s' * (count != 1)}" for count, state in counts))
    sys.exit(UNFIT if "problem" in states else 0)


class Asked(NamedTuple):
    """What to look at beside the machine itself; None for what was not asked for."""

    station: "Station | None"
    station_file: str
    round: "RoundRules | None"
    peer: "Options | None"
    keys: Path | None


def checks(asked: Asked) -> Checks:
    """Get what is to be looked at here, by its heading."""
    from console.health import machine, peers, software
    from sut_client.linux_facts import Linux
    from wire.keys import KeyFolder

    linux, station, peer = Linux(), asked.station, asked.peer
    store = station.director.store if station else Path.cwd()
    found: Checks = {
        "software": lambda: chain(
            [software.python_line()],
            software.package_lines(frozenset({"director"} if station else ())),
            [software.loadgen_line(software.installed(software.LOADGEN), asked.round)],
        ),
        "clock": lambda: machine.clock_lines(linux),
        "disk and processors": lambda: chain(machine.store_lines(store, linux), [machine.governor_line(linux)]),
        "keys": lambda: peers.key_lines(KeyFolder(asked.keys), station, asked.station_file),
    }
    if find_spec("serial") is not None:
        found |= _measuring(asked)
    if peer:
        found["peer"] = lambda: peers.peer_lines(peer)
    return found


def _measuring(asked: Asked) -> Checks:
    """Get what is to be looked at where analyzers can be read."""
    from console.health import ports, software
    from sut_client.linux_facts import Linux

    station = asked.station
    spec = next((each.ptd for each in station.analyzer if not each.is_ours), None) if station else None
    found: Checks = {
        "PTDaemon": lambda: [software.ptdaemon_line(spec, asked.round)],
        "ports": lambda: ports.port_lines(Linux()),
        "meters": lambda: ports.meter_lines(station) if station else [ports.unasked_line()],
    }
    if station:
        found["addresses"] = lambda: ports.listening_lines(station, Linux())
    return found


def run(wanted: Checks, *, tell: bool) -> dict[str, "list[Line]"]:
    """Look at everything; `tell` prints each line as soon as it is known."""
    found: dict[str, list[Line]] = {}
    for heading, check in wanted.items():
        found[heading] = []
        if tell and not is_quiet():
            click.secho(heading, bold=True)
        with said_if_slow(f"still looking at: {heading} ..."):
            for line in _guarded(heading, check):
                found[heading].append(line)
                if tell:
                    _print(line)
    return found


def _guarded(heading: str, check: Callable[[], "Iterable[Line]"]) -> "Iterator[Line]":
    """Make a problem of what keeps a check from coming to its end."""
    from analyzers.preflight import Line, State
    from metrology.errors import WattrigError

    try:
        yield from check()
    except WattrigError as problem:
        yield Line(heading, State.PROBLEM, problem.message, problem.hint)
    except OSError as problem:
        yield Line(heading, State.PROBLEM, f"could not be looked at: {problem}")


def _print(line: "Line") -> None:
    from console.plain import plain

    state = line.state.value
    if is_quiet() and state == "ok":
        return
    click.echo(f"  {click.style(f'{state:<8}', fg=COLOURS[state])} {plain(f'{line.name}: {line.found}')}")
    if line.remedy:
        for at, text in enumerate(line.remedy.splitlines()):
            click.echo(f"           {'try: ' if at == 0 else '     '}{plain(text.strip())}")


def document(found: dict[str, "list[Line]"]) -> dict[str, object]:
    """Get what was found, for programs."""
    checks_told = [
        {
            "about": heading,
            "lines": [
                {"name": line.name, "state": line.state.value, "found": line.found, "remedy": line.remedy}
                for line in lines
            ],
        }
        for heading, lines in found.items()
    ]
    states = [line.state.value for lines in found.values() for line in lines]
    worst = next((state for state in ("problem", "warning") if state in states), "ok")
    return {"schema": 1, "state": worst, "checks": checks_told}
