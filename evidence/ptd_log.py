"""ptd_logs.txt: what PTDaemon printed while a session ran.

    MM-DD-YYYY hh:mm:ss.mmm: ERROR: Can't evaluate uncertainty of this sample!
    MM-DD-YYYY hh:mm:ss.mmm: WARNING: Uncertainty unknown for the last measurement sample, logical channel 1!
    MM-DD-YYYY hh:mm:ss.mmm: Response to client sent: Range V changed

Errors and warnings are nearly the whole of a log (one or two per sample and channel with an automatic range), so they
are kept as columns. All else but sample lines is kept as text. Wordings are those of PTDaemon 1.9.2 to 1.11.1, from
293 published logs.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evidence.columns import NO_TIME, Block, Ints, Mask, as_word
from evidence.ptd_protocol import RESPONSE
from evidence.ptd_wording import Wording, wording
from evidence.source import FileFacts, Source
from evidence.stamps import STAMP, parse_stamp

MOST_MESSAGES = 20_000
MOST_ODD = 10_000
"""Errors and warnings kept that do not stand at the start of their line; no published log has one."""
MOST_TEXTS = 10_000
"""Different wordings of errors and warnings kept; percentages make up to a few hundred."""
MOST_PROBLEMS = 8_000_000
"""Errors and warnings kept: two for each of three channels and one for the sum, of over a million samples."""
OTHER_TEXT = "ERROR: (further wordings were not kept)"
ERROR, WARNING = b"ERROR", b"WARNING"
LONGEST_TEXT = 1000
"""Characters kept of a line."""

_COMMON_WORDINGS = 8
"""Wordings whose lines are found all at once; a session without trouble has two, one more for each channel."""
_REPLY = f": {RESPONSE}".encode()
_TEXT_AT = len("MM-DD-YYYY hh:mm:ss.mmm: ")
_GO = re.compile(r"Go with mark '(.*)'")
_CRC = re.compile(r"Calculated PTD CRC: 0x([0-9a-f]{8}), (\d{1,12})")
_VERSION = re.compile(r"\s*Version (\S{1,100})\s*")


class Message(NamedTuple):
    """A line that is neither an error, a warning nor a sample; `t_utc_ns` is None where it has no time."""

    line: int
    t_utc_ns: int | None
    text: str


class PtdLog(NamedTuple):
    """A log of PTDaemon; columns hold its n errors and warnings in the order of the file.

    Attributes:
        t_utc_ns: (n,) when, UTC nanoseconds; `NO_TIME` where the line says no time.
        lines: (n,) the line of each, counted from 1.
        codes: (n,) which of `wordings` it says.
        at_start: (n,) whether the line begins with its time; one that does not makes the reference fail.
        messages: the other lines, sample lines and empty ones left out.
        midline_stamps: lines that have a second time within: a sample line that RL cut in two.
        ends_in_midline: the last line has no end: the log was cut.
    """

    file: FileFacts
    t_utc_ns: Ints
    lines: Ints
    codes: NDArray[np.int32]
    at_start: Mask
    wordings: tuple[Wording, ...]
    messages: tuple[Message, ...]
    line_count: int = 0
    midline_stamps: int = 0
    ends_in_midline: bool = False

    def of(self, codes: Iterable[int]) -> Mask:
        """Tell which errors and warnings say one of these wordings."""
        chosen = np.zeros(len(self.wordings), np.bool_)
        chosen[list(codes)] = True
        found: Mask = chosen[self.codes]
        return found

    def where(self, begin_ns: int, end_ns: int) -> Mask:
        """Tell which errors and warnings lie strictly between two times."""
        return (self.t_utc_ns > begin_ns) & (self.t_utc_ns < end_ns)

    def goes(self) -> Iterator[tuple[Message, str]]:
        """Get the starts of measurements, each with its mark."""
        for message in self.messages:
            # Cheaper than the pattern, for a log has one such line among a hundred.
            if (
                message.text.startswith("Go with")
                and message.t_utc_ns is not None
                and (match := _GO.fullmatch(message.text))
            ):
                yield message, match[1]

    def replies(self) -> Iterator[Message]:
        """Get the replies to the director, without the word before; pieces of sample lists are no replies."""
        for message in self.messages:
            if message.t_utc_ns is not None and message.text.startswith(RESPONSE):
                yield Message(message.line, message.t_utc_ns, message.text.removeprefix(RESPONSE))

    def first(self, start: str) -> Message | None:
        """Get the first message that begins so; None where there is none."""
        return next((message for message in self.messages if message.text.startswith(start)), None)

    def version(self) -> str:
        """Get what the banner says, `1.11.1-69286632-20240907`; empty where it says none."""
        matches = (_VERSION.fullmatch(message.text) for message in self.messages[:60])
        return next((match[1] for match in matches if match), "")

    def checksum(self) -> tuple[str, int] | None:
        """Get the CRC that PTDaemon calculated of itself (8 hexadecimal digits) and its size in bytes."""
        matches = (_CRC.match(message.text) for message in self.messages[:60])
        return next(((match[1], int(match[2])) for match in matches if match), None)


@dataclass(slots=True)
class _Reader:
    """Takes in a log block by block."""

    times: list[Ints] = field(default_factory=list)
    numbers: list[Ints] = field(default_factory=list)
    codes: list[NDArray[np.int32]] = field(default_factory=list)
    starts: list[Mask] = field(default_factory=list)
    texts: dict[bytes, int] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    lines: int = 0
    problems: int = 0
    odd: int = 0
    midline: int = 0
    whole: bool = True

    def block(self, text: bytes) -> None:
        """Take in a block of lines."""
        self.whole = text.endswith(b"\n")
        block = Block(text)
        sample = (block.words(block.starts) & as_word(b"\xff" * 5)) == as_word(b"Time,")
        times, timed = _stamps(block, ~sample)
        word = block.words(block.starts + _TEXT_AT)
        roomy = timed & (block.ends - block.starts > _TEXT_AT + 7)
        errors = roomy & ((word & as_word(b"\xff" * 6)) == as_word(b"ERROR:"))
        warnings = roomy & (word == as_word(b"WARNING:"))
        plain = errors | warnings
        self._problems(block, np.flatnonzero(plain), times)
        rest = ~plain & (block.ends > block.starts)
        others = np.flatnonzero(rest & ~sample)
        replies, usual = text.count(_REPLY), (int(np.count_nonzero(errors)), int(np.count_nonzero(warnings)))
        if self.odd < MOST_ODD and self._holds_more(block, others, replies, *usual):
            others = np.flatnonzero(rest)
        elif len(self.messages) >= MOST_MESSAGES:
            others = others[:0]
        self._others(block, others, times)
        self.midline += replies - self._line_starts(block, rest & timed)
        self.lines += len(block.ends)

    def _holds_more(self, block: Block, others: Ints, replies: int, errors: int, warnings: int) -> bool:
        """Tell whether ERROR or WARNING may stand in a sample, or in the middle of an error or a warning.

        Nearly all lines are these three, and have no R but in the two words and in replies. Counting one letter takes
        a tenth of the time that looking for the words takes.
        """
        if len(self.messages) < MOST_MESSAGES:
            text = b"\n".join(block.lines(others))
            letters = text.count(b"R") + 3 * errors + warnings + replies - text.count(_REPLY)
            if block.count(ord("R")) == letters:
                return False
        return block.text.count(ERROR) + block.text.count(WARNING) > errors + warnings

    def _problems(self, block: Block, rows: Ints, times: Ints) -> None:
        """Keep lines that are an error or a warning from their start on."""
        first = block.starts[rows] + _TEXT_AT
        last = np.minimum(block.ends[rows], first + LONGEST_TEXT)
        codes = np.full(len(rows), -1, np.int32)
        # There are thousands of lines and a handful of wordings, but for those that hold a number.
        left = np.arange(len(rows))
        for _ in range(_COMMON_WORDINGS):
            if not len(left):
                break
            text = block.text[first[left[0]] : last[left[0]]]
            same = block.equals(first[left], last[left], text)
            codes[left[same]] = self._code(text)
            left = left[~same]
        pairs = zip(first[left].tolist(), last[left].tolist(), strict=True)
        codes[left] = [self._code(block.text[start:stop]) for start, stop in pairs]
        self._keep(rows, times[rows], codes, np.ones(len(rows), np.bool_))

    def _keep(self, rows: Ints, times: Ints, codes: NDArray[np.int32], at_start: Mask) -> None:
        if self.problems < MOST_PROBLEMS and len(rows):
            self.problems += len(rows)
            self.times.append(times)
            self.numbers.append(rows + (self.lines + 1))
            self.codes.append(codes)
            self.starts.append(at_start)

    def _code(self, text: bytes) -> int:
        code = self.texts.get(text)
        if code is None:
            text = text if len(self.texts) < MOST_TEXTS else OTHER_TEXT.encode()
            code = self.texts.setdefault(text, len(self.texts))
        return code

    def _others(self, block: Block, rows: Ints, times: Ints) -> None:
        """Keep messages, and errors and warnings that do not stand where they should."""
        for row, line, t_utc_ns in zip(rows.tolist(), block.lines(rows), times[rows].tolist(), strict=True):
            if ERROR in line or WARNING in line:
                self._odd(line, row, t_utc_ns)
            elif len(self.messages) < MOST_MESSAGES and not _is_of_listing(line):
                text = line[: _TEXT_AT + LONGEST_TEXT].decode(errors="replace")
                told = (None, text) if t_utc_ns == NO_TIME else (t_utc_ns, text[_TEXT_AT:])
                self.messages.append(Message(self.lines + row + 1, *told))

    def _odd(self, line: bytes, row: int, t_utc_ns: int) -> None:
        self.odd += 1
        if self.odd > MOST_ODD:
            return
        if t_utc_ns != NO_TIME:
            text, at_start = line[_TEXT_AT:], True
        else:
            at = min(place for word in (ERROR, WARNING) if (place := line.find(word)) >= 0)
            text, at_start, t_utc_ns = line[at:], False, _last_stamp(line[:at])
        codes = np.array([self._code(text[:LONGEST_TEXT])], np.int32)
        self._keep(np.array([row]), np.array([t_utc_ns]), codes, np.array([at_start], np.bool_))

    @staticmethod
    def _line_starts(block: Block, rows: Mask) -> int:
        """Count lines whose text begins like a reply."""
        places = block.starts[rows] + _TEXT_AT
        return int(np.count_nonzero(block.words(places) == as_word(b"Response")))

    def log(self, file: FileFacts) -> PtdLog:
        """Put together what was read, in the order of the file."""
        lines = np.concatenate([np.zeros(0, np.int64), *self.numbers])
        order = np.argsort(lines, kind="stable")
        return PtdLog(
            file,
            np.concatenate([np.zeros(0, np.int64), *self.times])[order],
            lines[order],
            np.concatenate([np.zeros(0, np.int32), *self.codes])[order],
            np.concatenate([np.zeros(0, np.bool_), *self.starts])[order],
            tuple(wording(text.decode(errors="replace")) for text in self.texts),
            tuple(self.messages),
            self.lines,
            self.midline,
            not self.whole,
        )


def _stamps(block: Block, rows: Mask) -> tuple[Ints, Mask]:
    """Read the stamps at the start of these lines; all others have none."""
    times, timed = np.full(len(rows), NO_TIME), np.zeros(len(rows), np.bool_)
    chosen = np.flatnonzero(rows)
    starts = block.starts[chosen]
    times[chosen], timed[chosen] = block.stamps(starts, np.minimum(starts + 23, block.ends[chosen]))
    return times, timed


def _is_of_listing(line: bytes) -> bool:
    """Tell whether a line is a sample, or a piece of one."""
    return line.startswith(b"Time,") or b",Volts," in line or b",Amps," in line


def _last_stamp(text: bytes) -> int:
    """Get the last time that stands in a text; `NO_TIME` for none."""
    found = STAMP.findall(text[-4096:].decode(errors="replace"))
    if not found:
        return NO_TIME
    month, day, year, hour, minute, second, milli = found[-1]
    try:
        return parse_stamp(f"{month}-{day}-{year} {hour}:{minute}:{second}.{milli}")
    except ValueError:
        return NO_TIME


def read_ptd_log(path: Path, name: str, within: Path | None = None) -> PtdLog:
    """Read a log in one pass; whatever it holds is data or a note, never an exception.

    Args:
        path: the file.
        name: what to call it in findings.
        within: the folder that a link must not lead out of.
    """
    reader = _Reader()
    with Source(path, name, within) as source:
        for block in source.blocks():
            reader.block(block)
        if len(reader.messages) >= MOST_MESSAGES or reader.odd > MOST_ODD:
            source.note(None, "holds more lines of other kinds than are kept")
        if reader.problems >= MOST_PROBLEMS:
            source.note(None, f"holds over {MOST_PROBLEMS} errors and warnings; the rest was not looked at")
        return reader.log(source.facts())
