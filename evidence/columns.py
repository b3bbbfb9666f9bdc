"""Words, numbers and stamps out of a block of text, many lines at once.

Eight bytes are taken as one 64-bit number, so that a digit string is checked and turned into its value by a handful
of operations on whole columns (the technique is known as SWAR). Positions count from the start of the block. What
does not fit the expected form is told by a mask, never by a wrong value.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

WORD = 8
"""Characters of a word."""
PADDING = 64
"""Bytes before and after the block, so that a word at any position of it exists."""
NO_TIME = np.iinfo(np.int64).min
"""Stands in a column of nanoseconds where no time could be read."""
WIDEST_INTEGER = 8
"""Most digits before the point that `decimals` reads at once."""

_U = np.uint64
_ZEROS = _U(0x3030303030303030)
_HIGH_NIBBLES = _U(0xF0F0F0F0F0F0F0F0)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MONTH_DAYS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_LOW = np.array([(1 << (8 * count)) - 1 for count in range(8)] + [(1 << 64) - 1], dtype=np.uint64)
"""`_LOW[n]` masks the first n characters of a word."""
_HIGH, _LOW_ZEROS = ~_LOW, _LOW & _ZEROS
"""`word & _HIGH[n] | _LOW_ZEROS[n]` has the digit 0 for its first n characters."""


def distinct(values: Ints) -> int:
    """Count different values. numpy.unique would do, but loads the whole of numpy.ma first."""
    return int(np.count_nonzero(np.diff(np.sort(values)))) + (len(values) > 0)


def as_word(text: bytes) -> np.uint64:
    """Get up to eight bytes as a word, the first byte lowest."""
    return _U(int.from_bytes(text[:8], "little"))


class Block:
    """A block of text whose lines end in LF (the last may lack it), with the places of its lines and commas.

    Attributes:
        text: the block.
        starts, ends: of each line; `ends` is the place of its LF.
    """

    def __init__(self, text: bytes) -> None:
        self.text = text if text.endswith(b"\n") else text + b"\n"
        padding = bytes(PADDING)
        self._padded = np.frombuffer(b"".join((padding, self.text, padding)), np.uint8)
        # A view of overlapping words: the word at any byte without copying.
        self._words: Any = np.ndarray(
            shape=(len(self._padded) - 7,), dtype="<u8", buffer=self._padded.data, strides=(1,)
        )
        self._bytes = self._padded[PADDING : PADDING + len(self.text)]
        self._are_ends: Mask = self._bytes == ord("\n")
        self.ends: Ints = np.flatnonzero(self._are_ends)
        self.starts: Ints = np.concatenate((np.zeros(1, np.int64), self.ends[:-1] + 1))

    def words(self, at: Ints) -> Words:
        """Get the eight bytes from each position on as a word."""
        found: Words = self._words[at + PADDING]
        return found

    def line(self, index: int) -> bytes:
        """Get a line without its end."""
        return self.text[self.starts[index] : self.ends[index]]

    def lines(self, indices: Ints) -> list[bytes]:
        """Get several lines without their ends."""
        pairs = zip(self.starts[indices].tolist(), self.ends[indices].tolist(), strict=True)
        return [self.text[start:end] for start, end in pairs]

    def count(self, byte: int) -> int:
        """Count a byte in the block; several times as fast as `bytes.count` where it is frequent."""
        return int(np.count_nonzero(self._bytes == byte))

    def separated(self, width: int) -> tuple[Mask, Ints]:
        """Find the lines with exactly `width` fields between commas.

        Returns:
            which lines these are, and for each of them the places around its fields: shape (lines, width + 1),
            field i being from [i] + 1 up to [i + 1].
        """
        are_marks = self._bytes == ord(",")
        are_marks |= self._are_ends
        places = np.concatenate((np.full(1, -1), np.flatnonzero(are_marks)))
        last = np.flatnonzero(self._are_ends[places[1:]]) + 1
        first = np.concatenate((np.zeros(1, np.int64), last[:-1]))
        fitting = last - first == width
        count = int(np.count_nonzero(fitting))
        if fitting[:count].all():
            # A line begins where the one before ends, so that rows may overlap.
            return fitting, np.ndarray((count, width + 1), np.int64, places.data, strides=(8 * width, 8))
        return fitting, places[first[fitting][:, None] + np.arange(width + 1)]

    def equals(self, start: Ints, stop: Ints, text: bytes) -> Mask:
        """Tell where the characters from `start` to `stop` are exactly `text`, of any length."""
        length = len(text)
        same: Mask = stop - start == length
        # Words are taken where there is room for them only: a shorter field may be the block's last.
        at = start if same.all() else start[same]
        equal = np.ones(at.shape, np.bool_)
        for offset in range(0, length - 7, 8):
            equal &= self.words(at + offset) == as_word(text[offset:])
        left = length % 8
        if left:
            equal &= (self.words(at + (length - left)) & _LOW[left]) == as_word(text[length - left :])
        same[same] = equal.ravel()
        return same

    def named(self, start: Ints, stop: Ints, names: Sequence[bytes]) -> Mask:
        """Tell for which rows of (n, k) places the k fields are the k names, each of at most eight characters."""
        lengths = np.array([len(name) for name in names])
        same = (stop - start == lengths) & (
            (self.words(start) & _LOW[lengths]) == np.array([as_word(name) for name in names], np.uint64)
        )
        rows: Mask = same.all(axis=1)
        return rows

    def decimals(self, start: Ints, stop: Ints) -> tuple[Floats, Mask]:
        """Read numbers written like printf's %.6f; the mask tells which ones are such numbers.

        The value is the digits divided by a million, which rounds once, as float() does.
        """
        signs = self._padded[start + PADDING] == ord("-")
        places = stop - start - signs - 7
        known: Mask = (places >= 1) & (places <= WIDEST_INTEGER)
        tail = self.words(stop - 8)
        known &= (tail & _U(0xFF00)) == _U(ord(".") << 8)
        blank = (WIDEST_INTEGER - places) & 7
        both = np.empty((2, *stop.shape), np.uint64)
        both[0] = (tail & _HIGH[2]) | _LOW_ZEROS[2]
        both[1] = (self.words(stop - 15) & _HIGH[blank]) | _LOW_ZEROS[blank]
        (fraction, whole), are_digits = digits(both)
        known &= are_digits.all(axis=0)
        values = (whole * 1_000_000 + fraction) / 1e6
        np.negative(values, out=values, where=signs)
        values[~known] = np.nan
        return values, known

    def stamps(self, start: Ints, stop: Ints) -> tuple[Ints, Mask]:
        """Read stamps `MM-DD-YYYY hh:mm:ss.mmm` as UTC nanoseconds; the mask tells which ones are such stamps."""
        known: Mask = stop - start == 23
        head, middle = self.words(start).ravel(), self.words(start + 8).ravel()
        # Lines of the same minute begin with the same sixteen characters, which are read once for all that follow
        # each other.
        first = np.ones(len(head), np.bool_)
        first[1:] = (head[1:] != head[:-1]) | (middle[1:] != middle[:-1])
        runs = np.cumsum(first) - 1
        minutes_ms, are_minutes = _minutes(head[first], middle[first])
        rest_ms, are_rests = _seconds(self.words(start + 15))
        known &= are_rests & are_minutes[runs].reshape(known.shape)
        t_utc_ns = (minutes_ms[runs].reshape(known.shape) + rest_ms) * 1_000_000
        t_utc_ns[~known] = NO_TIME
        return t_utc_ns, known


def digits(words: Words) -> tuple[Ints, Mask]:
    """Get the value of words of eight digits; the mask tells which words are eight digits."""
    known: Mask = ((words & _HIGH_NIBBLES) | (((words + _U(0x0606060606060606)) & _HIGH_NIBBLES) >> _U(4))) == _U(
        0x3333333333333333
    )
    pairs = words - _ZEROS
    later = pairs >> _U(8)
    pairs *= _U(10)
    pairs += later
    pick = _U(0x000000FF000000FF)
    np.right_shift(pairs, _U(16), out=later)
    later &= pick
    later *= _U(0x0000271000000001)
    pairs &= pick
    pairs *= _U(0x000F424000000064)
    pairs += later
    pairs >>= _U(32)
    return pairs.view(np.int64), known


def _fields(words: Words, form: bytes) -> tuple[Ints, Mask]:
    """Check words against a form of digits (written 0) and separators; get the number with 0 for each separator."""
    separators = as_word(bytes(0 if byte == ord("0") else 0xFF for byte in form))
    plain = words & ~separators
    plain |= _ZEROS & separators
    values, known = digits(plain)
    known &= (words & separators) == (as_word(form) & separators)
    return values, known


def _minutes(heads: Words, middles: Words) -> tuple[Ints, Mask]:
    """Read `MM-DD-YY` and `YY hh:mm` as milliseconds since 1970; the mask tells which ones are such a minute."""
    head, head_ok = _fields(heads, b"00-00-00")
    middle, middle_ok = _fields(middles, b"00 00:00")
    year = head % 100 * 100 + middle // 1_000_000
    hour, minute = middle // 1000 % 100, middle % 100
    days, exist = _days(year, head // 1_000_000, head // 1000 % 100)
    known: Mask = head_ok & middle_ok & exist & (hour < 24) & (minute < 60)
    return ((days * 24 + hour) * 60 + minute) * 60_000, known


def _seconds(words: Words) -> tuple[Ints, Mask]:
    """Read `m:ss.mmm`, the last digit of a minute apart, as milliseconds; the mask tells which ones are so."""
    value, known = _fields((words & _HIGH[1]) | _LOW_ZEROS[1], b"0:00.000")
    second = value // 10_000
    known &= second < 60
    return value - second * 9000, known


def _days(year: Ints, month: Ints, day: Ints) -> tuple[Ints, Mask]:
    """Count days since 1970-01-01; the mask tells which dates exist and fit into 64 bits of nanoseconds."""
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    length = _MONTH_DAYS[np.clip(month, 0, 12)] - ((month == 2) & ~leap)
    exists: Mask = (year >= 1970) & (year < 2262) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= length)
    # A year that starts in March has its leap day last, which makes the days before each month a straight line.
    shifted = year - (month <= 2)
    since_march = (month + 9) % 12
    before = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + (153 * since_march + 2) // 5
    return before + day - 306 - _EPOCH_DAY, exists
