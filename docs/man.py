"""Writes a manual page for each command, from its own help: `python docs/man.py FOLDER`."""

import sys
from collections.abc import Iterator
from importlib.metadata import version
from inspect import cleandoc
from pathlib import Path

import click

from analyzers.ptd.command import parser
from console.main import main
from console.ptd_command_line import ptd_options, ptd_types

AS_IT_IS = "\b"
"""Click's mark of a paragraph whose lines stay as they are."""


def escaped(text: str) -> str:
    """Make text safe for roff: no escapes, no requests, and hyphens that can be copied."""
    lines = text.replace("\\", "\\e").replace("-", "\\-").splitlines()
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in lines)


def paragraphs(text: str) -> Iterator[str]:
    """Turn a help text into roff, paragraph by paragraph."""
    for paragraph in cleandoc(text).split("\n\n"):
        first, _, rest = paragraph.partition("\n")
        if first == AS_IT_IS:
            yield f".PP\n.nf\n{escaped(rest)}\n.fi"
        elif paragraph.strip():
            yield f".PP\n{escaped(paragraph)}"


def options(command: click.Command, context: click.Context) -> Iterator[str]:
    """Each option with what it does."""
    for param in command.get_params(context):
        if (record := param.get_help_record(context)) is not None:
            yield f".TP\n.B {escaped(record[0])}\n{escaped(record[1]) or 'no more to say'}"


def commands(command: click.Command, context: click.Context) -> Iterator[str]:
    """Each command of a group."""
    if isinstance(command, click.Group):
        yield ".SH COMMANDS"
        for name in command.list_commands(context):
            if (sub := command.get_command(context, name)) is not None:
                yield f".TP\n.B {escaped(name)}\n{escaped(sub.get_short_help_str(limit=200))}"


def head(name: str, short: str) -> list[str]:
    """What a page begins with."""
    return [
        f'.TH {escaped(name.upper())} 1 "" "wattrig {version("wattrig")}" "wattrig manual"',
        f".SH NAME\n{escaped(name)} \\- {escaped(short.rstrip('.'))}",
    ]


def page(command: click.Command, context: click.Context) -> str:
    """The manual page of a command."""
    path = context.command_path
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [
        *head(path.replace(" ", "-"), command.get_short_help_str(limit=200)),
        f".SH SYNOPSIS\n.B {escaped(path)}\n{escaped(usage)}",
        ".SH DESCRIPTION",
        *paragraphs(command.help or ""),
        *paragraphs(command.epilog or ""),
        ".SH OPTIONS",
        *options(command, context),
        *commands(command, context),
        ".SH SEE ALSO",
        *(f".BR {escaped(other)} (1)" for other in related(command, context)),
    ]
    return "\n".join(parts) + "\n"


def daemon_page() -> str:
    """The manual page of wattrig-ptd."""
    described = parser()
    about = described.description or ""
    parts = [
        *head(described.prog, about),
        f".SH SYNOPSIS\n.B {escaped(described.prog)}\n[OPTIONS] TYPE PORT [\\-\\- [OPTIONS] TYPE PORT]...",
        ".SH DESCRIPTION",
        *paragraphs(about),
        *paragraphs(described.epilog or ""),
        ".SH OPTIONS",
        *(f".TP\n.B {escaped(f'{each.flag} {each.value}'.strip())}\n{escaped(each.told)}" for each in ptd_options()),
        ".SH DEVICE TYPES",
        *(f".TP\n.B {number}\n{escaped(title)}" for number, title in ptd_types().items()),
        ".SH SEE ALSO",
        *(f".BR {escaped(name)} (1)" for name in ("wattrig", "wattrig-analyzers", "wattrig-simulate")),
    ]
    return "\n".join(parts) + "\n"


def related(command: click.Command, context: click.Context) -> list[str]:
    """The pages of the group above a command, and of the commands below it."""
    above = [context.parent.command_path] if context.parent else ["wattrig-ptd"]
    below = command.list_commands(context) if isinstance(command, click.Group) else []
    return [path.replace(" ", "-") for path in (*above, *(f"{context.command_path} {name}" for name in below))]


def pages(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """The file names and texts of a command's page and of all below it."""
    yield f"{context.command_path.replace(' ', '-')}.1", page(command, context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if (sub := command.get_command(context, name)) is not None:
                yield from pages(sub, click.Context(sub, info_name=name, parent=context))


def all_pages() -> Iterator[tuple[str, str]]:
    """All pages."""
    yield from pages(main, click.Context(main, info_name="wattrig", help_option_names=["-h", "--help"]))
    yield "wattrig-ptd.1", daemon_page()


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in all_pages():
        (folder / file).write_text(text, "utf-8")
