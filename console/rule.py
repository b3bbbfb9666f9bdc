"""`wattrig rule`: print one rule of the rulebook, or list them."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from console.completion_values import rounds, rules
from console.format_option import format_option
from metrology.errors import ConfigError

if TYPE_CHECKING:
    from rules.documents import Rule


PACKAGE_CODES = "PKG"
"""How the codes begin for which `wattrig package` builds nothing; they are no rules of a session."""


@click.command()
@click.argument("code", required=False, shell_complete=rules)
@click.option("--round", "round_name", metavar="ROUND", shell_complete=rounds,
              help="list the rules of one round, as v5.1, alone")  # fmt: skip
@format_option
def rule(code: str | None, round_name: str | None, form: str) -> None:
    """Print the rule CODE, or list all rules.

    \b
    Examples:
      wattrig rule
      wattrig rule PWR012 --round v5.1            with the limits of that round
      wattrig rule --round v5.1 --format json
      wattrig rule PKG005                         why wattrig package builds nothing
    """
    from rules.rulebook import RULEBOOK_VERSION, all_rounds, all_rules, applies

    if round_name is not None and round_name not in all_rounds():
        raise ConfigError(f"there is no round '{round_name}'", f"choose one of {', '.join(all_rounds())}")
    if code is not None and code.upper().startswith(PACKAGE_CODES):
        for line in _told_of_package(code.upper(), form):
            click.echo(line)
        return
    if form == "json":
        click.echo(json.dumps(_documents(code, round_name), indent=2))
        return
    if code is None:
        click.echo(f"Rulebook {RULEBOOK_VERSION}" + (f", round {round_name}" if round_name else ""))
        for entry in all_rules().values():
            if round_name is None or applies(entry, round_name):
                click.echo(f"{entry.code}  {entry.level:<11}  {entry.title}")
        return
    for line in _told(_named(code), round_name):
        click.echo(line)


def _told_of_package(code: str, form: str) -> Iterator[str]:
    from compliance.package_refusal import FINAL, TITLES

    if code not in TITLES:
        raise ConfigError(f"there is no code '{code}'", f"the codes of packages are {', '.join(TITLES)}")
    if form == "json":
        yield json.dumps([{"code": code, "title": TITLES[code], "may_be_allowed": code not in FINAL}], indent=2)
        return
    yield f"{code}  {TITLES[code]}"
    yield "a reason for which `wattrig package build` builds nothing"
    passing = f'--allow {code} --because "..."'
    yield "it is never let pass" if code in FINAL else f"{passing} lets it pass; the package tells it"


def _named(code: str) -> "Rule":
    from rules.rulebook import all_rules

    if (found := all_rules().get(code.upper())) is None:
        raise ConfigError(f"there is no rule '{code}'", "`wattrig rule` lists all rules")
    return found


def _documents(code: str | None, round_name: str | None) -> list[dict[str, Any]]:
    from rules.rulebook import all_rules, applies

    listed = (each for each in all_rules().values() if round_name is None or applies(each, round_name))
    return [_document(each, round_name) for each in ([_named(code)] if code else listed)]


def _document(rule: "Rule", round_name: str | None) -> dict[str, Any]:
    from rules.rulebook import all_rounds, params_of

    own = params_of(rule, all_rounds()[round_name]) if round_name else {}
    limits = {name: {"value": own.get(name, each.value), "unit": each.unit} for name, each in rule.params.items()}
    names = ("code", "title", "level", "profile", "since", "until", "why", "fix")
    return {name: getattr(rule, name) for name in names} | {"limits": limits, "source": list(rule.source)}


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
