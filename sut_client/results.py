"""What the workload left: its LoadGen logs found, checked and copied into the session."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidence.layout import LOADGEN_FILES, OURS, PHASE_FOLDERS
from evidence.loadgen_log import SEED_KEYS, DetailLog, Window, read_detail, read_summary
from evidence.stamps import format_stamp
from evidence.state import write_bytes_atomically
from metrology.errors import WorkloadError
from sut_client.workload import Run

DETAIL, SUMMARY = LOADGEN_FILES
LOADGEN_JSON = f"{OURS}/loadgen.json"
MOST_NAMED = 3
WHERE_HINT = "let the workload write its LoadGen logs below the folder that -L names, in each phase anew"


@dataclass(frozen=True, slots=True)
class Result:
    """The LoadGen logs of a phase.

    Attributes:
        folder: where the workload left them.
        log: the detail log.
        window: its only power window.
    """

    folder: Path
    log: DetailLog
    window: Window

    @property
    def window_s(self) -> float:
        """Get the length of the power window, seconds."""
        return (self.window.end_ns - self.window.begin_ns) / 1e9


def find_result(logs: Path, phase: str, run: Run) -> Result:
    """Find the one detail log below `logs` whose power window lies within the run of the workload.

    Raises:
        WorkloadError: there is none, or more than one; the message says what there is instead.
    """
    candidates = [read_detail(path) for path in sorted(logs.rglob(DETAIL)) if path.is_file()]
    inside = [log for log in candidates if _window_inside(log, run)]
    if len(inside) > 1:
        names = ", ".join(f"'{log.path.parent}'" for log in inside[:MOST_NAMED])
        raise WorkloadError(
            f"the workload of the {phase} phase left {len(inside)} LoadGen logs, expected one: {names}",
            "run one LoadGen test per phase",
        )
    if not inside:
        raise WorkloadError(_why_none(logs, candidates, phase, run), WHERE_HINT)
    return _single_window(inside[0], phase)


def _window_inside(log: DetailLog, run: Run) -> Window | None:
    for window in log.windows:
        # LoadGen cuts its stamps to whole milliseconds, so a window may seem to begin before the run does.
        if run.started_ns < window.begin_ns + 1_000_000 and window.begin_ns <= window.end_ns < run.ended_ns:
            return window
    return None


def _single_window(log: DetailLog, phase: str) -> Result:
    if len(log.windows) != 1 or log.unpaired:
        raise WorkloadError(
            f"the detail log of the {phase} phase has {len(log.windows)} power windows and {log.unpaired} "
            f"power_begin or power_end without a partner, expected one window: '{log.path}'",
            "run LoadGen in PerformanceOnly mode, once per process",
        )
    return Result(log.path.parent, log, log.windows[0])


def _why_none(logs: Path, candidates: list[DetailLog], phase: str, run: Run) -> str:
    start = f"the workload of the {phase} phase left no LoadGen result below '{logs}': "
    if not candidates:
        return start + f"there is no {DETAIL}"
    return start + "; ".join(_why_not(log, run) for log in candidates[:MOST_NAMED])


def _why_not(log: DetailLog, run: Run) -> str:
    if not log.windows:
        return f"'{log.path}' has no power_begin with a power_end (lines: {log.lines}, damaged: {log.damaged})"
    window = log.windows[0]
    found, expected = _span(window.begin_ns, window.end_ns), _span(run.started_ns, run.ended_ns)
    return f"the power window of '{log.path}' is {found}, expected within {expected} UTC"


def _span(begin_ns: int, end_ns: int) -> str:
    return f"{format_stamp(begin_ns)} to {format_stamp(end_ns)}"


def check_result(result: Result, phase: str) -> None:
    """Check that the result counts: VALID, PerformanceOnly, no errors, and a summary that agrees.

    Raises:
        WorkloadError: it does not; the message has LoadGen's own reasons.
        EvidenceError: the summary cannot be read.
    """
    log = result.log
    faults = [text for bad, text in _faults(log) if bad]
    said = read_summary(result.folder / SUMMARY).get("Result is")
    if said != "VALID":
        faults.append(f"{SUMMARY} says 'Result is : {said}'")
    if faults:
        raise WorkloadError(
            f"the LoadGen result of the {phase} phase does not count: {'; '.join(faults)} ('{log.path}')",
            "mend the LoadGen settings (expected QPS, target latency, mode) until a run by itself is VALID",
        )


def _faults(log: DetailLog) -> list[tuple[bool, str]]:
    validity, mode = log.text("result_validity"), log.text("effective_test_mode")
    reason = log.text("result_invalid_reason")
    texts = ", ".join(f"{problem.key}: {problem.text}" for problem in log.problems if problem.is_error)
    n_errors = max(log.n_errors, int(log.number("num_errors") or 0))
    return [
        (validity != "VALID", f"result_validity is {validity}" + (f" ({reason})" if reason else "")),
        (mode != "PerformanceOnly", f"the mode is {mode}, expected PerformanceOnly"),
        (n_errors > 0, f"{n_errors} errors ({texts[:300]})"),
    ]


def copy_result(result: Result, target: Path) -> None:
    """Copy the two logs of a result, byte for byte.

    Raises:
        WorkloadError: the workload left only one of them.
        OSError: a file cannot be read or written.
    """
    target.mkdir()
    for name in LOADGEN_FILES:
        if not (result.folder / name).is_file():
            raise WorkloadError(f"the workload left no {name} beside '{result.log.path}'", WHERE_HINT)
        shutil.copyfile(result.folder / name, target / name)


def write_results(session: Path, results: dict[str, Result]) -> None:
    """Write `wattrig/loadgen.json`: per phase what LoadGen was, its seeds as found and the round they belong to."""
    phases = {phase: _as_json(phase, result) for phase, result in results.items()}
    content = json.dumps({"schema": 1, "phases": phases}, indent=2) + "\n"
    write_bytes_atomically(session / LOADGEN_JSON, content.encode())


def _as_json(phase: str, result: Result) -> dict[str, Any]:
    log = result.log
    return {
        "folder": PHASE_FOLDERS[phase],
        "scenario": log.text("effective_scenario"),
        "loadgen_version": log.text("loadgen_version"),
        "round_of_seeds": log.round_name(),
        "seeds": dict(zip(SEED_KEYS, log.seeds(), strict=True)),
        "power_begin_ns": result.window.begin_ns,
        "power_end_ns": result.window.end_ns,
        "n_warnings": log.n_warnings,
        "damaged_lines": log.damaged,
    }
