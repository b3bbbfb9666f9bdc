"""The accuracy run beside a result: four files, of which LoadGen's large one is cut as the round's tool cuts it.

Folders beside them go along: some benchmarks want samples of what was made (`images/`, `videos/`).

`accuracy.txt` tells the accuracy in the words of the benchmark's script and ends with `hash=<SHA-256>` of the whole
mlperf_log_accuracy.json, of which the submission holds the first and last 4 KiB. Source: truncate_accuracy_log.py.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from compliance.package_plan import SKIPPED, Plan
from compliance.package_spec import ResultEntry
from evidence.digest import file_sha256
from evidence.loadgen_log import DetailLog, read_detail
from metrology.errors import EvidenceError

DETAIL, SUMMARY, LOG, TEXT = (
    "mlperf_log_detail.txt",
    "mlperf_log_summary.txt",
    "mlperf_log_accuracy.json",
    "accuracy.txt",
)
LARGEST_LOG_BYTES = 10 << 10
"""MAX_ACCURACY_LOG_SIZE of the submission checker."""
SHOWN_BYTES = 4096
LARGEST_TEXT_BYTES = 1 << 20
_HASH = re.compile(rb"^hash=(\w+)$", re.MULTILINE)


def add_accuracy(plan: Plan, entry: ResultEntry, target: PurePosixPath, ran: str) -> None:
    """Put the accuracy run of a result into its place.

    Args:
        plan: the submission.
        entry: what submission.toml says of the result.
        target: the result's folder.
        ran: the scenario that LoadGen ran.
    """
    source = entry.accuracy
    there = [plan.copy(target / "accuracy" / name, source / name, "PKG007") for name in (DETAIL, SUMMARY, LOG, TEXT)]
    if not all(there):
        return
    try:
        log = read_detail(plan.spec.at(source / DETAIL))
    except EvidenceError as problem:
        plan.refuse("PKG007", source / DETAIL, problem.message, "give the accuracy run's log")
        return
    for message, hint in _faults(log, ran):
        plan.refuse("PKG007", source / DETAIL, message, hint)
    _cut(plan, source, target / "accuracy")
    for folder in sorted(path.name for path in plan.spec.at(source).iterdir() if _goes_along(path)):
        plan.copy_tree(target / "accuracy" / folder, source / folder)


def _goes_along(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and SKIPPED.fullmatch(path.name) is None


def _faults(log: DetailLog, ran: str) -> Iterator[tuple[str, str]]:
    mode, scenario = log.text("effective_test_mode"), log.text("effective_scenario")
    if mode != "AccuracyOnly":
        yield f"the mode is {mode}, expected AccuracyOnly", "run LoadGen in AccuracyOnly mode for the accuracy"
    if scenario != ran:
        yield f"the accuracy run is of {scenario}, the result of {ran}", "run the accuracy in the result's scenario"
    if log.n_errors:
        yield f"LoadGen logged {log.n_errors} errors: {log.problems[0].text[:120]}", "mend the run and repeat it"
    if log.audit_line is not None:
        yield "an audit.config overrode the settings of this run", "remove it and repeat the run"


def _cut(plan: Plan, source: Path, target: PurePosixPath) -> None:
    log, text = plan.spec.at(source / LOG), plan.spec.at(source / TEXT).read_bytes()[:LARGEST_TEXT_BYTES]
    said = _HASH.search(text)
    if log.stat().st_size <= LARGEST_LOG_BYTES:
        if said is None:
            _replace(plan, target / TEXT, _with_hash(text, log), f"{(source / TEXT).as_posix()}, hash added")
        return
    digest = file_sha256(log)
    if said is not None and said[1].decode() != digest:
        plan.refuse(
            "PKG007", source / TEXT, f"the hash is {said[1].decode()[:12]}..., that of {LOG} is {digest[:12]}...",
            "make accuracy.txt from this log",
        )  # fmt: skip
    if said is None:
        _replace(plan, target / TEXT, _with_hash(text, log), f"{(source / TEXT).as_posix()}, hash added")
    _replace(plan, target / LOG, _shown(log), f"{(source / LOG).as_posix()}, first and last {SHOWN_BYTES} bytes")


def _replace(plan: Plan, path: PurePosixPath, content: bytes, origin: str) -> None:
    plan.files.pop(path, None)
    plan.make(path, content, origin)


def _with_hash(text: bytes, log: Path) -> bytes:
    return text.rstrip(b"\n") + f"\nhash={file_sha256(log)}\n".encode()


def _shown(log: Path) -> bytes:
    with log.open("rb") as file:
        start = file.read(SHOWN_BYTES)
        file.seek(-SHOWN_BYTES, 2)
        return start + b"\n\n...\n\n" + file.read(SHOWN_BYTES)
