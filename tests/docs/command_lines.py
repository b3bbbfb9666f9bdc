"""Command lines of wattrig in prose, and whether the real commands would take them."""

import re
import shlex
from collections.abc import Iterator

import click

from analyzers.ptd.command import meters
from console.main import main
from metrology.errors import ConfigError
from tests.docs.pages import blocks, prose

_LANGUAGES = ("console", "sh", "text", "diff", "")
_VALUE_LEFT_OUT = ("requires an argument", "expected one argument")
_IN_PROSE = re.compile(r"`(wattrig(?:-ptd)? [^`]+)`")
_END = frozenset({"|", ">", ">>", "<", "&", "&&", ";", "||", "2>&1"})
_PROMPTED = re.compile(
    r"^[-+ ]*(?:(?:measuring machine|machine under test) )?(?:\$ )?(?:sudo )?(?:[A-Z_]+=\S+ )?"
    r"(?P<line>wattrig(?:-ptd)? .*)$"
)


def lines_of_blocks(text: str) -> Iterator[str]:
    """Get the command lines that stand alone in a page's blocks of code."""
    for block in blocks(text):
        if block.language in _LANGUAGES:
            joined = block.text.replace("\\\n", " ")
            yield from (match["line"] for line in joined.splitlines() if (match := _PROMPTED.match(line)))


def lines_in_prose(text: str) -> Iterator[str]:
    """Get the commands that a page names within its sentences."""
    yield from (match[1].replace("\n", " ") for match in _IN_PROSE.finditer(prose(text)))


def words_of(line: str) -> list[str]:
    """Split a command line as a shell does, up to where another command or a file begins."""
    line = re.sub(r" {3,}(?!-).*", "", line)  # what follows on the right is a remark
    words = shlex.split(line, comments=True)
    end = next((place for place, word in enumerate(words) if word in _END), len(words))
    return words[:end]


def misnamed(line: str) -> str:
    """Get why no command is as a sentence names it; the value of its last option may be left out."""
    why = refusal(line)
    return "" if any(words in why for words in _VALUE_LEFT_OUT) else why


def refusal(line: str) -> str:
    """Get why the real command does not take a line; empty where it does."""
    program, *words = words_of(line)
    if program == "wattrig-ptd":
        return _of_daemon(words)
    try:
        _parse(main, "wattrig", words, None)
    except click.UsageError as problem:
        return problem.format_message()
    return ""


def _of_daemon(words: list[str]) -> str:
    try:
        meters(words)
    except ConfigError as problem:
        # Not every example names an instrument.
        return "" if "required" in problem.message else problem.message
    except SystemExit:  # -h
        return ""
    return ""


def _parse(command: click.Command, name: str, words: list[str], parent: click.Context | None) -> None:
    """Parse without running: unknown options, missing values, wrong choices and too many words are errors."""
    context = click.Context(command, info_name=name, parent=parent, **command.context_settings)
    if isinstance(command, click.Group) and words and not words[0].startswith("-"):
        below = command.get_command(context, words[0])
        if below is None:
            raise click.UsageError(f"{name} has no command {words[0]!r}")
        _parse(below, words[0], words[1:], context)
        return
    values, extra, _ = command.make_parser(context).parse_args(list(words))
    if extra:
        raise click.UsageError(f"'{name}' does not take {' '.join(extra)!r}")
    for option in command.get_params(context):
        value = values.get(option.name or "")
        if isinstance(option.type, click.Choice) and isinstance(value, str) and value.lower() == value:
            option.type.convert(value, option, context)
