"""The power figures of a session: the reference's metric, and what else the samples tell."""

from typing import Any, NamedTuple

import numpy as np

from compliance.facts import SessionFacts
from compliance.findings import MissingFactError
from compliance.tree import place_of
from compliance.uncertainty import uncertainty_of_power
from evidence.loadgen_log import DetailLog, Window
from evidence.power_samples import GOOD
from rules.documents import RoundRules
from scoring.energy import NOTHING, inside, integrate, reference_mean
from scoring.inference import Run, joules_per_stream, metric, scenario_of
from scoring.performance import Performance, performance


class PowerResult(NamedTuple):
    """Power of the testing run.

    Attributes:
        mean_w, energy_j: the reference's mean in the window, and that times the window.
        metric, unit, scenario, inferred: the power result by the round's formula; None where it cannot be had.
        window_s: power_begin to power_end.
        samples, samples_bad: samples in the window, and those of them that are no good reading.
        ranging_mean_w: the reference's mean of the ranging run; None where that run has no window or samples.
        time_weighted_mean_w, time_weighted_energy_j: integrated over true values; None without good samples.
        longest_gap_s: longest time between two good samples around the window.
        joules_per_stream: the auditor's figure; None for other scenarios.
        uncertainty: of mean and energy as a fraction, all meters erring to the same side; None where it is not known.
        uncertainty_independent: the same, the errors of several meters independent of each other.
        uncertainty_model: "ptd", "datasheet", or "mixed" where meters were judged differently; None without it.
        energy_uncertainty_j: `uncertainty` of the energy, in joules.
    """

    mean_w: float
    energy_j: float
    metric: float | None
    unit: str | None
    scenario: str | None
    inferred: bool
    window_s: float
    samples: int
    samples_bad: int
    ranging_mean_w: float | None
    time_weighted_mean_w: float | None
    time_weighted_energy_j: float | None
    longest_gap_s: float | None
    joules_per_stream: float | None
    uncertainty: float | None = None
    uncertainty_independent: float | None = None
    uncertainty_model: str | None = None
    energy_uncertainty_j: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Get the figures as JSON has them."""
        return self._asdict()


def performance_of(facts: SessionFacts, scenario: str, round_rules: RoundRules) -> Performance | None:
    """Get the performance of a session for a scenario, as its round counts it; None where LoadGen does not tell.

    Raises:
        MissingFactError: there is no log of the testing run.
    """
    log = facts.loadgen("testing")
    ran = log.text("effective_scenario") or ""
    loadgen, place = round_rules.loadgen, place_of(facts.folder.root)
    benchmark = round_rules.benchmarks.aliases.get(place.benchmark, place.benchmark) if place else ""
    return performance(
        log.number,
        ran,
        scenario,
        scheduled=loadgen.server_result == "scheduled",
        record=loadgen.results.get(benchmark, {}).get(ran, ""),
        in_seconds=benchmark in loadgen.in_seconds,
    )


def power_of(facts: SessionFacts, round_rules: RoundRules) -> PowerResult | None:
    """Get the power figures of a session; None where it has no window, or no sample in it counts."""
    try:
        log, window, detail = facts.power_log("testing"), facts.window("testing"), facts.loadgen("testing")
    except MissingFactError:
        return None
    mean_w = reference_mean(log.t_utc_ns, log.power_w, window.begin_ns, window.end_ns)
    window_s = seconds(window)
    within = inside(log.t_utc_ns, window.begin_ns, window.end_ns)
    if mean_w == NOTHING or window_s <= 0:
        return None
    run = run_of(detail, mean_w, window_s)
    scenario = scenario_of(facts.folder.scenario_name) or run.scenario
    found = metric(run, scenario, round_rules.power.stream_metric)
    sure = uncertainty_of_power(facts)
    energy = integrate(log.t_utc_ns, log.true_power_w(), window.begin_ns, window.end_ns)
    return PowerResult(
        mean_w=mean_w,
        energy_j=mean_w * window_s,
        metric=found.value if found else None,
        unit=found.unit if found else None,
        scenario=scenario,
        inferred=bool(found and found.inferred),
        window_s=window_s,
        samples=int(np.count_nonzero(within)),
        samples_bad=int(np.count_nonzero(log.quality[0][within] != GOOD)),
        ranging_mean_w=_ranging_mean_w(facts),
        time_weighted_mean_w=energy.mean_w if energy else None,
        time_weighted_energy_j=energy.energy_j if energy else None,
        longest_gap_s=energy.longest_gap_s if energy else None,
        joules_per_stream=joules_per_stream(run),
        uncertainty=sure.at_worst if sure else None,
        uncertainty_independent=sure.independent if sure else None,
        uncertainty_model=sure.model if sure else None,
        energy_uncertainty_j=sure.at_worst * mean_w * window_s if sure else None,
    )


def seconds(window: Window) -> float:
    """Get the length of a window in seconds."""
    return (window.end_ns - window.begin_ns) / 1e9


def run_of(detail: DetailLog, mean_w: float, window_s: float) -> Run:
    """Get what the metric needs to know of a run."""
    return Run(
        detail.text("effective_scenario") or "",
        mean_w,
        window_s,
        detail.number("result_query_count"),
        detail.number("result_qps_with_loadgen_overhead"),
        detail.number("result_mean_latency_ns"),
    )


def _ranging_mean_w(facts: SessionFacts) -> float | None:
    try:
        log, window = facts.power_log("ranging"), facts.window("ranging")
    except MissingFactError:
        return None
    mean_w = reference_mean(log.t_utc_ns, log.power_w, window.begin_ns, window.end_ns)
    return None if mean_w == NOTHING else mean_w
