"""Writes the generated pages of the reference; `--check` fails where one is not up to date."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from console.main import COMMANDS, main
from rules.documents import Rule
from rules.rulebook import RULEBOOK_VERSION, all_rounds, all_rules, applies

HERE = Path(__file__).parent
NOTE = "<!-- Written by docs/generate.py; do not edit. -->\n"


def commands_page() -> str:
    """The help of every command."""
    parts = [f"{NOTE}\n# Commands\n"]
    top = click.Context(main, info_name="wattrig", max_content_width=100)
    parts.append(f"```text\n{main.get_help(top)}\n```\n")
    for name in COMMANDS:
        command = main.get_command(top, name)
        if command is None:
            raise LookupError(name)
        context = click.Context(command, info_name=name, parent=top, max_content_width=100)
        parts.append(f"## wattrig {name}\n\n```text\n{command.get_help(context)}\n```\n")
        parts += subcommands(command, context)
    return "\n".join(parts)


def subcommands(command: click.Command, context: click.Context) -> Iterator[str]:
    """The help of each command of a group."""
    if not isinstance(command, click.Group):
        return
    for name in command.list_commands(context):
        if (sub := command.get_command(context, name)) is not None:
            text = sub.get_help(click.Context(sub, info_name=name, parent=context, max_content_width=100))
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
