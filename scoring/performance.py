"""The performance result of an MLPerf Inference run, as the submission checker takes it from LoadGen's log.

    Offline        result_samples_per_second
    Server         result_completed_samples_per_sec; until v4.0 result_scheduled_samples_per_sec
    SingleStream   early_stopping_latency_ss, MultiStream early_stopping_latency_ms, nanoseconds
    models that answer in tokens: result_tokens_per_second, result_completed_tokens_per_second, or both inferred
    benchmarks for which the round names another record: that one
    Offline from SingleStream   result_qps_without_loadgen_overhead
    Offline from MultiStream    8 x 1000 / mean query latency in ms
    MultiStream from SingleStream   8 x early_stopping_latency_ms

Source: RESULT_FIELD_NEW, RESULT_FIELD_BENCHMARK_OVERWRITE and get_inferred_result of the submission checker.
"""

from collections.abc import Callable
from typing import NamedTuple

from scoring.inference import SAMPLES_PER_QUERY

NS_PER_MS = 1e6
NS_PER_S = 1e9
OFFLINE = ("result_tokens_per_second", "result_inferred_tokens_per_second", "result_samples_per_second")
SERVER = (
    "result_completed_tokens_per_second",
    "result_inferred_completed_tokens_per_second",
    "result_completed_samples_per_sec",
)
SCHEDULED = ("result_scheduled_samples_per_sec",)
"""Records of LoadGen, the first that a log has."""

Number = Callable[[str], float | int | None]


class Performance(NamedTuple):
    """A performance result; `rate_per_s` is it as a rate, for the efficiency, None for streams."""

    value: float
    unit: str
    rate_per_s: float | None


def performance(
    number: Number, ran: str, scenario: str, *, scheduled: bool = False, record: str = "", in_seconds: bool = False
) -> Performance | None:
    """Get the performance of a run for a scenario, its own or one inferred from it; None where its log does not tell.

    Args:
        number: gets a record of LoadGen's log.
        ran: the scenario that LoadGen ran.
        scenario: the one that the result counts for.
        scheduled: whether queries scheduled are Server's result, as they were until v4.0.
        record: the record that counts instead of the usual where the scenario is the run's own; empty for none.
        in_seconds: whether latencies are told in seconds instead of milliseconds.
    """
    if scenario in SAMPLES_PER_QUERY:
        return _latency(number, ran, scenario, record, in_seconds=in_seconds)
    if ran == "SingleStream":
        return _rate(number("result_qps_without_loadgen_overhead"), "samples/s")
    if ran == "MultiStream":
        mean_ns = number("result_mean_query_latency_ns")
        return _rate(8 * NS_PER_S / mean_ns if mean_ns else None, "samples/s")
    names = (record,) if record else OFFLINE if scenario == "Offline" else SCHEDULED if scheduled else SERVER
    found = next((name for name in names if number(name) is not None), "")
    what = "queries/s" if scenario != "Offline" else "samples/s"
    return _rate(number(found), "tokens/s" if "tokens" in found else what)


def _rate(value: float | int | None, unit: str) -> Performance | None:
    return Performance(float(value), unit, float(value)) if value is not None else None


def _latency(number: Number, ran: str, scenario: str, record: str, *, in_seconds: bool) -> Performance | None:
    usual = "early_stopping_latency_ss" if scenario == "SingleStream" else "early_stopping_latency_ms"
    latency_ns = number(record if record and ran == scenario else usual)
    if latency_ns is None:
        return None
    times = SAMPLES_PER_QUERY["MultiStream"] if (ran, scenario) == ("SingleStream", "MultiStream") else 1
    value, unit = (times * latency_ns / NS_PER_S, "s") if in_seconds else (times * latency_ns / NS_PER_MS, "ms")
    return Performance(value, unit, None)
