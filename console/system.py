"""`wattrig system describe`: what the measured machine says of itself, for the description of a submission."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.format_option import format_option

if TYPE_CHECKING:
    from evidence.system_facts import Fact


@click.group()
def system() -> None:
    """Describe the measured machine.

    \b
    Examples:
      wattrig system describe
      sudo wattrig system describe --out system.json
    """


@system.command()
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="write it as system.json, too")
@format_option
def describe(out: Path | None, form: str) -> None:
    """Read processors, memory, disks, network, power supplies, firmware and the settings of power management.

    Run it on the system under test. Every line names its source; what cannot be found out stays unknown. As root it
    sees more: memory modules and power supplies stand in a table that the kernel shows to root alone. `wattrig
    client` and `wattrig measure` record the same into each session.

    \b
    Examples:
      wattrig system describe
      sudo wattrig system describe --out system.json
    """
    from console.plain import plain
    from evidence.system_facts import write_facts
    from metrology.errors import ConfigError
    from sut_client.describe import describe as read

    facts = read()
    if form == "json":
        told = {name: {"value": fact.value, "source": fact.source} for name, fact in facts.items()}
        click.echo(json.dumps(told, indent=2))
    for name, fact in facts.items() if form == "text" else ():
        click.echo(plain(f"{name:28} {_shown(fact)}"))
    if out:
        try:
            write_facts(out, facts)
        except OSError as problem:
            raise ConfigError(f"'{out}' cannot be written: {problem.strerror}", "choose another --out") from problem


def _shown(fact: "Fact") -> str:
    if fact.value is None:
        return f"unknown ({fact.source})"
    if isinstance(fact.value, list) and fact.value and isinstance(fact.value[0], dict):
        lines = (
            ", ".join(f"{name} {value}" for name, value in entry.items() if value is not None) for entry in fact.value
        )
        return f"[{fact.source}]" + "".join(f"\n{'':30}{line}" for line in lines)
    value = ", ".join(map(str, fact.value)) if isinstance(fact.value, list) else fact.value
    return f"{value}  [{fact.source}]"
