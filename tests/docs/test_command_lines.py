"""Every command line of README, documentation and help is one that the real commands take."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from console.main import main
from tests.docs.command_lines import lines_in_prose, lines_of_blocks, misnamed, refusal, words_of
from tests.docs.pages import ROOT, pages

WRITTEN = [page for page in pages() if page.name != "commands.md"]
"""That page is made of the helps, which are tried themselves."""


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_line_of_a_page_is_taken(page: Path) -> None:
    text = page.read_text("utf-8")
    refused = {line: why for line in lines_of_blocks(text) if (why := refusal(line))}
    refused |= {line: why for line in lines_in_prose(text) if (why := misnamed(line))}
    assert not refused


def helps(group: click.Group, parent: click.Context | None = None) -> Iterator[tuple[str, str]]:
    """Get the name and the help of each command, groups and their commands among them."""
    context = click.Context(group, info_name=group.name, parent=parent)
    yield context.command_path, f"{group.help}\n{group.epilog or ''}"
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from helps(command, context)
        else:
            yield f"{context.command_path} {name}", f"{command.help}\n{command.epilog or ''}"


@pytest.mark.parametrize(("name", "text"), [pytest.param(*each, id=each[0]) for each in helps(main)])
def test_each_example_of_a_help_is_taken(name: str, text: str) -> None:
    lines = lines_of_blocks(f"```sh\n{text.replace(chr(8), '')}\n```\n")
    refused = {line: why for line in lines if (why := refusal(line))}
    assert not refused


def test_enough_lines_are_found() -> None:
    found = [line for page in WRITTEN for line in lines_of_blocks(page.read_text("utf-8"))]
    assert len(found) > 40
    assert {words_of(line)[0] for line in found} == {"wattrig", "wattrig-ptd"}


@pytest.mark.parametrize(
    "line",
    [
        "wattrig nothing",
        "wattrig check --formt json",
        "wattrig check x --format jsn",
        "wattrig keys invent",
        "wattrig demo --seconds",
        "wattrig show A B",
        "wattrig-ptd --modl ptd 49 /dev/ttyUSB0",
    ],
)
def test_what_no_command_takes_is_found(line: str) -> None:
    assert refusal(line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("```console\n$ NO_COLOR=1 wattrig show SESSION   # a remark\n```\n", "wattrig show SESSION   # a remark"),
        (
            "```sh\nwattrig watch --format jsonl \\\n  --until-end\n```\n",
            "wattrig watch --format jsonl    --until-end",
        ),
        ("1. so\n\n   ```text\n   machine under test $ sudo wattrig doctor\n   ```\n", "wattrig doctor"),
    ],
)
def test_lines_are_found_in_blocks(text: str, line: str) -> None:
    assert list(lines_of_blocks(text)) == [line]


def test_commands_are_found_in_prose() -> None:
    text = "see `wattrig check a\nb` and\n```sh\nwattrig show SESSION\n```\n"
    assert list(lines_in_prose(text)) == ["wattrig check a b"]
    assert not misnamed("wattrig simulate --count")
    assert misnamed("wattrig simulate --cont")
