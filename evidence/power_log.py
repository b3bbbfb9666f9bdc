"""spl.txt, the power log of one phase: every sample, what it is worth, and every line that is not a sample.

    Time,<stamp>,Watts,w,Volts,v,Amps,a,PF,f,Mark,<mark>[,Ch1,Watts,...,PF,f,Ch2,...][,Analyzer1,Time,...,Mark,<mark>]

Formats: 592 published files (single channel, three channels) and the merged line of several analyzers in upstream
issue mlcommons/power-dev#330. Regular lines are read as columns; each other line by itself, with a note.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evidence.columns import NO_TIME, WORD, Block, Floats, Ints, Mask, as_word
from evidence.power_layout import Group, Layout, layout_of
from evidence.power_samples import Irregular, PowerLog, judge
from evidence.source import FileFacts, Source
from evidence.stamps import parse_loose_stamp

_NUMBER = re.compile(rb"-?\d+\.\d{6}")
MOST_SAMPLES = 1_000_000
"""Samples kept of one file: twice what PTDaemon keeps of one run."""
MOST_SINGLE = 500_000
"""Lines read one by one, which takes a hundred times as long as reading them as columns."""
MOST_IRREGULAR = 1_000
MOST_MARKS = 100
LOOKED_AT = 50
"""Lines of each block that begin like a sample and are looked at for the form of the file."""


@dataclass(slots=True)
class _Part:
    """The samples of one block."""

    t_utc_ns: Ints
    values: Floats
    stamps: Ints
    lines: Ints
    marks: NDArray[np.int16]


@dataclass(slots=True)
class _Reader:
    """Takes in a power log block by block."""

    layout: Layout | None = None
    parts: list[_Part] = field(default_factory=list)
    marks: dict[bytes, int] = field(default_factory=dict)
    irregular: list[Irregular] = field(default_factory=list)
    irregular_count: int = 0
    blank_lines: int = 0
    unreadable: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    lines: int = 0
    samples: int = 0
    single: int = 0

    @property
    def is_full(self) -> bool:
        """Tell whether nothing more is taken in."""
        return self.samples >= MOST_SAMPLES or self.single >= MOST_SINGLE

    def block(self, text: bytes) -> None:
        """Take in a block of lines."""
        block = Block(text)
        regular = np.zeros(len(block.ends), np.bool_)
        if layout := self.layout or self._find_layout(block):
            regular, columns = self._columns(block, layout)
            self._add(columns)
        rows = np.flatnonzero(~regular)
        self.single += len(rows)
        if singles := [part for row in rows.tolist() if (part := self._single(block, row))]:
            self._add(*singles)
            self._in_order()
        self.lines += len(block.ends)

    def _find_layout(self, block: Block) -> Layout | None:
        """Take the form of the first good line; what was read before gets as many channels."""
        start = as_word(b"Time,")
        rows = np.flatnonzero((block.words(block.starts) & as_word(b"\xff" * 5)) == start)[:LOOKED_AT]
        self.layout = next((layout for row in rows.tolist() if (layout := layout_of(block.line(row)))), None)
        if self.layout:
            groups = self.layout.groups
            for part in self.parts:
                values = np.full((len(groups), 4, len(part.lines)), np.nan)
                values[0] = part.values[0]
                part.values, part.stamps = values, _no_stamps(groups, len(part.lines))
        return self.layout

    def _add(self, *parts: _Part) -> None:
        self.parts += parts
        self.samples += sum(len(part.lines) for part in parts)

    def _columns(self, block: Block, layout: Layout) -> tuple[Mask, _Part]:
        """Read the regular lines; tell which ones these are."""
        fitting, places = block.separated(layout.width)

        def span(index: int | Sequence[int]) -> tuple[Ints, Ints]:
            at = np.asarray(index)
            return places[:, at] + 1, places[:, at + 1]

        short = [(at, name) for at, name in layout.labels if len(name) <= WORD]
        good = block.named(*span([at for at, _ in short]), [name for _, name in short])
        for at, name in layout.labels:
            if len(name) > WORD:
                good &= block.equals(*span(at), name)
        mark = block.text[slice(*(int(end[0]) for end in span(layout.marks[0])))] if len(places) else b""
        for index in layout.marks:
            good &= block.equals(*span(index), mark)
        times, are_times = block.stamps(*span(layout.stamps))
        values, are_values = block.decimals(*span(layout.values))
        good &= are_times.all(axis=1) & are_values.all(axis=1)
        regular = fitting.copy()
        regular[fitting] = good
        lines = np.flatnonzero(regular) + (self.lines + 1)
        codes = np.full(len(lines), self._mark(mark) if len(lines) else -1, np.int16)
        if not good.all():
            times, values = times[good], values[good]
        columns = np.ascontiguousarray(values.T).reshape(len(layout.groups), 4, len(lines))
        return regular, _Part(times[:, 0], columns, times[:, 1:].T, lines, codes)

    def _single(self, block: Block, index: int) -> _Part | None:
        """Read a line that is not regular: a sample if the reference would take it for one, always a note."""
        line = block.line(index)
        if not line.strip():
            self.blank_lines += 1
            return None
        reason, part = self._loose(line, index)
        is_time = line.startswith(b"Time")
        self.unreadable[is_time] += part is None
        self.irregular_count += reason != ""
        if reason and len(self.irregular) < MOST_IRREGULAR:
            text = line[:200].decode(errors="replace")
            self.irregular.append(Irregular(self.lines + index + 1, text, reason, is_time, part is not None))
        return part if is_time else None

    def _loose(self, line: bytes, index: int) -> tuple[str, _Part | None]:
        """Read a line as the reference does, by position; get what is wrong with it ("" for nothing)."""
        words = line.split(b",")
        groups = self.layout.groups if self.layout else (Group("sum", (3, 5, 7, 9)),)
        values = np.full((len(groups), 4, 1), np.nan)
        try:
            time = parse_loose_stamp(words[1].decode())
            values[0, :, 0] = float(words[3]), _float(words, 5), _float(words, 7), float(words[9])
        except (ValueError, IndexError) as problem:
            return _what_is_wrong(line, problem), None
        layout = layout_of(line)
        same = layout is not None and self.layout is not None and layout.labels == self.layout.labels
        for row, group in enumerate(groups[1:], 1) if same else ():
            values[row, :, 0] = [_float(words, place) for place in group.values]
        mark = words[11] if len(words) > 11 and words[10] == b"Mark" else None
        stamps = np.array([[_time(words[group.stamp])] for group in groups if same and group.stamp], np.int64)
        part = _Part(
            np.array([time], np.int64),
            values,
            stamps.reshape(len(stamps), 1) if same else _no_stamps(groups, 1),
            np.array([self.lines + index + 1], np.int64),
            np.array([-1 if mark is None else self._mark(mark)], np.int16),
        )
        if not same:
            return "is no sample line of the form of this file", part
        if not np.isfinite(values).all():
            return "holds a field that is no finite number", part
        written = all(_NUMBER.fullmatch(words[place]) for place in self.layout.values) if self.layout else False
        return ("" if written else "holds a number that is not written with six decimals"), part

    def _mark(self, mark: bytes) -> int:
        if mark not in self.marks and len(self.marks) >= MOST_MARKS:
            return -1
        return self.marks.setdefault(mark, len(self.marks))

    def _in_order(self) -> None:
        """Put the samples of the last block into the order of its lines."""
        block = [part for part in self.parts if len(part.lines) and part.lines[-1] > self.lines]
        del self.parts[len(self.parts) - len(block) :]
        merged = _join(block)
        order = np.argsort(merged.lines, kind="stable")
        self.parts.append(
            _Part(
                merged.t_utc_ns[order],
                merged.values[:, :, order],
                merged.stamps[:, order],
                merged.lines[order],
                merged.marks[order],
            )
        )

    def log(self, file: FileFacts) -> PowerLog:
        """Put together what was read."""
        part = _join(self.parts)
        return PowerLog(
            file,
            part.t_utc_ns,
            part.values,
            judge(part.values),
            tuple(group.name for group in self.layout.groups) if self.layout else ("sum",),
            part.stamps,
            part.lines,
            tuple(mark.decode(errors="replace") for mark in self.marks),
            part.marks,
            tuple(self.irregular),
            self.irregular_count,
            self.blank_lines,
            self.unreadable[True],
            self.unreadable[False],
        )


def _no_stamps(groups: tuple[Group, ...], count: int) -> Ints:
    return np.full((sum(group.stamp is not None for group in groups), count), NO_TIME, np.int64)


def _join(parts: list[_Part]) -> _Part:
    if not parts:
        nothing = np.zeros(0, np.int64)
        return _Part(nothing, np.zeros((1, 4, 0)), np.zeros((0, 0), np.int64), nothing, np.zeros(0, np.int16))
    return _Part(
        np.concatenate([part.t_utc_ns for part in parts]),
        np.concatenate([part.values for part in parts], axis=2),
        np.concatenate([part.stamps for part in parts], axis=1),
        np.concatenate([part.lines for part in parts]),
        np.concatenate([part.marks for part in parts]),
    )


def _float(words: list[bytes], index: int) -> float:
    try:
        return float(words[index])
    except (ValueError, IndexError):
        return math.nan


def _time(word: bytes) -> int:
    try:
        return parse_loose_stamp(word.decode())
    except ValueError:
        return NO_TIME


def _what_is_wrong(line: bytes, problem: Exception) -> str:
    if not line.startswith(b"Time"):
        return "does not begin with 'Time'"
    return "is cut short" if isinstance(problem, IndexError) else f"cannot be read: {str(problem)[:100]}"


def parse_power_log(content: bytes, name: str = "") -> PowerLog:
    """Read the content of a power log, as `read_power_log` does, all at once; lines end in LF."""
    reader = _Reader()
    reader.block(content)
    return reader.log(FileFacts(name, "read", size_bytes=len(content)))


def read_power_log(path: Path, name: str, within: Path | None = None) -> PowerLog:
    """Read a power log in one pass; whatever it holds is data or a note, never an exception.

    Args:
        path: the file.
        name: what to call it in findings.
        within: the folder that a link must not lead out of.
    """
    reader = _Reader()
    with Source(path, name, within) as source:
        for block in source.blocks():
            reader.block(block)
            if reader.is_full:
                source.note(reader.lines, "holds more lines than are looked at; the rest was not")
                source.drain()
                break
        return reader.log(source.facts())
