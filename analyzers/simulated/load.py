"""What a simulated analyzer measures: loads given as energy over time, so that the mean of any span is exact.

`energy_j(t_s)` is the energy drawn from the start until `t_s` seconds after it. The mean power of an update is the
difference of two such values over their distance; nothing is sampled and nothing is lost between two samples.
"""

import bisect
import csv
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from metrology.errors import ConfigError

LARGEST_REPLAY_BYTES = 64 * 1024 * 1024
"""Largest file that is replayed: over a week of samples at ten a second."""


class Load(Protocol):
    """Something that draws power."""

    def energy_j(self, t_s: float) -> float:
        """Get the energy in joules drawn from the start until `t_s`; `t_s` never goes back."""


@dataclass(frozen=True, slots=True)
class ConstantLoad:
    """Draws `power_w` watts."""

    power_w: float

    def energy_j(self, t_s: float) -> float:
        """See `Load`."""
        return self.power_w * t_s


@dataclass(frozen=True, slots=True)
class SquareLoad:
    """Draws `low_w` watts for the first half of every `period_s` seconds and `high_w` for the second."""

    low_w: float
    high_w: float
    period_s: float

    def energy_j(self, t_s: float) -> float:
        """See `Load`."""
        periods, rest_s = divmod(t_s, self.period_s)
        high_s = periods * self.period_s / 2 + max(0.0, rest_s - self.period_s / 2)
        return self.low_w * (t_s - high_s) + self.high_w * high_s


class ReplayLoad:
    """Draws what a list says: each power holds until the time of the next, the last one for ever.

    Args:
        points: (seconds, watts), seconds ascending; the first power also holds before its time.
    """

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        self._times_s = [time_s for time_s, _ in points]
        self._powers_w = [power_w for _, power_w in points]
        spans = [later - earlier for earlier, later in itertools.pairwise(self._times_s)]
        parts = (power_w * span_s for power_w, span_s in zip(self._powers_w, spans, strict=False))
        first_j = self._times_s[0] * self._powers_w[0]
        self._energies_j = list(itertools.accumulate(parts, initial=first_j))

    def energy_j(self, t_s: float) -> float:
        """See `Load`."""
        at = max(0, bisect.bisect_right(self._times_s, t_s) - 1)
        return self._energies_j[at] + self._powers_w[at] * (t_s - self._times_s[at])


def read_replay(path: Path) -> ReplayLoad:
    """Read a load from a CSV file of `seconds,watts`; a first line that is no numbers is taken as the heading.

    Raises:
        ConfigError: the file cannot be read, or is not such a list.
    """
    try:
        if path.stat().st_size > LARGEST_REPLAY_BYTES:
            raise ConfigError(f"the load file '{path}' is larger than {LARGEST_REPLAY_BYTES} bytes")
        rows = [row for row in csv.reader(path.read_text("utf-8").splitlines()) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise ConfigError(f"the load file '{path}' cannot be read: {problem}") from problem
    if rows and not _is_number(rows[0][0]):
        del rows[0]
    points = [_point(row, path, number) for number, row in enumerate(rows, 1)]
    times_s = [time_s for time_s, _ in points]
    if not points or times_s[0] < 0 or any(b <= a for a, b in itertools.pairwise(times_s)):
        raise ConfigError(
            f"the load file '{path}' has {len(points)} points whose times are not ascending from 0 s on",
            "write one line 'seconds,watts' for each change of the load, the earliest first",
        )
    return ReplayLoad(points)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _point(row: list[str], path: Path, number: int) -> tuple[float, float]:
    if len(row) != 2 or not all(_is_number(field) and math.isfinite(float(field)) for field in row):
        raise ConfigError(f"'{path}', row {number}: got {','.join(row)[:40]!r}, expected 'seconds,watts'")
    return float(row[0]), float(row[1])


def read_processor_ticks(path: Path = Path("/proc/stat")) -> tuple[int, int]:
    """Get how many ticks all processors have been busy, and have existed, since the machine started.

    Source: proc(5). Time waiting for input or output counts as idle; time that a hypervisor took counts as neither
    idle nor busy, since this machine did nothing in it.

    Raises:
        ConfigError: this system does not tell.
    """
    try:
        with path.open("rb") as file:
            user, nice, system, idle, wait, interrupt, soft, stolen = map(int, file.readline().split()[1:9])
    except (OSError, ValueError) as problem:
        raise ConfigError(
            f"'{path}' does not tell how busy this machine is: {problem}",
            "take another load: --load constant, --load square or --load replay:FILE",
        ) from problem
    busy = user + nice + system + interrupt + soft
    return busy, busy + idle + wait + stolen


class ProcessorLoad:
    """Draws `idle_w` watts plus `slope_w` times the share of this machine's processor time that is in use.

    The kernel's counters are cumulative, so the share between two readings of them is exact however far apart they
    are (to one tick, 10 ms, of each processor). They are read whenever energy is asked for beyond the last reading.

    Args:
        idle_w: power of the idle machine.
        slope_w: power that all processors add when they are fully busy.
        clock: seconds since the start, on the clock of `energy_j`.
        read_ticks: see `read_processor_ticks`.
    """

    def __init__(
        self,
        idle_w: float,
        slope_w: float,
        clock: Callable[[], float],
        read_ticks: Callable[[], tuple[int, int]] = read_processor_ticks,
    ) -> None:
        self._idle_w, self._slope_w = idle_w, slope_w
        self._clock, self._read_ticks = clock, read_ticks
        self._ticks = read_ticks()
        self._time_s, self._energy_j, self._power_w = clock(), 0.0, idle_w

    def energy_j(self, t_s: float) -> float:
        """See `Load`; `t_s` may lie a little before the moment of the call."""
        if t_s > self._time_s:
            self._read()
        return self._energy_j - self._power_w * (self._time_s - t_s)

    def _read(self) -> None:
        busy, total = self._read_ticks()
        elapsed = total - self._ticks[1]
        if elapsed > 0:
            share = min(1.0, max(0.0, (busy - self._ticks[0]) / elapsed))
            self._power_w = self._idle_w + self._slope_w * share
            self._ticks = (busy, total)
        now_s = self._clock()
        self._energy_j += self._power_w * (now_s - self._time_s)
        self._time_s = now_s
