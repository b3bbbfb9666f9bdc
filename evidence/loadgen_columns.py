"""Looking through a LoadGen log of gigabytes: all lines of a block at once, by the words that they begin with."""

from typing import Any

import numpy as np

from evidence.columns import Ints, Mask, as_word
from evidence.loadgen_log import RECORD, STARTS, Places

_HEAD_BYTES = 4
"""Characters of a key that are compared at once: the shortest of `STARTS` has so many."""
_HEADS = np.array(sorted({as_word(start[:_HEAD_BYTES]) for start in STARTS}), np.uint64)
_HEAD = as_word(b"\xff" * _HEAD_BYTES)
_REST = len(RECORD) - 16
"""Characters of `RECORD` after the first two words."""
_REACH = len(RECORD) + 8
"""Bytes from the start of a line to the end of the last word that is looked at."""


def find_places(block: bytes) -> Places:
    """Look through a block of whole lines, as `loadgen_log.find_places` does."""
    ends: Ints = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))
    starts: Ints = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1))
    inner = starts[: np.searchsorted(starts, len(block) - _REACH, "right")]
    are_records, likely = _by_words(block, inner)
    # Words at the last few lines would reach beyond the block.
    last = [block.startswith(RECORD, at) for at in starts[len(inner) :].tolist()]
    are_records = np.concatenate((are_records, np.array(last, np.bool_)))
    records = int(np.count_nonzero(are_records))
    return Places(
        len(ends),
        records,
        int(np.argmin(are_records)) if records < len(ends) else None,
        [
            at
            for at in [*inner[likely].tolist(), *starts[len(inner) :].tolist()]
            if block.startswith(RECORD, at) and block.startswith(STARTS, at + len(RECORD))
        ],
    )


def _by_words(block: bytes, starts: Ints) -> tuple[Mask, Mask]:
    """Tell which lines are records, and which of these have a key that begins like one of interest."""
    if not len(starts):
        return np.zeros(0, np.bool_), np.zeros(0, np.bool_)
    # A view of overlapping words: the word at any byte without copying.
    words: Any = np.ndarray((len(block) - 7,), "<u8", block, strides=(1,))
    are_records: Mask = (words[starts] == as_word(RECORD)) & (words[starts + 8] == as_word(RECORD[8:]))
    rest, mask = as_word(RECORD[16:]), as_word(b"\xff" * _REST)
    are_records &= (words[starts + 16] & mask) == rest
    return are_records, are_records & np.isin(words[starts + len(RECORD)] & _HEAD, _HEADS)
