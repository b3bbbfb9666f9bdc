"""`wattrig rule`: print one rule of the rulebook, or list them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from metrology.errors import ConfigError

if TYPE_CHECKING:
    from rules.documents import Rule


@click.command()
@click.argument("code", required=False)
@click.option("--round", "round_name", metavar="ROUND", help="list the rules of one round, as v5.1, alone")
def rule(code: str | None, round_name: str | None) -> None:
    """Print the rule CODE, or list all rules."""
    from rules.rulebook import RULEBOOK_VERSION, all_rounds, all_rules, applies

    if round_name is not None and round_name not in all_rounds():
        raise ConfigError(f"there is no round '{round_name}'", f"choose one of {', '.join(all_rounds())}")
    if code is None:
        click.echo(f"Rulebook {RULEBOOK_VERSION}" + (f", round {round_name}" if round_name else ""))
        for entry in all_rules().values():
            if round_name is None or applies(entry, round_name):
                click.echo(f"{entry.code}  {entry.level:<11}  {entry.title}")
        return
    found = all_rules().get(code.upper())
    if found is None:
        raise ConfigError(f"there is no rule '{code}'", "`wattrig rule` lists all rules")
    for line in _told(found, round_name):
        click.echo(line)


def _told(rule: "Rule", round_name: str | None) -> Iterator[str]:
    from rules.rulebook import all_rounds, params_of

    yield f"{rule.code}  {rule.title}"
    until = f" until {rule.until}" if rule.until else ""
    verdict = "reference" if rule.profile == "reference" else "strict"
    yield f"{rule.level}; {verdict} verdict; rounds from {rule.since or 'the first'}{until}"
    yield from ("", "Why", rule.why, "", "How to fix", rule.fix)
    own = params_of(rule, all_rounds()[round_name]) if round_name else {}
    if rule.params:
        yield from ("", "Limits" + (f" in {round_name}" if round_name else ""))
    for name, param in rule.params.items():
        yield f"  {name} = {own.get(name, param.value)} {param.unit}"
    yield from ("", "Source", *(f"  {source}" for source in rule.source))
