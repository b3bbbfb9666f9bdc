"""The tables of a report: rows of text made from the figures of a session."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from compliance.facts import PHASES, Phase
from compliance.findings import Finding, Outcome
from compliance.power import PowerResult
from compliance.uncertainty import uncertainty_of_power
from console.plot import duration, number, percent
from console.session_view import SessionView, or_none
from evidence.power_samples import BAD, GOOD, MISSED, NON_FINITE, PEAK_OVER
from evidence.uncertainty_reply import last_of_run
from metrology.errors import EvidenceError
from scoring.energy import NOTHING, inside, reference_mean

Row = tuple[str, ...]
WORTH = {GOOD: "good", BAD: "rejected by the analyzer", MISSED: "missed", PEAK_OVER: "peak over the range",
         NON_FINITE: "no number"}  # fmt: skip
"""What a sample may be worth, in words."""
MOST_ROWS = 50


class Amount(NamedTuple):
    """A figure with its unit, as the headline has it."""

    value: str
    unit: str


def headline(view: SessionView) -> tuple[Amount, Amount | None] | None:
    """Get the number of a session, and its uncertainty; None where there is no number."""
    power = view.result.power
    if power is None:
        return None
    value, unit = (power.mean_w, "W") if power.metric is None else (power.metric, said_unit(power))
    if view.mean_uncertainty is None:
        return Amount(number(value, 6), unit), None
    return Amount(number(value, 6), unit), Amount(number(value * view.mean_uncertainty, 2), unit)


def said_unit(power: PowerResult) -> str:
    """Get the unit of the power result in words."""
    return {"Watts": "W", "millijoules": "mJ per query", "joules per sample": "J per sample"}.get(
        power.unit or "", power.unit or ""
    )


def steps(view: SessionView) -> Iterator[Row]:
    """Tell how the number came to be: what, the figure, and from what."""
    power = view.result.power
    if power is None:
        return
    counted = power.samples - power.samples_bad
    yield "samples in the window", f"{power.samples}", f"{counted} good, {power.samples_bad} bad"
    yield "mean power", f"{number(power.mean_w, 6)} W", "plain mean of the samples above 0 W in the window"
    yield "window", f"{power.window_s:.3f} s", "LoadGen's power_begin to power_end of the testing run"
    yield "energy", f"{number(power.energy_j, 6)} J", "mean power times the window"
    if power.metric is not None:
        inferred = f", inferred for {power.scenario}" if power.inferred else ""
        yield "power result", f"{number(power.metric, 8)} {said_unit(power)}", _formula(view, power) + inferred
    if view.mean_uncertainty is not None:
        yield "uncertainty", percent(view.mean_uncertainty, 3), _certainty(power)
    yield from _efficiency(view)
    yield from _cross_checks(power)


def _formula(view: SessionView, power: PowerResult) -> str:
    queries = or_none(lambda: view.facts.loadgen("testing").number("result_query_count"))
    if power.unit == "millijoules" and queries:
        return f"energy over {queries:,.0f} queries".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return "mean power" if power.unit == "Watts" else "mean power over samples per second"


def _certainty(power: PowerResult) -> str:
    model = {"ptd": "PTDaemon's formula", "datasheet": "the data sheet"}.get(
        power.uncertainty_model or "", "both formulas"
    )
    alone = power.uncertainty_independent
    if alone is None or alone == power.uncertainty:
        return f"of the mean, by {model}"
    return f"of the mean, by {model}; {percent(alone, 3)} were the meters independent"


def _efficiency(view: SessionView) -> Iterator[Row]:
    if (speed := view.performance_result) is not None:
        yield "performance", f"{number(speed.value, 6)} {speed.unit}", "by LoadGen's own count, as the round takes it"
    if view.efficiency is not None:
        yield (
            "efficiency",
            f"{number(view.efficiency, 6)} {view.counted}/J",
            "performance over power, as the round counts it",
        )


def _cross_checks(power: PowerResult) -> Iterator[Row]:
    if power.time_weighted_mean_w is not None:
        apart = power.time_weighted_mean_w / power.mean_w - 1
        yield (
            "for comparison",
            f"{number(power.time_weighted_mean_w, 6)} W",
            f"weighted by time: {percent(apart, 3, signed=True)}",
        )
    if power.joules_per_stream is not None:
        yield "", f"{number(power.joules_per_stream, 6)} J", "the auditor's figure: mean latency times mean power"
    if power.longest_gap_s is not None:
        yield "", f"{power.longest_gap_s:.3f} s", "longest time between two good samples"


def phases(view: SessionView) -> Iterator[Row]:
    """Compare ranging and testing: quantity, ranging, testing, testing over ranging."""
    figures = {phase: _phase_figures(view, phase) for phase in PHASES}
    if not any(figures.values()):
        return
    for name, unit, digits in _COMPARED:
        ranging, testing = (figures[phase].get(name) for phase in PHASES)
        apart = percent(testing / ranging - 1, 2, signed=True) if ranging and testing is not None else ""
        cells = (_figure(value, digits, unit) for value in (ranging, testing))
        yield name, *cells, apart


def _figure(value: float | None, digits: int, unit: str) -> str:
    if value is None:
        return "-"
    return f"{number(value, digits)} {unit}" if unit else number(value, digits) if digits else f"{value:.0f}"


_COMPARED = (("mean power", "W", 6), ("power factor", "", 4), ("highest voltage", "V", 5),
             ("highest current", "A", 5), ("window", "s", 6), ("samples in the window", "", 0))  # fmt: skip


def _phase_figures(view: SessionView, phase: Phase) -> dict[str, float]:
    log, window = view.facts.power_logs[phase], view.window_ns(phase)
    if window is None or not len(log.t_utc_ns):
        return {}
    good = inside(log.t_utc_ns, *window) & (log.quality[0] == GOOD)
    found = {
        "mean power": reference_mean(log.t_utc_ns, log.power_w, *window),
        "power factor": reference_mean(log.t_utc_ns, log.power_factor, *window),
        "highest voltage": float(log.values[0, 1, good].max(initial=NOTHING)),
        "highest current": float(log.values[0, 2, good].max(initial=NOTHING)),
        "window": (window[1] - window[0]) / 1e9,
        "samples in the window": float(np.count_nonzero(inside(log.t_utc_ns, *window))),
    }
    return {name: value for name, value in found.items() if value != NOTHING}


def channels(view: SessionView) -> Iterator[Row]:
    """Tell of each channel in the testing window: means, range of power, and what its samples are worth."""
    log, window = view.facts.power_logs["testing"], view.window_ns("testing")
    if window is None or not len(log.t_utc_ns):
        return
    within = inside(log.t_utc_ns, *window)
    for row, name in enumerate(log.channels):
        means = [reference_mean(log.t_utc_ns, log.values[row, column], *window) for column in range(4)]
        power = log.values[row, 0][within & (log.quality[row] == GOOD)]
        span = (power.min(), power.max()) if len(power) else (float("nan"),) * 2
        codes, counts = np.unique(log.quality[row][within], return_counts=True)
        worth = ", ".join(f"{count} {WORTH[code]}" for code, count in zip(codes.tolist(), counts, strict=True))
        cells = [number(value, 5) if value != NOTHING else "-" for value in (*means, *span)]
        yield (name if len(log.channels) > 1 else "the only one"), *cells, worth


def bad_samples(view: SessionView) -> list[Row]:
    """List bad samples in the testing window: line of spl.txt, time, what is wrong, and the watts as written."""
    log, window = view.facts.power_logs["testing"], view.window_ns("testing")
    if window is None:
        return []
    rows = np.flatnonzero(inside(log.t_utc_ns, *window) & (log.quality[0] != GOOD))
    return [
        (
            f"{log.lines[row]}",
            duration((int(log.t_utc_ns[row]) - window[0]) / 1e9),
            WORTH[int(log.quality[0][row])],
            f"{log.power_w[row]:g}",
        )
        for row in rows[:MOST_ROWS].tolist()
    ]


def uncertainties(view: SessionView) -> Iterator[Row]:
    """Tell PTDaemon's last word on the uncertainty of each run: mean, lowest, highest, above, within, unknown."""
    for phase in PHASES:
        try:
            reply = last_of_run(view.facts.server.ptd_messages, phase)
        except EvidenceError as problem:
            yield phase, problem.message, "", "", "", "", ""
            continue
        if reply is not None:
            known = reply.above + reply.within > 0
            span = [percent(value, 3) if known else "-" for value in (reply.mean, reply.minimum, reply.maximum)]
            yield phase, *span, str(reply.above), str(reply.within), str(reply.unknown)


def meters(view: SessionView) -> Iterator[Row]:
    """Tell what each of several meters adds to mean power and its uncertainty."""
    found = or_none(uncertainty_of_power, view.facts)
    if found is not None and len(found.meters) > 1:
        for meter in found.meters:
            yield (
                f"{meter.number}",
                meter.analyzer,
                f"{number(meter.mean_w, 6)} W",
                percent(meter.uncertainty, 3),
                meter.model,
            )


def broken(view: SessionView) -> list[Finding]:
    """Get the findings that decide the strict verdict: what failed first, then what could not be told."""
    counting = [found for found in view.result.findings if found.level == "required" and not found.ignored]
    order = (Outcome.FAIL, Outcome.ERROR, Outcome.NOT_EVALUATED)
    return [found for outcome in order for found in counting if found.outcome is outcome]


def ended(view: SessionView) -> str:
    """Say how a session ended that was not completed; empty where nothing says so."""
    state = view.facts.state
    if state is None or state.state == "complete":
        return view.facts.state_error
    when = f" in {state.phase}" if state.phase else ""
    return f"Aborted{when} at {_moment(state.t_utc_ns)}: {state.reason or 'no reason is recorded'}"


def _moment(t_utc_ns: int) -> str:
    try:
        return f"{datetime.fromtimestamp(t_utc_ns / 1e9, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return "a time that is none"
