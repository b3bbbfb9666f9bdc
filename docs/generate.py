"""Writes the generated pages of the reference; `--check` fails where one is not up to date."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from console.main import COMMANDS, main

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
    return "\n".join(parts)


def pages() -> Iterator[tuple[Path, str]]:
    """Each generated page with its text."""
    yield HERE / "reference" / "commands.md", commands_page()


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
