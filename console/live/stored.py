"""Every sample of a span of time from the daemon's own log in the store, found without reading all of it."""

from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from console.live.pyramid import Rows
from evidence.ptd_protocol import parse_sample, unmarked_line
from evidence.stamps import parse_stamp
from metrology.errors import EvidenceError

MOST_SAMPLES = 5000
"""Samples read for one answer: 8 minutes at 10 Hz; reading them takes 0.1 s."""
LONGEST_LINE = 8192
NEAR_BYTES = 4096
"""The search by halves ends at a piece so short."""
STAMP_AT = slice(len("Time,"), len("Time,MM-DD-YYYY hh:mm:ss.mmm"))
NANOS = 1_000_000


class Stored(NamedTuple):
    """Rows as a pyramid's level 0 has them; whether these are all."""

    rows: Rows
    whole: bool


def read_stored(path: Path, from_ms: float, to_ms: float, most: int = MOST_SAMPLES) -> Stored:
    """Read the samples between two times, at most so many.

    Raises:
        OSError: the log cannot be read.
    """
    rows: list[tuple[float, ...]] = []
    with path.open("rb") as file:
        file.seek(_place_of(file, from_ms))
        while line := file.readline(LONGEST_LINE):
            row = _row(line)
            if row is None or row[0] < from_ms:
                continue
            if row[0] > to_ms or len(rows) == most:
                break
            rows.append(row)
    return Stored(np.array(rows, np.float64).reshape(-1, 7), len(rows) < most)


def _place_of(file: BinaryIO, t_ms: float) -> int:
    """Find a place at the start of a line, before the first sample of a time and near to it."""
    low, high = 0, file.seek(0, 2)
    while high - low > NEAR_BYTES:
        middle = (low + high) // 2
        file.seek(middle)
        file.readline(LONGEST_LINE)
        found = _time(file.readline(LONGEST_LINE))
        if found is not None and found < t_ms:
            low = middle
        else:
            high = middle
    file.seek(low)
    if low:
        file.readline(LONGEST_LINE)
    return file.tell()


def _time(line: bytes) -> float | None:
    try:
        return parse_stamp(line[STAMP_AT].decode("ascii", "replace")) / NANOS
    except ValueError:
        return None


def _row(line: bytes) -> tuple[float, ...] | None:
    try:
        listed, _ = unmarked_line(line.decode("ascii", "replace").rstrip("\r\n"))
        sample = parse_sample(listed)
    except EvidenceError:
        return None
    t_ms, power_w = sample.t_utc_ns / NANOS, sample.total.power_w
    if sample.total.usable and np.isfinite(power_w):
        return t_ms, t_ms, power_w, power_w, power_w, 1.0, 0.0
    return t_ms, t_ms, np.nan, np.nan, 0.0, 0.0, 1.0
