"""The samples that the submission checker wants of a benchmark, in all divisions; open models stand for a benchmark.

Source: performance_check.py, accuracy_check.py and get_mlperf_model of the submission checker. The smallest query of
Offline is asked of the open division by its single-file form alone.
"""

from collections.abc import Iterator

from compliance.package_refusal import Refusal
from compliance.package_session import Session
from compliance.package_spec import Spec, nearest
from evidence.loadgen_log import DetailLog, read_detail
from metrology.errors import EvidenceError
from rules.documents import BenchmarkRules, RoundRules, SampleRules

GUESSED = {
    "mobilenet": "resnet",
    "efficientnet": "resnet",
    "resnet50": "resnet",
    "bert-99.9": "bert-99.9",
    "bert-99": "bert-99",
}
"""Parts of names that the submission checker takes for a benchmark, the first that fits."""


def speaks_against_samples(session: Session, spec: Spec, rules: RoundRules) -> Iterator[Refusal]:
    """Get what a result lacks of the samples of its benchmarks, and benchmarks that stand for none of the round."""
    if not rules.benchmarks.samples:
        return
    entry = session.entry
    for name in (entry.benchmark, *entry.also):
        model = model_of(name, spec, rules.benchmarks)
        wanted = rules.benchmarks.samples.get(model)
        if wanted is not None:
            yield from _runs(session, spec, model, wanted)
        elif spec.submission.division == "open":
            said = f"'{model}' is no benchmark of round {rules.name}, and stands for none"
            hint = f"say which in model_mapping of [submission]: {nearest(model, rules.benchmarks.samples)}"
            yield Refusal("PKG017", f"[benchmark.{name}]", said, hint)


def model_of(name: str, spec: Spec, benchmarks: BenchmarkRules) -> str:
    """Get the MLPerf model that a benchmark's name stands for; the name itself where it stands for none."""
    if name in benchmarks.samples:
        return name
    mapped = benchmarks.aliases.get(name) or spec.submission.model_mapping.get(name)
    return mapped or next((model for part, model in GUESSED.items() if part in name), name)


def _runs(session: Session, spec: Spec, model: str, wanted: SampleRules) -> Iterator[Refusal]:
    entry, log = session.entry, session.facts.loadgen_logs["testing"].detail
    runs = [("effective_performance_sample_count", wanted.performance)]
    runs += [("effective_samples_per_query", wanted.offline_query)] if session.ran == "Offline" else []
    for record, least in runs:
        found = log.number(record)
        if found is not None and found < least:
            said = f"{record} is {found:g}, '{model}' wants at least {least}"
            yield Refusal("PKG019", str(entry.session), said, "measure with the samples of the benchmark")
    covered = _covered(spec, session)
    if wanted.data_set and covered not in (None, wanted.data_set):
        said = f"the accuracy run has {covered:g} samples, the data set of '{model}' has {wanted.data_set}"
        yield Refusal("PKG019", str(entry.accuracy), said, "run the accuracy on all of the data set")


def _covered(spec: Spec, session: Session) -> float | int | None:
    try:
        log: DetailLog = read_detail(spec.at(session.entry.accuracy) / "mlperf_log_detail.txt")
    except (EvidenceError, OSError):
        return None
    count = log.number("effective_accuracy_sample_count")
    return log.number("qsl_reported_total_count") if count is None else count
