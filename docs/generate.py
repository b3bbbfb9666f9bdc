"""Writes the generated pages of the reference; `--check` fails where one is not up to date."""

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click
from configuration import configuration_page
from http_api import http_api_page
from lists import analyzers_page, rounds_page

from analyzers.ptd.command import parser
from console.main import COMMANDS, main
from rules.documents import Rule
from rules.rulebook import RULEBOOK_VERSION, all_rounds, all_rules, applies

HERE = Path(__file__).parent
NOTE = "<!-- Written by docs/generate.py; do not edit. -->\n"
WIDTH = 100
"""Columns of a help, whatever the terminal that the page is made in."""


def commands_page() -> str:
    """The help of every command."""
    parts = [f"{NOTE}\n# Commands\n"]
    top = click.Context(main, info_name="wattrig", terminal_width=WIDTH, **main.context_settings)
    parts.append(f"```text\n{main.get_help(top)}\n```\n")
    for name in COMMANDS:
        command = main.get_command(top, name)
        if command is None:
            raise LookupError(name)
        context = click.Context(command, info_name=name, parent=top)
        parts.append(f"## wattrig {name}\n\n```text\n{command.get_help(context)}\n```\n")
        parts += subcommands(command, context)
    parts.append(f"## wattrig-ptd\n\n```text\n{daemon_help()}\n```\n")
    return "\n".join(parts)


def daemon_help() -> str:
    """The help of the daemon, as wide as the others."""
    daemon = parser()
    daemon.formatter_class = partial(argparse.HelpFormatter, width=WIDTH)
    return daemon.format_help().rstrip()


def subcommands(command: click.Command, context: click.Context) -> Iterator[str]:
    """The help of each command of a group."""
    if not isinstance(command, click.Group):
        return
    for name in command.list_commands(context):
        if (sub := command.get_command(context, name)) is not None:
            text = sub.get_help(click.Context(sub, info_name=name, parent=context))
            yield f"### wattrig {context.info_name} {name}\n\n```text\n{text}\n```\n"


FAMILIES = {
    "FIL": "Files of a session",
    "PWR": "How power was measured",
    "SMP": "Samples",
    "LGN": "LoadGen's logs",
    "SUB": "Submission trees",
    "REF": "The reference's eleven checks",
}


def rounds_of(rule: Rule) -> str:
    """The rounds that a rule applies to, in words."""
    names = [name for name in all_rounds() if applies(rule, name)]
    return "every round" if len(names) == len(all_rounds()) else f"{names[0]} to {names[-1]}" if names else "no round"


def rule_section(rule: Rule) -> str:
    """One rule: what it asks for, why, from where, and how to mend what breaks it."""
    parts = [
        f"({rule.code.lower()})=\n### {rule.code}: {rule.title}\n",
        f"{rule.level}, {rounds_of(rule)}\n",
        f"{rule.why}\n",
        f"**How to fix:** {rule.fix}\n",
    ]
    if rule.params:
        rows = [f"| `{name}` | {param.value} | {param.unit} |" for name, param in rule.params.items()]
        parts.append("\n".join(["| parameter | value | unit |", "|---|---|---|", *rows]) + "\n")
    parts.append("Source: " + "; ".join(rule.source) + "\n")
    return "\n".join(parts)


def rules_page() -> str:
    """All rules by family."""
    parts = [
        f"{NOTE}\n# Rules\n",
        f"Rulebook version {RULEBOOK_VERSION}, {len(all_rules())} rules. A round may set parameters otherwise.\n",
    ]
    for family, title in FAMILIES.items():
        parts.append(f"## {title} ({family})\n")
        parts += [rule_section(rule) for code, rule in all_rules().items() if code.startswith(family)]
    return "\n".join(parts)


def pages() -> Iterator[tuple[Path, str]]:
    """Each generated page with its text."""
    yield HERE / "reference" / "commands.md", commands_page()
    yield HERE / "reference" / "configuration.md", configuration_page(NOTE)
    yield HERE / "reference" / "analyzers.md", analyzers_page(NOTE)
    yield HERE / "reference" / "rounds.md", rounds_page(NOTE)
    yield HERE / "reference" / "http-api.md", http_api_page(NOTE)
    yield HERE / "reference" / "rules" / "index.md", rules_page()


def stale() -> list[Path]:
    """The pages that differ from what would be written."""
    return [path for path, text in pages() if not path.exists() or path.read_text("utf-8") != text]


if __name__ == "__main__":
    if "--check" in sys.argv:
        old = stale()
        if old:
            sys.exit(f"not up to date, run 'python docs/generate.py': {', '.join(str(path) for path in old)}")
    else:
        for path, text in pages():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
