"""The power result of an MLPerf Inference scenario, by the reference's formulas.

    Offline, Server, Interactive   mean power in watts
    SingleStream, MultiStream      mean power x window x 1000 / result_query_count, in millijoules per query
    MultiStream from SingleStream  eight times that
    Offline from a stream          mean power of the base run

Until v1.1 a stream counted mean power / result_qps_with_loadgen_overhead, in joules per sample. Sources:
power_check.py and submission_checker.py of the rounds; verified on the 23 published figures of v5.1.
"""

from typing import Literal, NamedTuple

StreamMetric = Literal["millijoules per query", "joules per sample"]

SCENARIOS = ("Offline", "Server", "Interactive", "SingleStream", "MultiStream")
STREAMS = ("SingleStream", "MultiStream")
SAMPLES_PER_QUERY = {"SingleStream": 1, "MultiStream": 8}
"""Fixed numbers in the reference; it does not look at effective_samples_per_query."""


class Metric(NamedTuple):
    """A result.

    Attributes:
        value: in `unit`.
        scenario: the one it counts for.
        inferred: whether it comes from a run of another scenario.
    """

    value: float
    unit: str
    scenario: str
    inferred: bool


class Run(NamedTuple):
    """What a run says of itself, as far as the metric needs it.

    Attributes:
        scenario: the one that LoadGen ran.
        mean_w: the reference's mean power in the window.
        window_s: power_begin to power_end.
        queries: result_query_count; absent before v2.0.
        queries_per_s: result_qps_with_loadgen_overhead.
        mean_latency_ns: result_mean_latency_ns.
    """

    scenario: str
    mean_w: float
    window_s: float
    queries: float | None = None
    queries_per_s: float | None = None
    mean_latency_ns: float | None = None


def scenario_of(name: str) -> str | None:
    """Get a scenario from the name of a folder, which may be in lower case; None where it names none."""
    return next((scenario for scenario in SCENARIOS if scenario.lower() == name.lower()), None)


def metric(run: Run, scenario: str, stream_metric: StreamMetric = "millijoules per query") -> Metric | None:
    """Get the power result of a run for a scenario, its own or one that may be inferred from it.

    None where the run lacks a number, or the scenario cannot be inferred from that run.
    """
    inferred = scenario != run.scenario and not (scenario == "Interactive" and run.scenario == "Server")
    if scenario not in STREAMS:
        allowed = not inferred or (scenario == "Offline" and run.scenario in STREAMS)
        return Metric(run.mean_w, "Watts", scenario, inferred) if allowed else None
    if inferred and (scenario, run.scenario) != ("MultiStream", "SingleStream"):
        return None
    times = SAMPLES_PER_QUERY["MultiStream"] if inferred else 1
    if stream_metric == "joules per sample":
        if inferred or not run.queries_per_s:
            return None
        return Metric(run.mean_w / run.queries_per_s, "joules per sample", scenario, inferred)
    if not run.queries:
        return None
    return Metric(times * run.mean_w * run.window_s * 1000 / run.queries, "millijoules", scenario, inferred)


def samples_per_joule(found: Metric, performance: float | None) -> float | None:
    """Get the efficiency: for streams from the metric, else from performance (per second) over power."""
    if found.value <= 0:
        return None
    if found.unit == "millijoules":
        return SAMPLES_PER_QUERY[found.scenario] * 1000 / found.value
    if found.unit == "joules per sample":
        return 1 / found.value
    if found.unit == "Watts" and performance is not None:
        return performance / found.value
    return None


def joules_per_stream(run: Run) -> float | None:
    """Get the auditor's figure for a stream: mean query latency times mean power, in joules.

    It leaves out LoadGen's time between queries: up to 6 % less than the metric in published runs. Source:
    MLPerf_Audit_Guidelines.adoc.
    """
    if run.scenario not in STREAMS or run.mean_latency_ns is None:
        return None
    return run.mean_latency_ns / 1e9 * run.mean_w
