"""client.log and server.log: what each side wrote of its traffic.

    client 2024-07-23 11:35:08,468 [INFO] Sending command to the server: 'mlcommons/power client v3'
    ptd-server 2024-07-23 11:35:20,521 [INFO] Sending to ptd: 'Hello'
    ptd-server 2025-07-25 15:13:24,380 [INFO] Analyzer [1] recieved reply from ptd: 'Hello, PTDaemon here!'

Times are local and carry no zone. Wordings are those of the reference (2021 to 2025) in 874 published logs.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, compress, repeat
from pathlib import Path
from typing import Literal, NamedTuple

from evidence.bounded_json import parse_object
from evidence.source import FileFacts, Source

Direction = Literal["command", "reply", "to ptd", "from ptd"]

LONGEST_LINE_BYTES = 64 << 20
"""Longest line kept whole: a listing of 500,000 samples on one line has about 50 MB; published ones 1.3 MB."""
MOST_LINES = 50_000
MOST_READ = 500_000
"""Lines looked at; the longest published log has about 200."""
MOST_LISTINGS = 128
"""Listings kept: two of each of 64 analyzers."""
KEPT_CHARACTERS = 4096
MOST_CHANNELS = 64
"""Channels of a listed line that are named; analyzers have up to seven."""

_LINE = re.compile(rb"(?:client|ptd-server) (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) \[([A-Z]{1,10})\] ")
_DIRECTIONS: dict[str, Direction] = {
    "Sending command to the server: ": "command",
    "Got command from the client ": "command",
    "Got response: ": "reply",
    "Sending reply to client ": "reply",
    "Sending to ptd: ": "to ptd",
    "is sending to ptd: ": "to ptd",
    "Reply from ptd: ": "from ptd",
    "recieved reply from ptd: ": "from ptd",
    "recieived reply from ptd: ": "from ptd",
    "received reply from ptd: ": "from ptd",
    "got reply from ptd: ": "from ptd",
}
_TRAFFIC = re.compile(rf"(?:Analyzer \[(\d{{1,3}})\] )?({'|'.join(_DIRECTIONS)})")
_QUOTES = ("'", '"')
_ESCAPED = re.compile(r"\\(['\"\\])")
_SOURCES = "Sources: "
_GO = re.compile(r"Go,\d{1,9},\d{1,9},(.{1,200})")


class Traffic(NamedTuple):
    """One line of traffic: a command of the client or its reply, or a line to PTDaemon or from it.

    Attributes:
        line: counted from 1.
        local_time: as written, `YYYY-MM-DD hh:mm:ss,mmm`.
        analyzer: number of the analyzer; 1 where the log names none.
        text: what was sent.
    """

    line: int
    local_time: str
    direction: Direction
    analyzer: int
    text: str


class Listing(NamedTuple):
    """The answer to `RL`: all samples of a measurement, on one line of the log.

    Attributes:
        line: counted from 1.
        mark: the mark of the `Go` before it; empty where there was none.
        text: the sample lines, without marks.
    """

    line: int
    analyzer: int
    mark: str
    text: bytes

    def as_power_log(self) -> bytes:
        """Get the spl.txt that the director makes of the listing: marks and channel names put in."""
        found = self.text.split(b"\n")
        counts = list(map(bytes.count, found, repeat(b",Watts,")))
        if max(counts) <= 1:  # one channel: ten times as fast as line by line
            end = b",Mark," + self.mark.encode() + b"\n"
            return b"".join(chain.from_iterable(zip(compress(found, counts), repeat(end), strict=False)))
        parts = [line.split(b",Watts,", MOST_CHANNELS + 1) for line in found]
        forms = {count: _marked_form(count, self.mark) for count in {len(part) for part in parts}}
        lines = [forms[len(part)] % tuple(part) for part in parts if len(part) > 1]
        return b"\n".join(lines) + b"\n" if lines else b""

    def power_log_sha1(self) -> Iterator[str]:
        """Get each SHA-1 that spl.txt may have: with LF or CR LF, with or without an empty last line."""
        plain = self.as_power_log()
        for form in (plain + b"\n", plain):
            yield hashlib.sha1(form, usedforsecurity=False).hexdigest()
            yield hashlib.sha1(form.replace(b"\n", b"\r\n"), usedforsecurity=False).hexdigest()


def _marked_form(count: int, mark: str) -> bytes:
    """Get how a sample line is put together of the parts around each `,Watts,`: mark and channels put in."""
    channels = (b",Ch%d,Watts,%%b" % number for number in range(1, count - 1))
    return b"%b,Watts,%b,Mark," + mark.encode().replace(b"%", b"%%") + b"".join(channels)


class SessionLog(NamedTuple):
    """client.log or server.log.

    Attributes:
        traffic: every line of traffic, listings of samples left out.
        listings: the answers to `RL`; server.log only.
        other: all other lines as (line, level, text); the first `MOST_LINES`.
        sources: of client.log's `Sources:` line; None where there is none.
        odd_lines: how many lines are no lines of such a log.
    """

    file: FileFacts
    traffic: tuple[Traffic, ...] = ()
    listings: tuple[Listing, ...] = ()
    other: tuple[tuple[int, str, str], ...] = ()
    sources: dict[str, str] | None = None
    sources_line: int | None = None
    odd_lines: int = 0

    def of(self, *directions: Direction) -> Iterator[Traffic]:
        """Get the traffic of these directions."""
        return (entry for entry in self.traffic if entry.direction in directions)


@dataclass(slots=True)
class _Reader:
    """Takes in a log line by line."""

    traffic: list[Traffic] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    other: list[tuple[int, str, str]] = field(default_factory=list)
    sources: dict[str, str] | None = None
    sources_line: int | None = None
    odd: int = 0
    mark: dict[int, str] = field(default_factory=dict)

    def take(self, number: int, line: bytes) -> None:
        """Take in one line."""
        match = _LINE.match(line)
        if match is None:
            self.odd += line != b""
            return
        text = line[match.end() :].decode(errors="replace")
        traffic = _TRAFFIC.match(text)
        quoted = text[traffic.end() :] if traffic else ""
        if traffic and len(quoted) > 1 and quoted.startswith(_QUOTES) and quoted.endswith(_QUOTES):
            self._traffic(number, match[1].decode(), int(traffic[1] or 1), _DIRECTIONS[traffic[2]], quoted)
        else:
            self._other(number, match[2].decode(), text)

    def _traffic(self, number: int, when: str, analyzer: int, direction: Direction, quoted: str) -> None:
        if direction == "from ptd" and quoted.startswith("Time,", 1):
            self._listing(number, analyzer, quoted[1:-1])
            return
        text = _unquoted(quoted)
        if direction == "to ptd" and (go := _GO.fullmatch(text)):
            self.mark[analyzer] = go[1]
        if len(self.traffic) < MOST_LINES:
            self.traffic.append(Traffic(number, when, direction, analyzer, text[:KEPT_CHARACTERS]))

    def _listing(self, number: int, analyzer: int, text: str) -> None:
        if len(self.listings) < MOST_LISTINGS:
            self.listings.append(Listing(number, analyzer, self.mark.get(analyzer, ""), _lines(text).encode()))

    def _other(self, number: int, level: str, text: str) -> None:
        if text.startswith(_SOURCES) and self.sources is None:
            self.sources, self.sources_line = _sources(text.removeprefix(_SOURCES)), number
        elif len(self.other) < MOST_LINES:
            self.other.append((number, level, text[:KEPT_CHARACTERS]))


def _unquoted(text: str) -> str:
    """Undo Python's repr of a text: its quotes, and the backslashes before quotes and backslashes."""
    inner = text[1:-1]
    return _ESCAPED.sub(r"\1", inner) if "\\" in inner else inner


def _lines(text: str) -> str:
    """Undo the line ends of Python's repr of a listing, which may be long: `\\r` goes, `\\n` becomes a line end.

    Splitting and joining takes half the time that replacing takes.
    """
    plain = "\n".join(text.split("\\n"))
    return "".join(plain.split("\\r")) if "\\" in plain else plain


def _sources(text: str) -> dict[str, str]:
    found = parse_object(text.encode())[0].get("sources")
    entries = found.items() if isinstance(found, dict) else ()
    return {name: value for name, value in entries if isinstance(value, str)}


def _numbered(blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    number = 0
    for block in blocks:
        for line in block.removesuffix(b"\n").split(b"\n"):
            number += 1
            yield number, line


def read_session_log(path: Path, name: str, within: Path | None = None) -> SessionLog:
    """Read client.log or server.log in one pass; whatever it holds is data or a note, never an exception.

    Args:
        path: the file.
        name: what to call it in findings.
        within: the folder that a link must not lead out of.
    """
    reader = _Reader()
    with Source(path, name, within) as source:
        for number, line in _numbered(source.blocks(LONGEST_LINE_BYTES)):
            reader.take(number, line)
            if number >= MOST_READ:
                source.note(number, "holds more lines than are looked at; the rest was not")
                source.drain()
                break
        facts = source.facts()
    return SessionLog(
        facts,
        tuple(reader.traffic),
        tuple(reader.listings),
        tuple(reader.other),
        reader.sources,
        reader.sources_line,
        reader.odd,
    )
