"""The samples that a benchmark wants, and the benchmark that a name stands for."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from compliance.package_samples import model_of, speaks_against_samples
from compliance.package_session import Session
from compliance.package_spec import Benchmark, ResultEntry, Spec, Submission, System
from evidence.loadgen_log import DetailLog, read_detail
from rules.rulebook import all_rounds


def spec(folder: Path, benchmark: str, *, round_name: str = "v6.1", division: str = "open", **mapping: str) -> Spec:
    entry = {"system": "box", "benchmark": benchmark, "scenario": "Offline", "session": "s", "accuracy": "a",
             "user_conf": "u"}  # fmt: skip
    submission = {"round": round_name, "division": division, "submitter": "Lab", "model_mapping": mapping}
    described = {"category": "edge", "availability": "rdi", "power_settings": "p"}
    return Spec(
        submission=Submission.model_validate(submission),
        system={"box": System.model_validate(described)},
        benchmark={benchmark: Benchmark(code=Path("c"), readme=Path("r"), implementation={})},
        result=(ResultEntry.model_validate(entry),),
        folder=folder,
    )


def log(path: Path, **records: int) -> DetailLog:
    lines = [
        json.dumps({"key": key, "value": value, "metadata": {"is_error": False}}) for key, value in records.items()
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f":::MLLOG {line}\n" for line in lines))
    return read_detail(path)


def told(given: Spec, ran: str = "Offline", data_set: int = 50_000, **records: int) -> list[str]:
    log(given.folder / "a/mlperf_log_detail.txt", qsl_reported_total_count=data_set)
    detail = log(given.folder / "run.txt", **records)
    facts = SimpleNamespace(loadgen_logs={"testing": SimpleNamespace(detail=detail)})
    session = cast("Session", SimpleNamespace(entry=given.result[0], facts=facts, ran=ran))
    rules = all_rounds()[given.submission.round]
    return [f"{each.code} {each.message}" for each in speaks_against_samples(session, given, rules)]


ENOUGH = {"effective_performance_sample_count": 1024, "effective_samples_per_query": 24_576}


def test_a_run_with_the_samples_of_its_benchmark_is_fine(tmp_path: Path) -> None:
    assert told(spec(tmp_path, "resnet"), **ENOUGH) == []
    assert told(spec(tmp_path, "digits", digits="resnet"), **ENOUGH) == []
    assert told(spec(tmp_path, "digits", digits="resnet"), "SingleStream", **{**ENOUGH, **SHORT_QUERY}) == []


SHORT_QUERY = {"effective_samples_per_query": 1}


@pytest.mark.parametrize(
    ("records", "data_set", "message"),
    [
        ({"effective_performance_sample_count": 1023}, 50_000,
         "effective_performance_sample_count is 1023, 'resnet' wants at least 1024"),
        ({"effective_samples_per_query": 24_575}, 50_000,
         "effective_samples_per_query is 24575, 'resnet' wants at least 24576"),
        ({}, 49_999, "the accuracy run has 49999 samples, the data set of 'resnet' has 50000"),
        ({}, 50_001, "the accuracy run has 50001 samples, the data set of 'resnet' has 50000"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("division", ["open", "closed"])
def test_other_samples_are_refused(
    tmp_path: Path, division: str, records: dict[str, int], data_set: int, message: str
) -> None:
    given = spec(tmp_path, "resnet50", division=division)
    assert told(given, data_set=data_set, **{**ENOUGH, **records}) == [f"PKG019 {message}"]


def test_a_model_that_stands_for_no_benchmark_is_refused_in_open(tmp_path: Path) -> None:
    (found,) = told(spec(tmp_path, "digits"), **ENOUGH)
    assert found == "PKG017 'digits' is no benchmark of round v6.1, and stands for none"
    (found,) = told(spec(tmp_path, "digits", digits="resnett"), **ENOUGH)
    assert found.startswith("PKG017 'resnett'")
    assert told(spec(tmp_path, "digits", division="closed"), **ENOUGH) == []


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("resnet", "resnet"),
        ("resnet50", "resnet"),
        ("llama3_1-8b", "llama3.1-8b"),
        ("mine", "bert-99"),
        ("mobilenet-v1-precision_float-1.0-128", "resnet"),
        ("sparse-bert-99.9-int8", "bert-99.9"),
        ("other", "other"),
    ],
)
def test_names_stand_for_what_the_submission_checker_takes_them_for(tmp_path: Path, name: str, model: str) -> None:
    assert model_of(name, spec(tmp_path, name, mine="bert-99"), all_rounds()["v5.1"].benchmarks) == model


def test_what_a_round_does_not_hold_is_not_asked(tmp_path: Path) -> None:
    given = spec(tmp_path, "resnet", round_name="v4.1")
    assert told(given, data_set=10, **ENOUGH) == []
    for rules in all_rounds().values():
        known = {model for models in rules.benchmarks.scenarios.values() for model in models}
        assert not rules.benchmarks.samples or set(rules.benchmarks.samples) >= known, rules.name
    given = spec(tmp_path, "resnet")
    (given.folder / "a/mlperf_log_detail.txt").unlink()
    (tmp_path / "b").mkdir()
    session = given.result[0].model_copy(update={"accuracy": Path("b")})
    assert told(given.model_copy(update={"result": (session,)}), **ENOUGH) == []
