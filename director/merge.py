"""One power log out of those of several analyzers, merged by time.

    Time,<time of analyzer 1>,Watts,<sum>,Volts,-1.000000,Amps,-1.000000,PF,-1.000000,Mark,<mark>
        ,Analyzer1,<its own line>,Analyzer2,<its own line>...                       (all of it one line)

The form is the reference director's; source: the line in upstream issue mlcommons/power-dev#330. The reference
pairs lines by their index and adds absolute values. Here each line of analyzer 1 is kept, with those samples of the
others that were taken at its time; where one has none, or any is not good, the sum is bad.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import chain

from evidence.ptd_protocol import marked_line, parse_sample, sample_line
from metrology.reading import BAD_READING, Sample, Validity

NO_SUM = Decimal(-1)
"""Watts of a sum that is not known; PTDaemon's own mark for a bad reading."""
BEAT = 0.03
"""How much the time between two samples varies, part of the interval; source: 0.971 to 1.029 s in published logs."""


def merge(listings: Sequence[Sequence[str]], mark: str, interval_ns: int) -> list[str]:
    """Merge the listings of several analyzers into the lines of one power log, as many as analyzer 1 has.

    Args:
        listings: for each analyzer its sample lines as `RL` lists them, in order of time, at least one.
        mark: the mark of the run.
        interval_ns: the time between two samples.

    Raises:
        EvidenceError: a line is no sample.
    """
    first = [parse_sample(line) for line in listings[0]]
    columns = [listings[0], *(_partners(first, listing, interval_ns) for listing in listings[1:])]
    return [merged_line(row, mark) for row in zip(*columns, strict=True)]


def _partners(first: Sequence[Sample], listing: Sequence[str], interval_ns: int) -> list[str]:
    """Get for each sample of analyzer 1 the line of another one that goes with it."""
    other = [parse_sample(line) for line in listing]
    found = zip(first, pairs(first, other, interval_ns), strict=True)
    return [unmatched(sample, other[0]) if place is None else listing[place] for sample, place in found]


def pairs(first: Sequence[Sample], other: Sequence[Sample], interval_ns: int) -> Iterator[int | None]:
    """Find for each sample of analyzer 1 the nearest of another within half an interval; None where there is none.

    No sample is taken twice, and none out of order. Two analyzers that measure in turns, about half an interval
    apart, would change partners with every jitter: there a pair that follows the last one at the same distance stays
    together. A missed sample has no time of its own (PTDaemon repeats the last one) and is never paired.
    """
    taken_ns = [(sample.t_utc_ns, index) for index, sample in enumerate(other) if not _is_missed(sample)]
    next_place, offset_ns = 0, interval_ns
    for sample in first:
        place = (
            None if _is_missed(sample) else _partner(sample.t_utc_ns, taken_ns, next_place, offset_ns, interval_ns)
        )
        if place is None:
            yield None
            continue
        next_place, offset_ns = place + 1, taken_ns[place][0] - sample.t_utc_ns
        yield taken_ns[place][1]


def _partner(
    t_utc_ns: int, taken_ns: Sequence[tuple[int, int]], begin: int, offset_ns: int, interval_ns: int
) -> int | None:
    half_ns, beat_ns = interval_ns // 2, int(interval_ns * BEAT)
    if begin < len(taken_ns):
        ahead_ns = taken_ns[begin][0] - t_utc_ns
        if abs(ahead_ns - offset_ns) <= beat_ns and abs(ahead_ns) <= half_ns + beat_ns:
            return begin
    after = bisect_left(taken_ns, (t_utc_ns, -1), begin)
    near = [place for place in (after - 1, after) if begin <= place < len(taken_ns)]
    nearest = min(near, key=lambda place: abs(taken_ns[place][0] - t_utc_ns), default=None)
    return nearest if nearest is not None and abs(taken_ns[nearest][0] - t_utc_ns) <= half_ns else None


def _is_missed(sample: Sample) -> bool:
    return sample.total.validity is Validity.MISSED


def unmatched(sample: Sample, example: Sample) -> str:
    """Write the line of an analyzer that has no sample at this time: a bad one, of as many channels as its others."""
    return sample_line(Sample(sample.t_utc_ns, BAD_READING, (BAD_READING,) * len(example.channels)))


def merged_line(listed: Sequence[str], mark: str) -> str:
    """Write one line of the power log from one line of each analyzer, analyzer 1 first."""
    stamp = listed[0].split(",", 2)[1]
    head = f"Time,{stamp},Watts,{total_w(listed):.6f},Volts,-1.000000,Amps,-1.000000,PF,-1.000000,Mark,{mark}"
    own = ((f"Analyzer{number}", marked_line(line, mark)) for number, line in enumerate(listed, 1))
    return ",".join([head, *chain.from_iterable(own)])


def total_w(listed: Sequence[str]) -> Decimal:
    """Add the watts of one line of each analyzer, exactly; `NO_SUM` where one of them is not good."""
    if not all(parse_sample(line).total.usable for line in listed):
        return NO_SUM
    return sum((Decimal(line.split(",", 4)[3]) for line in listed), Decimal(0))
