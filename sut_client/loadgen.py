"""Run one LoadGen test of a model of your own, in any scenario and mode.

    class Digits:                         # see `Model`
        n_samples, performance_samples = 50_000, 1024
        def load(self, indices): ...
        def unload(self, indices): ...
        def infer(self, indices): ...     # bytes for each sample

    command_line(Digits, "resnet50")      # --scenario Offline --mode PerformanceOnly --user-conf user.conf --logs DIR

One process runs one test: LoadGen reads its built-in settings (seeds among them) only once per process, and a second
test would run with other ones without a word. `run_apart` starts such a process; the phases of a measurement are
processes anyway. `python -m sut_client.loadgen` itself runs the small model of `wattrig demo`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from evidence.layout import LOADGEN_FILES
from evidence.loadgen_log import DetailLog, read_detail
from metrology.errors import ConfigError, WattrigError, WorkloadError

Scenario = Literal["Offline", "SingleStream", "MultiStream", "Server"]
Mode = Literal["PerformanceOnly", "AccuracyOnly", "FindPeakPerformance"]
SCENARIOS: tuple[Scenario, ...] = get_args(Scenario)
MODES: tuple[Mode, ...] = get_args(Mode)
AUDIT_CONFIG = "audit.config"
REFUSALS = {-2: "it cannot be opened", -22: "it is damaged"}
"""What LoadGen's FromConfig returns; source: test_settings_internal.cc."""
CLIENT_ERROR = 1

_ran = False


class Model(Protocol):
    """What a test runs; samples are numbered from 0 to `n_samples` - 1.

    Attributes:
        n_samples: size of the data set; an accuracy run covers all of it.
        performance_samples: how many of them a performance run keeps loaded.
    """

    n_samples: int
    performance_samples: int

    def load(self, indices: Sequence[int]) -> None:
        """Get these samples ready; not part of what is measured."""

    def unload(self, indices: Sequence[int]) -> None:
        """Forget these samples."""

    def infer(self, indices: Sequence[int]) -> Sequence[bytes]:
        """Work on some samples at once; get an answer for each, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserConf:
    """What a user.conf may say, typed; None leaves LoadGen's own.

    Attributes:
        target_qps: expected samples per second of Offline, or the rate that Server asks for.
        target_latency_ms: expected latency of a stream's query, or the bound of Server.
        min_duration_ms, max_duration_ms: of a performance run.
        min_query_count, max_query_count: of a performance run.
        samples_per_query: of MultiStream.
    """

    target_qps: float | None = None
    target_latency_ms: float | None = None
    min_duration_ms: int | None = None
    max_duration_ms: int | None = None
    min_query_count: int | None = None
    max_query_count: int | None = None
    samples_per_query: int | None = None

    def lines(self, scenario: Scenario) -> str:
        """Write the lines for a scenario; LoadGen takes times in milliseconds.

        Raises:
            ConfigError: a number is not above 0.
        """
        found = {field.name.removesuffix("_ms"): getattr(self, field.name) for field in fields(self)}
        given = {name: value for name, value in found.items() if value is not None}
        if wrong := next((name for name, value in given.items() if not 0 < value < float("inf")), None):
            raise ConfigError(f"'{wrong}' of user.conf is {given[wrong]}, expected a number above 0")
        return "".join(f"*.{scenario}.{name} = {value!r}\n" for name, value in given.items())


def run_test(
    model: Model, benchmark: str, scenario: Scenario, mode: Mode, user_conf: Path, logs: Path, *, batch: int = 1
) -> DetailLog:
    """Run the one test of this process; LoadGen's logs go to `logs`, which is made if need be.

    Args:
        model: does the work.
        benchmark: LoadGen's name of the benchmark ("resnet50"), whose settings hold.
        scenario: how samples are asked for.
        mode: what the test is for.
        user_conf: the submitter's settings.
        logs: an own folder.
        batch: most samples of a query that are given to the model at once.

    Raises:
        ConfigError: the settings cannot be read.
        WorkloadError: a test ran here before, or LoadGen counts this one as invalid.
    """
    settings = _settings(benchmark, scenario, mode, user_conf)
    return conduct(model, settings, logs, batch=batch)


def _settings(benchmark: str, scenario: Scenario, mode: Mode, user_conf: Path) -> Any:
    import mlperf_loadgen as lg

    settings = lg.TestSettings()
    returned = settings.FromConfig(str(user_conf), benchmark, scenario)
    if returned:
        why = REFUSALS.get(returned, f"LoadGen returned {returned}")
        raise ConfigError(f"LoadGen cannot use '{user_conf}': {why}", "give a user.conf; it may be empty")
    settings.scenario = getattr(lg.TestScenario, scenario)
    settings.mode = getattr(lg.TestMode, mode)
    return settings


def conduct(model: Model, settings: Any, logs: Path, *, batch: int = 1, least_s: float = 0.0) -> DetailLog:
    """Run the one test of this process with LoadGen's own settings; answers to a query take at least `least_s`.

    Raises:
        WorkloadError: a test ran here before, or LoadGen counts this one as invalid.
    """
    import mlperf_loadgen as lg

    from sut_client.loadgen_worker import Worker

    global _ran
    if _ran:
        raise WorkloadError(
            "this process ran a LoadGen test already", "run each test in a process of its own: run_apart"
        )
    _ran = True
    logs.mkdir(parents=True, exist_ok=True)
    worker = Worker(model, batch, least_s)
    sut = lg.ConstructSUT(worker.issue, worker.flush)
    samples = lg.ConstructQSL(model.n_samples, model.performance_samples, model.load, model.unload)
    # LoadGen obeys any audit.config of the working folder; a name that nothing has keeps it from that.
    lg.StartTestWithLogSettings(sut, samples, settings, _log_settings(logs), str(logs / f"no-{AUDIT_CONFIG}"))
    lg.DestroyQSL(samples)
    lg.DestroySUT(sut)
    return _judged(read_detail(logs / LOADGEN_FILES[0]))


def _log_settings(logs: Path) -> Any:
    """Say where the logs go; without the trace, which would be large."""
    import mlperf_loadgen as lg

    output = lg.LogOutputSettings()
    output.outdir = str(logs)
    output.copy_summary_to_stdout = True
    settings = lg.LogSettings()
    settings.log_output = output
    settings.enable_trace = False
    return settings


def _judged(log: DetailLog) -> DetailLog:
    if log.n_errors:
        said = "; ".join(problem.text for problem in log.problems if problem.is_error)
        raise WorkloadError(f"LoadGen logged {log.n_errors} errors: {said[:300]}", f"see '{log.path}'")
    validity = log.text("result_validity")
    if validity not in (None, "VALID"):
        told = (log.text(key) for key in ("result_invalid_reason", "early_stopping_result"))
        reason = " ".join(filter(None, told)) or "no reason given"
        raise WorkloadError(f"the result is {validity}: {reason}", "mend the settings in user.conf")
    return log


def run_apart(command: Sequence[str | Path], *, timeout_s: float | None = None) -> None:
    """Run a command of `command_line` in a fresh process, in an empty folder where no audit.config can lie.

    Args:
        command: the program with its arguments; paths in it should be absolute.
        timeout_s: most time it may take; None for no limit.

    Raises:
        WorkloadError: it failed, or took too long; the message has its last words.
    """
    with tempfile.TemporaryDirectory(prefix="wattrig-loadgen-") as folder:
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=timeout_s, check=False, errors="replace"
            )
        except subprocess.TimeoutExpired as problem:
            raise WorkloadError(f"the test took over {timeout_s:g} s: {command[0]}") from problem
        except OSError as problem:
            raise WorkloadError(f"'{command[0]}' cannot be started: {problem}") from problem
    if done.returncode:
        raise WorkloadError(f"the test ended with status {done.returncode}: {done.stderr.strip()[-500:]}")


def command_line(make: Callable[[], Model], benchmark: str, arguments: Sequence[str] | None = None) -> None:
    """Be the program that runs one test of a model: read the command line, run, tell failures in a line on stderr.

    Args:
        make: makes the model.
        benchmark: LoadGen's name of the benchmark.
        arguments: those of the command line where not given.
    """
    parser = argparse.ArgumentParser(description="Run one LoadGen test.")
    parser.add_argument("--scenario", choices=SCENARIOS, required=True)
    parser.add_argument("--mode", choices=MODES, default=MODES[0])
    parser.add_argument("--user-conf", type=Path, required=True, metavar="FILE")
    parser.add_argument("--logs", type=Path, required=True, metavar="DIR", help="folder for LoadGen's logs")
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="most samples at once, default %(default)s")
    given = parser.parse_args(arguments)
    try:
        run_test(make(), benchmark, given.scenario, given.mode, given.user_conf, given.logs, batch=given.batch)
    except WattrigError as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(CLIENT_ERROR)


def main() -> None:
    """Run one performance test of the demo's model, of about the length asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m sut_client.loadgen",
        description="Run one LoadGen test with a small model, of about the length asked for.",
    )
    parser.add_argument("--scenario", choices=SCENARIOS, default="Offline")
    parser.add_argument("--seconds", type=float, default=30.0, help="least duration, default %(default)g")
    parser.add_argument("--logs", type=Path, required=True, metavar="DIR", help="folder for LoadGen's logs")
    arguments = parser.parse_args()
    # Read when numpy is imported; one core leaves the rig one.
    for library in ("OPENBLAS", "MKL", "OMP"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    from sut_client.demo_workload import run_demo

    run_demo(arguments.scenario, arguments.seconds, arguments.logs)


if __name__ == "__main__":
    main()
