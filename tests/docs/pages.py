"""What the tests of the documentation share: its pages, their blocks of code, and comparing what a command prints."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(
    r"(?:<!-- (?P<marker>[^>]*) -->\n)?^(?P<indent> *)```(?P<language>[^\n]*)\n(?P<text>.*?)^(?P=indent)```$",
    re.M | re.S,
)


class Block(NamedTuple):
    """A block of code: its language, its lines, and what the comment before it says ("run")."""

    language: str
    text: str
    marker: str


class Shown(NamedTuple):
    """A command of a console block, and what the page says that it prints."""

    command: str
    output: str


def pages() -> list[Path]:
    """Get every page that people read, generated ones among them."""
    built = DOCS / "_build"
    found = [page for page in sorted(DOCS.rglob("*.md")) if built not in page.parents]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *found]


def blocks(text: str) -> Iterator[Block]:
    """Get the blocks of code of a page in their order."""
    for match in _BLOCK.finditer(text):
        yield Block(match["language"].strip(), textwrap.dedent(match["text"]), match["marker"] or "")


def prose(text: str) -> str:
    """Get a page without its blocks of code."""
    return _BLOCK.sub("", text)


def shown(block: Block) -> Iterator[Shown]:
    """Get the commands of a console block, each with the lines below it."""
    for part in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
        command, _, output = part.partition("\n")
        yield Shown(command, output)


def pattern(expected: str) -> re.Pattern[str]:
    """Turn what a page shows into a pattern: its words in this order.

    Words with a digit in them stand for any word, and `...` for anything. White space counts alike, because a
    terminal's width decides on it.
    """
    words = []
    for word in expected.split():
        if word == "...":
            words.append(r"(?:\s+\S+)*?")
        elif re.search(r"\d", word):
            words.append(r"\s+\S+")
        else:
            words.append(r"\s+" + re.escape(word))
    return re.compile("".join(words) + r"\s*")


def differs(expected: str, printed: str) -> str:
    """Get "" where what was printed is what a page shows, else both for the message of a test."""
    if pattern(expected).fullmatch(f" {printed}"):
        return ""
    return f"the page shows:\n{expected}\nbut this was printed:\n{printed}"
