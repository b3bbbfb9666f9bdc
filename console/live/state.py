"""The picture as the record that the API tells."""

from importlib.metadata import version

from console.live.meters import Meter, headroom
from console.live.model import AnalyzerState, Figures, PhaseSpan, SessionNow, State, Total, finite
from console.live.picture import TOTAL, Picture
from console.live.run import Run
from metrology.reading import Reading
from metrology.uncertainty import LIMIT

NANOS = 1_000_000


def state_of(picture: Picture, instance: str, now_ms: int, sessions_version: int, dropped: int) -> State:
    """Put all that is known into one record."""
    total = picture.meters[TOTAL]
    return State(
        schema=1,
        instance=instance,
        version=version("wattrig"),
        t_utc_ms=now_ms,
        listening=picture.listening,
        interval_ms=picture.interval_ms,
        limit=LIMIT,
        session=session_now(picture, picture.run, now_ms) if picture.run else None,
        analyzers=[analyzer_state(picture, number) for number in range(1, len(picture.analyzers) + 1)],
        total=Total(latest=latest(total), uncertainty=finite(total.uncertainty), counts=total.counts.record()),
        warnings=picture.notices.latest(),
        sessions_version=sessions_version,
        dropped_events=dropped,
    )


def session_now(picture: Picture, run: Run, now_ms: int) -> SessionNow:
    """Tell of the session: its phase, and how far that is."""
    phase = run.phase
    elapsed_s = ((phase.ended_ms or now_ms) - phase.begun_ms) / 1e3 if phase else None
    expected_s, expected_from = expected(picture, run)
    done = phase is not None and phase.ended_ms is not None
    progress = left_s = None
    if elapsed_s is not None and (expected_s or done):
        progress = 1.0 if done else min(elapsed_s / (expected_s or 1.0), 0.99)
        left_s = 0.0 if done else max((expected_s or 0.0) - elapsed_s, 0.0)
    return SessionNow(
        name=run.name,
        opened_t_utc_ms=run.opened_ms,
        client=run.client,
        clock=run.clock,
        phase=phase.name if phase else "",
        measuring=run.is_measuring,
        phases=[
            PhaseSpan(name=each.name, begin_t_utc_ms=each.begun_ms, end_t_utc_ms=each.ended_ms) for each in run.phases
        ],
        elapsed_s=elapsed_s and max(elapsed_s, 0.0),
        expected_s=expected_s,
        expected_from=expected_from,
        progress=progress and max(progress, 0.0),
        left_s=left_s,
        outcome=run.outcome,
        reason=run.reason,
    )


def expected(picture: Picture, run: Run) -> tuple[float | None, str]:
    """Get how long the phase should take, and where that comes from: testing takes as long as ranging did."""
    if picture.expected_s is not None:
        return picture.expected_s, "as asked for"
    ranging = [phase for phase in run.phases if phase.name == "ranging" and phase.ended_ms is not None]
    if run.phase is None or run.phase.name == "ranging" or not ranging:
        return None, ""
    return max(((ranging[-1].ended_ms or 0) - ranging[-1].begun_ms) / 1e3, 0.0), "as long as ranging took"


def analyzer_state(picture: Picture, number: int) -> AnalyzerState:
    """Tell of an analyzer."""
    config, meter = picture.analyzers[number - 1], picture.meters[number]
    told, sample = meter.told, meter.latest
    volts, amps = told.full_scales if told else (None, None)
    readings = (sample.channels or (sample.total,)) if sample else ()
    return AnalyzerState(
        number=number,
        name=config.name,
        feeds=config.feeds,
        model=told.identity.model if told else "",
        simulated=told.identity.is_simulated if told else False,
        ranges=told.setting if told else "unknown",
        voltage_range_v=volts,
        current_range_a=amps,
        voltage_headroom=finite(headroom([each.voltage_v for each in readings], volts)),
        current_headroom=finite(headroom([each.current_a for each in readings], amps)),
        latest=latest(meter),
        channels=[figures(sample.t_utc_ns, each) for each in sample.channels] if sample else [],
        uncertainty=finite(meter.uncertainty),
        uncertainty_model=told.judgement.model if told and told.judgement else "",
        counts=meter.counts.record(),
    )


def latest(meter: Meter) -> Figures | None:
    """Get the latest reading."""
    return figures(meter.latest.t_utc_ns, meter.latest.total) if meter.latest else None


def figures(t_utc_ns: int, reading: Reading) -> Figures:
    """Get a reading as a record."""
    return Figures(
        t_utc_ms=t_utc_ns // NANOS,
        power_w=finite(reading.power_w),
        voltage_v=finite(reading.voltage_v),
        current_a=finite(reading.current_a),
        power_factor=finite(reading.power_factor),
        validity=reading.validity.value,
    )
