"""Power over a span of time: from memory, or every sample from the store where the span is short."""

import asyncio
from pathlib import Path

from console.live.model import Samples, Series, finite
from console.live.picture import TOTAL, Picture
from console.live.pyramid import BAD, FIRST, GOOD, HIGH, LAST, LOW, SUM, Rows, reduced
from console.live.stored import MOST_SAMPLES, read_stored
from evidence.layout import OURS

MOST_ANALYZERS = 16
"""Analyzers whose curves are told beside the sum's."""


async def curve(picture: Picture, store: Path, from_ms: float | None, to_ms: float | None, points: int) -> Samples:
    """Get power over time of the session that is open, or was open last.

    Args:
        picture: what is known.
        store: the folder of sessions.
        from_ms, to_ms: UTC milliseconds; None for its first and its last sample.
        points: most columns.
    """
    pyramids = {number: meter.pyramid for number, meter in picture.meters.items()}
    spans = [span for pyramid in pyramids.values() if (span := pyramid.span_ms)]
    first = min((span[0] for span in spans), default=0.0) if from_ms is None else from_ms
    last = max((span[1] for span in spans), default=0.0) if to_ms is None else to_ms
    single = len(picture.analyzers) == 1
    numbers = [1] if single else range(min(len(picture.analyzers), MOST_ANALYZERS) + 1)
    name = picture.run.name if picture.run else ""
    rows: dict[int, Rows] = {}
    for number in numbers:
        rows[number] = pyramids[number].rows(first, last, points)
        if number != TOTAL and name and _is_short(picture, number, first, last):
            path = store / name / OURS / f"journal_{number}.txt"
            rows[number] = await asyncio.to_thread(_stored, path, rows[number], (first, last), points)
    whole = all(bool(((found[:, GOOD] + found[:, BAD]) <= 1).all()) for found in rows.values())
    return Samples(
        session=name,
        from_ms=round(first),
        to_ms=round(last),
        whole=whole,
        series=[series(number, found) for number, found in rows.items()],
    )


def _is_short(picture: Picture, number: int, from_ms: float, to_ms: float) -> bool:
    """Tell whether memory has no single samples of a span that is short enough to be read from the store."""
    short = to_ms - from_ms <= MOST_SAMPLES * picture.interval_ms
    return short and not picture.meters[number].pyramid.holds_samples_from(from_ms)


def _stored(path: Path, held: Rows, span_ms: tuple[float, float], points: int) -> Rows:
    try:
        found = read_stored(path, *span_ms)
    except OSError:
        return held
    return reduced(found.rows, *span_ms, points) if found.whole and len(found.rows) else held


def series(number: int, rows: Rows) -> Series:
    """Get rows as a record."""
    low, high = ([finite(round(value, 6)) for value in rows[:, at].tolist()] for at in (LOW, HIGH))
    means = [
        round(total / good, 6) if good else None
        for total, good in zip(rows[:, SUM].tolist(), rows[:, GOOD].tolist(), strict=True)
    ]
    return Series(
        analyzer=number,
        t_utc_ms=[round(each) for each in ((rows[:, FIRST] + rows[:, LAST]) / 2).tolist()],
        low=low,
        mean=means,
        high=high,
        bad=[int(each) for each in rows[:, BAD].tolist()],
    )
