"""What is known now: made of the director's events, one by one, in the live page's own thread."""

import math
from collections.abc import Callable, Sequence

from console.live.meters import Meter, Tally, headroom, sum_of
from console.live.model import Client, Clock
from console.live.notices import Notices
from console.live.pyramid import KEPT, Pyramid
from console.live.run import Phase, Run
from console.live.uncertainty import of_all, of_sample
from director import events
from director.analyzer_config import AnalyzerConfig
from evidence.ptd_output import Told
from metrology.reading import Sample, Validity
from metrology.uncertainty import LIMIT

TOTAL = 0
"""The number under which the sum of all analyzers is kept."""
LEAST_HEADROOM = 0.02
"""Less of a current range left is worth a warning: the next peak of the load may go over it."""
SILENCE_INTERVALS = 5.0
LEAST_KEPT = 1024
NANOS = 1_000_000

Look = Callable[[str, int], Told | None]
"""Gets what the daemon of an analyzer has told in a session."""


class Picture:
    """What is known now.

    Args:
        analyzers: those of the station.
        interval_ms: time between samples.
        look: reads what a daemon has told.
        expected_s: how long each phase should take, seconds; None where nobody knows.
    """

    def __init__(
        self, analyzers: Sequence[AnalyzerConfig], interval_ms: int, look: Look, expected_s: float | None = None
    ) -> None:
        self.analyzers = analyzers
        self.interval_ms = interval_ms
        self.expected_s = expected_s
        self.listening = ""
        self.run: Run | None = None
        self.notices = Notices()
        self.ended = 0
        self.fresh: list[tuple[int, int, float | None, bool]] = []
        self._look = look
        self._kept = max(LEAST_KEPT, KEPT // len(analyzers))
        self.meters = {number: Meter(Pyramid(self._kept)) for number in range(len(analyzers) + 1)}

    def take(self, event: events.Event, now_ms: int) -> None:
        """Take an event in; it came at about `now_ms`."""
        match event:
            case events.LogLine(text):
                self.notices.add_line(text, now_ms)
            case events.Listening(host, port):
                self.listening = f"{host}:{port}"
            case events.SessionOpened(session):
                self._open(session, now_ms)
            case events.ClientCame(_, peer, name, encrypted) if self.run:
                self.run.client = Client(peer=peer, name=name, encrypted=encrypted)
            case events.ClockTold(_, offset_ms, uncertainty_ms) if self.run:
                self.run.clock = Clock(offset_ms=offset_ms, uncertainty_ms=uncertainty_ms, t_utc_ms=now_ms)
            case events.PhaseStarted(_, phase):
                self._begin(phase, now_ms)
            case events.PhaseEnded() if self.run and self.run.phase:
                self.run.phase.ended_ms = now_ms
            case events.SampleTaken(_, _, number, sample):
                self._sample(number, sample)
            case events.SessionEnded(_, reason):
                self._end(reason, now_ms)

    def _open(self, session: str, now_ms: int) -> None:
        self.run = Run(session, now_ms)
        self.fresh.clear()
        for number, meter in self.meters.items():
            self.meters[number] = Meter(Pyramid(self._kept), ever=meter.ever)

    def _begin(self, phase: str, now_ms: int) -> None:
        if self.run is None:
            return
        if self.run.phase is not None and self.run.phase.ended_ms is None:
            self.run.phase.ended_ms = now_ms  # given up, and begun anew
        self.run.phases.append(Phase("testing" if phase == "testing" else "ranging", now_ms))
        for meter in self.meters.values():
            meter.counts = Tally()
        self._look_again()

    def _look_again(self) -> None:
        for number in range(1, len(self.analyzers) + 1):
            self.meters[number].told = self._look(self.run.name, number) if self.run else None

    def _end(self, reason: str, now_ms: int) -> None:
        self.ended += 1
        if self.run is None:
            return
        self.run.outcome, self.run.reason = ("aborted", reason) if reason else ("complete", "")
        if self.run.phase is not None and self.run.phase.ended_ms is None:
            self.run.phase.ended_ms = now_ms
        if reason:
            self.notices.add(
                f"ended {self.run.name}", "error", f"The session {self.run.name} is broken off: {reason}", now_ms
            )

    def _sample(self, number: int, sample: Sample) -> None:
        meter = self.meters.get(number)
        if meter is None:
            return
        meter.uncertainty = of_sample(meter.told, sample)
        self._add(number, sample, meter.uncertainty)
        self._warn(number, meter, sample)
        meter.fresh = True
        others = [self.meters[each] for each in range(1, len(self.analyzers) + 1)]
        if all(each.fresh for each in others):
            self._add_total(others)

    def _add(self, number: int, sample: Sample, uncertainty: float | None) -> None:
        meter, total = self.meters[number], sample.total
        meter.latest = sample
        meter.counts.add(total, uncertainty)
        meter.ever.add(total, uncertainty)
        t_ms = sample.t_utc_ns // NANOS
        usable = total.usable and math.isfinite(total.power_w)
        meter.pyramid.add(t_ms, total.power_w, good=usable)
        self.fresh.append((number, t_ms, total.power_w if usable else None, not usable))

    def _add_total(self, meters: Sequence[Meter]) -> None:
        samples = [meter.latest for meter in meters if meter.latest]
        total = self.meters[TOTAL]
        total.uncertainty = of_all([(meter.uncertainty, meter.latest) for meter in meters if meter.latest])
        at_ns = max(sample.t_utc_ns for sample in samples)
        self._add(TOTAL, Sample(at_ns, sum_of(samples)), total.uncertainty)
        for meter in meters:
            meter.fresh = False

    def _warn(self, number: int, meter: Meter, sample: Sample) -> None:
        name, t_ms = self._name(number), sample.t_utc_ns // NANOS
        validity = sample.total.validity
        if validity is not Validity.GOOD:
            words = {
                Validity.BAD: "gave a reading that cannot be used",
                Validity.MISSED: "missed a sample",
                Validity.PEAK_OVER: "saw a current peak over its range; a larger range is needed",
            }[validity]
            self.notices.add(f"{number} {validity}", "warning", f"{name} {words}", t_ms)
        if meter.uncertainty is not None and meter.uncertainty > LIMIT:
            text = f"{name}: the uncertainty of the power is {meter.uncertainty:.2%}, the limit is {LIMIT:.0%}"
            self.notices.add(f"{number} uncertainty", "warning", text, t_ms)
        self._warn_of_range(number, meter, sample)

    def _warn_of_range(self, number: int, meter: Meter, sample: Sample) -> None:
        full_scale_a = meter.told.full_scales[1] if meter.told else None
        left = headroom([each.current_a for each in sample.channels or (sample.total,)], full_scale_a)
        if left is not None and left < LEAST_HEADROOM:
            text = f"{self._name(number)}: {max(left, 0):.1%} of its current range of {full_scale_a:g} A is left"
            self.notices.add(f"{number} headroom", "warning", text, sample.t_utc_ns // NANOS)

    def _name(self, number: int) -> str:
        name = self.analyzers[number - 1].name
        return f"Analyzer {number} ({name})" if name else f"Analyzer {number}"

    def tick(self, now_ms: int) -> None:
        """Take note of what does not happen; to be called about once a second."""
        if self.run is None or not self.run.is_measuring or self.run.phase is None:
            return
        tolds = [self.meters[number].told for number in range(1, len(self.analyzers) + 1)]
        if any(told is None or told.setting == "unknown" for told in tolds):
            self._look_again()
        for number in range(1, len(self.analyzers) + 1):
            latest = self.meters[number].latest
            heard_ms = max(latest.t_utc_ns // NANOS if latest else 0, self.run.phase.begun_ms)
            if now_ms - heard_ms > SILENCE_INTERVALS * self.interval_ms:
                text = f"{self._name(number)}: no sample for {(now_ms - heard_ms) / 1000:.0f} s"
                self.notices.add(f"{number} silence {heard_ms}", "warning", text, now_ms)
