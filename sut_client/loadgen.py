"""Run one real LoadGen test with a small model: `python -m sut_client.loadgen --scenario Offline --logs DIR`.

One process runs one test: LoadGen reads its built-in settings (seeds among them) only once per process. The rate to
expect is calibrated first. Offline answers are spread over at least the duration asked for, because a run that
is faster than its calibration would end too early and be INVALID; this makes the harness a fit load for a power
measurement, and its samples per second no record.
"""

import argparse
import array
import os
import queue
import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import mlperf_loadgen as lg

SCENARIOS = ("Offline", "SingleStream", "MultiStream", "Server")
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


class Model(Protocol):
    """What a test runs: samples are numbered from 0 to `n_samples` - 1."""

    n_samples: int

    def load(self, indices: Sequence[int]) -> None:
        """Get these samples ready."""

    def unload(self, indices: Sequence[int]) -> None:
        """Forget these samples."""

    def infer(self, index: int) -> bytes:
        """Work on one sample; get the answer."""


class Worker:
    """Answers LoadGen's queries one sample after the other, in a thread of its own.

    Args:
        model: does the work.
        least_s: least time for the answers of one query; 0 for as fast as the model is.
    """

    def __init__(self, model: Model, least_s: float = 0.0) -> None:
        self._model = model
        self._least_s = least_s
        self._queries: queue.SimpleQueue[Sequence[Any]] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def issue(self, samples: Sequence[Any]) -> None:
        """Take a query from LoadGen."""
        self._queries.put(samples)

    def flush(self) -> None:
        """Do nothing: every query is worked on as it comes."""

    def _work(self) -> None:
        while True:
            samples = self._queries.get()
            started_s = time.monotonic()
            for number, sample in enumerate(samples, 1):
                answer = array.array("B", self._model.infer(sample.index))
                early_s = started_s + self._least_s * number / len(samples) - time.monotonic()
                if early_s > 0:
                    time.sleep(early_s)
                address, length = answer.buffer_info()
                lg.QuerySamplesComplete([lg.QuerySampleResponse(sample.id, address, length)])


def calibrate(model: Model, duration_s: float = CALIBRATION_S) -> float:
    """Measure how long one sample takes, seconds: the median, which a burst of other work does not move."""
    model.load([0])
    taken_s = []
    begin_s = before_s = time.perf_counter()
    while before_s < begin_s + WARM_UP_S + duration_s:
        model.infer(0)
        now_s = time.perf_counter()
        if before_s >= begin_s + WARM_UP_S:
            taken_s.append(now_s - before_s)
        before_s = now_s
    model.unload([0])
    return statistics.median(taken_s)


def make_settings(scenario: str, seconds: float, sample_s: float) -> Any:
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


def make_log_settings(logs: Path) -> Any:
    """Say where the logs go; without the trace, which would be large."""
    output = lg.LogOutputSettings()
    output.outdir = str(logs)
    output.copy_summary_to_stdout = True
    settings = lg.LogSettings()
    settings.log_output = output
    settings.enable_trace = False
    return settings


def run_test(model: Model, scenario: str, seconds: float, logs: Path) -> None:
    """Calibrate, then run one test; LoadGen's logs go to `logs`, which is made if need be."""
    logs.mkdir(parents=True, exist_ok=True)
    settings = make_settings(scenario, seconds, calibrate(model))
    worker = Worker(model, seconds * LEAST_OFFLINE if scenario == "Offline" else 0.0)
    sut = lg.ConstructSUT(worker.issue, worker.flush)
    samples = lg.ConstructQSL(model.n_samples, model.n_samples, model.load, model.unload)
    # LoadGen obeys any audit.config of the working folder; a name that nothing has keeps it from that.
    lg.StartTestWithLogSettings(sut, samples, settings, make_log_settings(logs), str(logs / "no-audit.config"))
    lg.DestroyQSL(samples)
    lg.DestroySUT(sut)


def main() -> None:
    """Read the command line and run one test."""
    parser = argparse.ArgumentParser(
        prog="python -m sut_client.loadgen", description=(__doc__ or "").split("\n\n")[1]
    )
    parser.add_argument("--scenario", choices=SCENARIOS, default="Offline")
    parser.add_argument("--seconds", type=float, default=30.0, help="least duration, default %(default)g")
    parser.add_argument("--logs", type=Path, required=True, metavar="DIR", help="folder for LoadGen's logs")
    arguments = parser.parse_args()
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ.setdefault(
            f"{library}_NUM_THREADS", "1"
        )  # read when numpy is imported; one core leaves the rig one
    from sut_client.matmul import MatMul

    run_test(MatMul(), arguments.scenario, arguments.seconds, arguments.logs)


if __name__ == "__main__":
    main()
