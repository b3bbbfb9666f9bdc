"""One measurement, from `Go` to `Stop`: the samples that came, counted and put into PTDaemon's lines."""

import itertools
import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analyzers.driver import Instrument, Measured, Ranges
from analyzers.ptd.report import reading_texts, uncertainty_texts
from evidence.ptd_protocol import MAXIMUM_SAMPLES, marked_line, quantity_reply, sample_line, uncertainty_reply
from metrology.ranges import Range
from metrology.reading import MISSED_READING, Reading, Sample
from metrology.uncertainty import UncertaintyTally, power_uncertainty, sum_uncertainty

SAME_RANGE = 1e-3
"""Two full scales that differ by less, relatively, are one range: instruments tell them with four digits or more."""
NO_MARK = "notset"
"""What PTDaemon's log file says where no mark was given."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What `Go` or `Timed` asked for.

    Attributes:
        interval_ms: time between samples.
        rampup: how many samples to drop at the start.
        mark: text that names the samples in the log file; empty if none was given.
        samples: after how many the measurement ends by itself.
        timed: whether `Timed` asked.
    """

    interval_ms: int = 1000
    rampup: int = 0
    mark: str = ""
    samples: int = MAXIMUM_SAMPLES
    timed: bool = False


@dataclass(slots=True)
class Statistics:
    """Mean, minimum and maximum of one quantity; -1, PTDaemon's mark for no value, while there is none."""

    minimum: float = math.inf
    maximum: float = -math.inf
    count: int = 0
    _sum: float = 0.0

    def add(self, value: float) -> None:
        """Count one valid sample."""
        self.count += 1
        self._sum += value
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)

    @property
    def span(self) -> tuple[float, float, float]:
        """Mean, minimum, maximum."""
        return (self._sum / self.count, self.minimum, self.maximum) if self.count else (-1.0, -1.0, -1.0)


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one answer of the instrument: lines for the log file, and what there is to say of it."""

    lines: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


class Run:
    """A measurement; the sampler adds to it while the daemon answers questions about it.

    Args:
        plan: what was asked for.
        instrument: what measures.
        model: its name within PTDaemon's messages, `WT310`.
        ranges: of each channel as set, or of the only one.
    """

    def __init__(self, plan: Plan, instrument: Instrument, model: str, ranges: Sequence[Ranges]) -> None:
        self.plan = plan
        self.mark = plan.mark
        self._instrument = instrument
        self._model = model
        self._ranges = list(ranges)
        self._changed = threading.Condition()
        self._lines: list[str] = []
        self._read = 0
        self._rampup_left = plan.rampup
        self._before_ns: int | None = None
        self._statistics = {name: Statistics() for name in ("Watts", "Volts", "Amps", "PF")}
        self._uncertainties = [UncertaintyTally() for _ in range(instrument.channels + 1)]

    @property
    def full(self) -> bool:
        """Tell whether all samples asked for have come."""
        return len(self._lines) >= self.plan.samples

    @property
    def ranges(self) -> tuple[Ranges, ...]:
        """The ranges of each channel as the last sample told them; one that changed by itself counts as automatic."""
        with self._changed:
            return tuple(self._ranges)

    def take(self, measured: Measured) -> Taken:
        """Count one answer of the instrument, and the samples missed before it."""
        with self._changed:
            changed = self._follow(measured)
            if self._rampup_left > 0:
                self._rampup_left -= 1
                return Taken(texts=tuple(changed))
            missed, texts = self._take_missed(measured)
            texts += changed
            line = self._keep(Sample(measured.t_utc_ns, measured.total, measured.channels))
            for name, value in zip(self._statistics, measured.total.fields(), strict=True):
                if measured.total.usable:
                    self._statistics[name].add(value)
            texts += self._judge(measured)
            self._changed.notify_all()
            return Taken((*missed, line), tuple(texts))

    def _follow(self, measured: Measured) -> list[str]:
        """Note the ranges that a sample was taken in; say which fixed ones are not those that were set."""
        told = measured.channel_ranges or ((measured.current_range_a, measured.voltage_range_v),) * len(self._ranges)
        before = self._ranges
        self._ranges = [
            (_followed(current, range_a), _followed(voltage, range_v))
            for (current, voltage), (range_a, range_v) in zip(before, told, strict=True)
        ]
        pairs = zip(itertools.chain(*before), itertools.chain(*self._ranges), itertools.cycle("AV"), strict=False)
        return [
            f"WARNING: A range changed by itself from {was.full_scale:g} {unit} to {now.full_scale:g} {unit}"
            for was, now, unit in pairs
            if now.auto and not was.auto
        ]

    def _take_missed(self, measured: Measured) -> tuple[list[str], list[str]]:
        """Fill a gap with placeholders that carry the time of the sample before it, as PTDaemon does."""
        before_ns, self._before_ns = self._before_ns, measured.t_utc_ns
        if before_ns is None or not measured.missed:
            return [], []
        placeholder = Sample(before_ns, MISSED_READING, (MISSED_READING,) * len(measured.channels))
        room = self.plan.samples - len(self._lines) - 1
        lines = [self._keep(placeholder) for _ in range(min(measured.missed, room))]
        return lines, [f"WARNING: Missed {measured.missed} samples"]

    def _keep(self, sample: Sample) -> str:
        line = sample_line(sample)
        self._lines.append(line)
        return marked_line(line, self.mark or NO_MARK)

    def _judge(self, measured: Measured) -> list[str]:
        """Work out the uncertainties, count them, and say what is wrong; the channels first, then their sum."""
        channels = measured.channels
        parts = [self._uncertainty(*pair) for pair in zip(channels, self._ranges, strict=False)]
        powers = [channel.power_w for channel in channels]
        total = (
            sum_uncertainty(list(zip(parts, powers, strict=True)))
            if channels and measured.total.usable
            else self._uncertainty(measured.total, self._ranges[0])
        )
        for tally, uncertainty in zip(self._uncertainties, [total, *parts], strict=True):
            tally.add(uncertainty)
        texts: list[str] = []
        for number, (reading, uncertainty) in enumerate(zip(channels, parts, strict=True), 1):
            texts += [*self._reading_texts(reading, measured.raw, number), *uncertainty_texts(uncertainty, number)]
        if not channels:
            texts += self._reading_texts(measured.total, measured.raw, 1)
        return texts + uncertainty_texts(total, 0 if channels else None)

    def _uncertainty(self, reading: Reading, ranges: Ranges) -> float | None:
        current, voltage = ranges
        known = not (current.auto or voltage.auto or current.full_scale is None or voltage.full_scale is None)
        range_va = (current.full_scale or 0.0) * (voltage.full_scale or 0.0) if known else None
        return power_uncertainty(self._instrument.accuracy, reading, range_va, self._instrument.crest_factor)

    def _reading_texts(self, reading: Reading, raw: str, channel: int) -> list[str]:
        range_a = self._ranges[channel - 1][0].full_scale
        return reading_texts(reading, raw, self._model, range_a, self._instrument.crest_factor)

    def quantity_reply(self, name: str) -> str:
        """Write the reply to `Watts`, `Volts`, `Amps` or `PF`."""
        with self._changed:
            statistics = self._statistics[name]
            return quantity_reply(name, statistics.span, len(self._lines), statistics.count)

    def uncertainty_reply(self, *, each: bool) -> str:
        """Write the reply to `Uncertainty`: of the sum, and with `each` also of every channel."""
        with self._changed:
            return uncertainty_reply(*(self._uncertainties if each else self._uncertainties[:1]))

    def average_text(self) -> str:
        """Say what PTDaemon says of the power when a measurement ends."""
        with self._changed:
            (mean, minimum, maximum), count = self._statistics["Watts"].span, len(self._lines)
            valid = self._statistics["Watts"].count
        return (
            f"Avg watts {mean:.6f}, min watts {minimum:.6f}, max watts {maximum:.6f}, "
            f"samples {count}, errors {count - valid}, valid {valid}"
        )

    def last(self) -> str | None:
        """Get the last sample as `R*` tells it, without time; None if none has come."""
        with self._changed:
            return self._lines[-1].split(",", 2)[2] if self._lines else None

    def wait_unread(self, timeout_s: float) -> None:
        """Wait until there is a sample that no `RL` has told, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: self._read < len(self._lines), timeout_s)

    def unread(self, count: int | None, *, each: bool) -> list[str] | None:
        """Get samples that no `RL` has told yet, and never again.

        Args:
            count: the newest so many, all older ones counting as told; None for all.
            each: with every channel, not only their sum.

        Returns:
            The lines; None where there are fewer than `count`.
        """
        with self._changed:
            first = self._read if count is None else len(self._lines) - count
            if first < self._read:
                return None
            self._read = len(self._lines)
            lines = self._lines[first:]
        return lines if each or not self._instrument.channels else list(_sums(lines))


def _followed(setting: Range, full_scale: float | None) -> Range:
    """Get the range in force; a fixed one that changed is the instrument's choice from then on, not ours."""
    if full_scale is None or setting.full_scale is None:
        return setting if full_scale is None else Range(setting.auto, full_scale)
    changed = not math.isclose(full_scale, setting.full_scale, rel_tol=SAME_RANGE)
    return Range(setting.auto or changed, full_scale)


def _sums(lines: list[str]) -> Iterator[str]:
    for line in lines:
        yield ",Watts,".join(line.split(",Watts,", 2)[:2])
