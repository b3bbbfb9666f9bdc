"""The demo's LoadGen test: calibrated first, and as long as it is asked to be.

The rate to expect is measured. Offline answers are spread over at least the duration asked for, because a run that
is faster than its calibration would end too early and be INVALID; this makes it a fit load for a power measurement,
and its samples per second no record.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import mlperf_loadgen as lg

from sut_client.loadgen import Model, Scenario, conduct
from sut_client.matmul import MatMul

CALIBRATION_S, WARM_UP_S = 1.0, 0.3
NOMINAL_OFFLINE = 1.03
"""Planned length of an Offline run in durations asked for; LoadGen plans for 1.1 (samples = 1.1 x rate x time)."""
LEAST_OFFLINE = 1.01
"""Least length of an Offline run in durations asked for."""
SERVER_LOAD = 0.5
"""Share of the calibrated rate that the Server scenario asks for; half leaves room for a busy machine."""
SERVER_LATENCY_NS = 1_000_000_000
SHORTER_EXPECTED = 0.5
"""Latencies are announced this much shorter than calibrated, so that LoadGen prepares more queries than it needs."""


def run_demo(scenario: Scenario, seconds: float, logs: Path) -> None:
    """Calibrate, then run one test; LoadGen's logs go to `logs`, which is made if need be.

    Raises:
        WorkloadError: LoadGen counts the result as invalid.
    """
    model = MatMul()
    settings = make_settings(scenario, seconds, calibrate(model))
    conduct(model, settings, logs, least_s=seconds * LEAST_OFFLINE if scenario == "Offline" else 0.0)


def calibrate(model: Model, duration_s: float = CALIBRATION_S) -> float:
    """Measure how long one sample takes, seconds: the median, which a burst of other work does not move."""
    model.load([0])
    taken_s = []
    begin_s = before_s = time.perf_counter()
    while before_s < begin_s + WARM_UP_S + duration_s:
        model.infer([0])
        now_s = time.perf_counter()
        if before_s >= begin_s + WARM_UP_S:
            taken_s.append(now_s - before_s)
        before_s = now_s
    model.unload([0])
    return statistics.median(taken_s)


def make_settings(scenario: Scenario, seconds: float, sample_s: float) -> Any:
    """Make the settings of a test: LoadGen's own (seeds, percentiles), then the duration and the expected rate."""
    settings = lg.TestSettings()
    with tempfile.NamedTemporaryFile(suffix=".conf") as empty:
        settings.FromConfig(empty.name, "matmul", scenario)
    settings.scenario = getattr(lg.TestScenario, scenario)
    settings.mode = lg.TestMode.PerformanceOnly
    settings.min_duration_ms = round(seconds * 1000)
    settings.offline_expected_qps = NOMINAL_OFFLINE / 1.1 / sample_s
    settings.single_stream_expected_latency_ns = round(sample_s * SHORTER_EXPECTED * 1e9)
    settings.multi_stream_expected_latency_ns = round(
        sample_s * settings.multi_stream_samples_per_query * SHORTER_EXPECTED * 1e9
    )
    settings.server_target_qps = SERVER_LOAD / sample_s
    settings.server_target_latency_ns = SERVER_LATENCY_NS
    if scenario == "Offline":
        settings.min_query_count = 1
    return settings
