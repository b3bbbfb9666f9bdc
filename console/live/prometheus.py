"""What Prometheus scrapes: names with their units, in the text format 0.0.4."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from console.live.model import AnalyzerState, Figures, SessionNow, State
from console.live.picture import Picture

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PHASES = ("idle", "ranging", "testing")


class Metric(NamedTuple):
    """A metric.

    Attributes:
        name, kind, text: as `# HELP` and `# TYPE` tell them.
        values: (labels, value); None where there is none now.
    """

    name: str
    kind: str
    text: str
    values: list[tuple[dict[str, str], float | None]]


def metrics(state: State, picture: Picture) -> str:
    """Write all metrics."""
    found = [*_readings(state.analyzers), *_analyzers(state.analyzers), *_counters(picture), *_session(state)]
    return "".join(f"{line}\n" for metric in found for line in _lines(metric))


def _lines(metric: Metric) -> Iterator[str]:
    yield f"# HELP {metric.name} {metric.text}"
    yield f"# TYPE {metric.name} {metric.kind}"
    for labels, value in metric.values:
        if value is not None:
            inner = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            yield f"{metric.name}{{{inner}}} {value!r}" if labels else f"{metric.name} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _readings(analyzers: Iterable[AnalyzerState]) -> Iterator[Metric]:
    shown = {
        ("power_watts", "Active power of the latest good sample."): "power_w",
        ("voltage_volts", "Voltage, rms, of the latest good sample."): "voltage_v",
        ("current_amperes", "Current, rms, of the latest good sample."): "current_a",
        ("power_factor_ratio", "Power factor of the latest good sample."): "power_factor",
    }
    rows = [
        ({"analyzer": str(analyzer.number), "channel": channel}, reading)
        for analyzer in analyzers
        if analyzer.latest is not None
        for channel, reading in [("sum", analyzer.latest), *_numbered(analyzer)]
        if reading.validity == "good"
    ]
    for (name, text), field in shown.items():
        values = [(labels, getattr(reading, field)) for labels, reading in rows]
        yield Metric(f"wattrig_{name}", "gauge", text, values)


def _numbered(analyzer: AnalyzerState) -> list[tuple[str, Figures]]:
    return [(str(number), reading) for number, reading in enumerate(analyzer.channels, 1)]


def _analyzers(analyzers: Iterable[AnalyzerState]) -> Iterator[Metric]:
    shown = {
        ("power_uncertainty_ratio", "Uncertainty of the latest power as a fraction of it."): "uncertainty",
        ("voltage_range_volts", "Full scale of the voltage range."): "voltage_range_v",
        ("current_range_amperes", "Full scale of the current range."): "current_range_a",
        ("current_headroom_ratio", "Part of the current range that is left."): "current_headroom",
    }
    for (name, text), field in shown.items():
        values = [({"analyzer": str(analyzer.number)}, getattr(analyzer, field)) for analyzer in analyzers]
        yield Metric(f"wattrig_{name}", "gauge", text, values)


def _counters(picture: Picture) -> Iterator[Metric]:
    shown = {
        ("samples_total", "Samples since the director was started, bad and missed ones included."): "samples",
        ("samples_bad_total", "Samples without a usable reading, or with a current peak over the range."): "bad",
        ("samples_missed_total", "Samples for which no reading came."): "missed",
        ("samples_above_limit_total", "Samples whose uncertainty is above 1 %."): "above_limit",
    }
    for (name, text), field in shown.items():
        values = [
            ({"analyzer": str(number)}, getattr(picture.meters[number].ever, field))
            for number in range(1, len(picture.analyzers) + 1)
        ]
        yield Metric(f"wattrig_{name}", "counter", text, values)


def _session(state: State) -> Iterator[Metric]:
    session, clock = state.session, state.session.clock if state.session else None
    yield Metric(
        "wattrig_clock_offset_seconds", "gauge", "The director's clock minus the client's.",
        [({}, clock.offset_ms / 1e3 if clock else None)],
    )  # fmt: skip
    yield Metric(
        "wattrig_clock_offset_uncertainty_seconds", "gauge", "The true offset lies so near to the estimate.",
        [({}, clock.uncertainty_ms / 1e3 if clock else None)],
    )  # fmt: skip
    phase = _phase(session)
    yield Metric("wattrig_phase", "gauge", "1 for what is being done now.", [
        ({"phase": each}, int(each == phase)) for each in PHASES
    ])  # fmt: skip
    yield Metric("wattrig_phase_left_seconds", "gauge", "Expected time left in the phase.", [
        ({}, session.left_s if session and session.measuring else None)
    ])  # fmt: skip
    yield Metric("wattrig_events_dropped_total", "counter", "Events that the live page could not keep up with.", [
        ({}, state.dropped_events)
    ])  # fmt: skip
    yield Metric("wattrig_build_info", "gauge", "The version of wattrig.", [({"version": state.version}, 1)])


def _phase(session: SessionNow | None) -> str:
    return session.phase if session is not None and session.measuring else "idle"
