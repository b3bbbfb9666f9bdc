"""What the closed and network divisions ask of each benchmark: its scenarios, and its compliance tests.

The files and their words are those that the submission checker looks for (compliance_check.py, and
check_compliance_dir of the single-file form).
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from compliance.package_plan import Plan
from compliance.package_refusal import Refusal
from compliance.package_spec import ResultEntry, Spec, nearest
from rules.documents import BenchmarkRules, RoundRules

ACCURACY, SPEED, LENGTH = "verify_accuracy.txt", "verify_performance.txt", "verify_output_len.txt"
RUN = ("performance/run_1/mlperf_log_detail.txt", "performance/run_1/mlperf_log_summary.txt")
FILES: dict[str, tuple[str, ...]] = {
    "TEST01": (ACCURACY, SPEED, *RUN, "accuracy/accuracy.txt", "accuracy/mlperf_log_accuracy.json"),
    "TEST04": (SPEED, *RUN),
    "TEST05": (SPEED, *RUN),
    "TEST06": (ACCURACY,),
    "TEST07": (ACCURACY,),
    "TEST08": (ACCURACY,),
    "TEST09": (LENGTH,),
}
"""What each test leaves in its folder; no other file of it is submitted."""
NOT_DETERMINISTIC = ("accuracy/baseline_accuracy.txt", "accuracy/compliance_accuracy.txt")
"""What TEST01 wants besides where the answers were not the same bit for bit; its accuracies are held together."""
PASSED = "TEST PASS"
PASSED_BY_TOKENS = (
    ("First token check pass: True", "First token check pass: Skipped"),
    ("EOS check pass: True",),
    ("Sample length check pass: True",),
)
"""TEST06: a line of each group."""
LARGEST_VERDICT = 1 << 20


def speaks_against_benchmarks(spec: Spec, rules: RoundRules) -> Iterator[Refusal]:
    """Get what the division lacks: benchmarks that the round does not have, scenarios, compliance tests."""
    if spec.submission.division == "open":
        return
    for (system, benchmark), entries in _by_benchmark(spec).items():
        model = rules.benchmarks.aliases.get(benchmark, benchmark)
        ran = {scenario for entry in entries for scenario in (entry.scenario, *entry.infer)}
        yield from _scenarios(spec.system[system].category, f"{system}/{benchmark}", model, ran, rules)
        for entry in entries:
            yield from _tests(entry, model, rules.benchmarks)


def _by_benchmark(spec: Spec) -> dict[tuple[str, str], list[ResultEntry]]:
    found: dict[tuple[str, str], list[ResultEntry]] = defaultdict(list)
    for entry in spec.result:
        for benchmark in (entry.benchmark, *entry.also):
            found[entry.system, benchmark].append(entry)
    return found


def _scenarios(category: str, where: str, model: str, ran: set[str], rules: RoundRules) -> Iterator[Refusal]:
    known = rules.benchmarks.scenarios.get(",".join(sorted(category.split(","))))
    if known is None:
        return
    if model not in known:
        said = f"round {rules.name} has no benchmark '{model}' for systems of the category {category}"
        yield Refusal("PKG017", where, said, nearest(model, known))
        return
    needed = {name for name in known[model] if not name.endswith("?")}
    any_of = {name.removesuffix("?") for name in known[model]} - needed
    for name in sorted(needed - ran):
        yield Refusal("PKG018", where, f"'{model}' lacks the scenario {name}", f"measure {name}, or infer it")
    if len(any_of) > 1 and not any_of & ran:
        yield Refusal(
            "PKG018", where, f"'{model}' needs one of {' and '.join(sorted(any_of))}", "measure one of them"
        )
    for name in sorted(ran - needed - any_of):
        yield Refusal("PKG018", where, f"'{model}' has no scenario {name} in this category", "leave it out")


def _tests(entry: ResultEntry, model: str, benchmarks: BenchmarkRules) -> Iterator[Refusal]:
    for test, models in benchmarks.tests.items():
        if model in models and test not in entry.compliance:
            said = f"'{model}' needs {test}, {entry.scenario} has none"
            yield Refusal("PKG015", str(entry.session), said, f"run {test}, and name its folder in `compliance`")


def add_compliance(plan: Plan, entry: ResultEntry, place: PurePosixPath) -> None:
    """Put the compliance tests of a result into their place, and refuse those that did not pass."""
    for test, source in entry.compliance.items():
        folder = PurePosixPath(plan.rules.layout.compliance) / place / test
        if test not in FILES:
            plan.refuse("PKG015", source, f"there is no compliance test '{test}'", nearest(test, FILES))
            continue
        there = [plan.copy(folder / name, source / name, "PKG015") for name in FILES[test]]
        if all(there):
            _check(plan, test, source, folder)


def _check(plan: Plan, test: str, source: Path, folder: PurePosixPath) -> None:
    for name in (name for name in FILES[test] if name.startswith("verify_")):
        text = plan.spec.at(source / name).read_bytes()[:LARGEST_VERDICT].decode("utf-8", "replace")
        if _passed(test, text):
            continue
        if (test, name) == ("TEST01", ACCURACY):
            for more in NOT_DETERMINISTIC:
                plan.copy(folder / more, source / more, "PKG015")
        else:
            plan.refuse("PKG015", source / name, f"{test} did not pass", "repeat the compliance test")


def _passed(test: str, text: str) -> bool:
    if test != "TEST06":
        return PASSED in text
    lines = {line.strip() for line in text.splitlines()}
    return all(lines.intersection(group) for group in PASSED_BY_TOKENS)
