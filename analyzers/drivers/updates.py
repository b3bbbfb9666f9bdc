"""An instrument's updates: joined to samples, and which of them were never read.

That is told from when it was asked and when it answered.

An instrument that holds its latest update and a mark that there is one (the event register that `:COMM:WAIT` waits
for, DS of a Hioki) loses no update to a reader that is late by less than a period: asked then, it gives the one on
display at once. What is lost is what a later update took from the display before the question came. So it is the
moment of asking that counts, held against the grid of updates: an answer that comes late, or is stamped late since
this machine was busy, loses nothing by itself.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from analyzers.driver import Measured, sum_reading
from metrology.errors import InstrumentError
from metrology.reading import mean_reading

SLACK = 0.05
"""By how much of a period the grid may move later at each reading: it follows an instrument whose periods are up to
so much longer than they should be, and a single late reading moves it by no more. Earlier it moves at once."""
DOUBT = 0.1
"""A question within this share of a period from an update may have come before or after it."""
WAITED = 0.25
"""An answer that takes at least this share of a period was waited for, so that it tells when an update came. It is
well over `DOUBT`, within which one may come by chance."""


class UpdateCount:
    """Counts the updates of one run that were lost between readings.

    Args:
        period_ms: time between updates, milliseconds.
    """

    def __init__(self, period_ms: float) -> None:
        self._period_ns = period_ms * 1e6
        self._edge_ns: float | None = None
        self._doubt = False

    def failed(self) -> None:
        """Note that a reading failed: whether the instrument counts its update as read is not known."""
        self._doubt = True

    def lost(self, asked_ns: int, came_ns: int) -> int:
        """Count a reading; get how many updates were lost before it.

        Args:
            asked_ns: when the instrument had the question, monotonic nanoseconds.
            came_ns: when its answer came; it gives the first update that had not been read when it was asked, or the
                latest of them.
        """
        if self._edge_ns is None:
            self._edge_ns = came_ns
            return 0
        steps = self._steps((asked_ns - self._edge_ns) / self._period_ns, (came_ns - self._edge_ns) / self._period_ns)
        self._edge_ns = min(came_ns, self._edge_ns + (steps + SLACK) * self._period_ns)
        return steps - 1

    def _steps(self, asked: float, came: float) -> int:
        """Get by how many updates this reading is after the one before it; both times are in periods since that."""
        # Once an answer has taken two periods another update stands on display, and those between are lost.
        between = math.floor(came - DOUBT) - 1 if came - asked >= 2 else 1
        least, most = (max(1, between, math.floor(asked + error)) for error in (-DOUBT, DOUBT))
        self._doubt |= most > least
        settled = came < least + 0.5 or came - asked >= WAITED
        steps = max(least, round(came)) if self._doubt and settled else least
        self._doubt &= not settled
        return steps


class Updates:
    """The updates that make a sample: outside a run whichever comes next, in a run all of one interval.

    Args:
        period_ms: time between updates, milliseconds.
        each: how many make a sample in a run; 0 outside a run.

    Attributes:
        in_run: whether it counts a run's.
    """

    def __init__(self, period_ms: float, each: int = 0) -> None:
        self.in_run = each > 0
        self._each = max(1, each)
        self._count = UpdateCount(period_ms)
        self._parts: list[Measured] = []

    def lost(self, asked_ns: int, came_ns: int) -> int:
        """Get how many updates were lost before a reading; see `UpdateCount.lost`."""
        return self._count.lost(asked_ns, came_ns)

    def joined(self, read: Callable[[], Measured]) -> Measured:
        """Read as many updates as make a sample, those that an earlier call had before it failed among them.

        Args:
            read: reads one; what it raises is passed on.
        """
        try:
            while len(self._parts) < self._each:
                self._parts.append(read())
        except InstrumentError:
            self._count.failed()
            raise
        parts, self._parts = self._parts, []
        return joined(parts)


def joined(parts: Sequence[Measured]) -> Measured:
    """Join consecutive updates of equal length to one sample: means of all readings, the time of the last.

    Samples are missed where updates are lost: one for each number of updates that make a sample, and for a part.
    """
    if len(parts) == 1:
        return parts[0]
    readings = zip(*(part.channels for part in parts), strict=True)
    channels = tuple(mean_reading(of_one) for of_one in readings)
    total = sum_reading(channels) if channels else mean_reading([part.total for part in parts])
    missed = -(-sum(part.missed for part in parts) // len(parts))
    raw = "|".join(part.raw for part in parts)
    return replace(parts[-1], total=total, channels=channels, raw=raw, missed=missed)
