import csv
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compliance.summary_rows import Row, compare, rows_of
from compliance.tree import find_results
from rules.rulebook import all_rounds
from scoring.performance import Performance, performance


def results(*words: str | Path) -> tuple[int, str]:
    command = [sys.executable, "-m", "console.main", "results", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def row(**changes: object) -> Row:
    base = Row("a", "v6.1", "closed", "S", "sys", "resnet", "Offline", 100.0, "samples/s", 50.0, "Watts", 50.0, 2.0,
               False, False)  # fmt: skip
    return base._replace(**changes)  # type: ignore[arg-type]


def test_published_efficiencies_are_met(published: Path) -> None:
    """Golden: the summary of v5.1, and for v4.1 the reference's formula."""
    status, told = results(published, "--format", "json")
    assert status == 0, told
    found = {(each["system"][:6], each["benchmark"], each["scenario"]): each for each in json.loads(told)["results"]}
    lenovo = found["SR680a", "whisper", "Offline"]
    assert lenovo["samples_per_j"] == pytest.approx(5.72234, rel=1e-5)
    assert (lenovo["performance_unit"], lenovo["power_unit"]) == ("tokens/s", "Watts")
    stream = found["TRIGKE", "mobilenet-v1-precision_float-1.0-128", "SingleStream"]
    assert stream["power"] == pytest.approx(155.142348, rel=1e-8)
    assert stream["samples_per_j"] == pytest.approx(6.44569, rel=1e-5)


def test_forms_and_a_comparison_with_itself(published: Path) -> None:
    tree = published / "v5.1"
    status, told = results(tree, "--against", tree, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(told)))
    assert status == 0
    assert {each["efficiency_ratio"] for each in rows} == {"1.0"}
    assert {each["within_audit"] for each in rows} == {"True"}
    status, told = results(tree, "--against", tree)
    assert (status, "efficiency +0.0% against v5.1: equal or better, within 10 %" in told) == (0, True)
    status, told = results(tree, "--format", "html")
    assert (status, told.count("<tr>"), told.startswith("<!DOCTYPE html>")) == (0, len(rows) + 1, True)
    assert "This page needs no other file" in told, "it shares the layout of all pages"


def test_nothing_found_and_no_such_folder(tmp_path: Path) -> None:
    assert results(tmp_path)[0] == 3
    status, told = results(tmp_path / "absent")
    assert (status, "is not there" in told) == (2, True)


@pytest.mark.parametrize(
    ("speed", "per_j", "better", "audit"),
    [(100.0, 2.0, True, True), (100.0, 1.97, True, True), (100.0, 1.95, False, True), (111.0, 2.0, True, False),
     (100.0, 2.3, True, False), (None, 2.0, True, None), (100.0, None, None, None)],
)  # fmt: skip
def test_two_percent_are_noise_and_ten_waive_an_audit(
    speed: float | None, per_j: float | None, better: bool | None, audit: bool | None
) -> None:
    (found,) = compare([row(performance=speed, samples_per_j=per_j)], [row()])
    assert (found.equal_or_better, found.within_audit) == (better, audit)


def test_another_unit_or_place_is_not_compared() -> None:
    (other,) = compare([row(performance_unit="tokens/s")], [row()])
    assert (other.performance_ratio, other.within_audit) == (None, None)
    (alone,) = compare([row(system="x")], [row()])
    assert alone.against is None


@pytest.mark.parametrize(
    ("records", "ran", "scenario", "expected"),
    [
        ({"result_samples_per_second": 7.0}, "Offline", "Offline", Performance(7.0, "samples/s", 7.0)),
        ({"result_samples_per_second": 7.0, "result_tokens_per_second": 70.0}, "Offline", "Offline",
         Performance(70.0, "tokens/s", 70.0)),
        ({"result_scheduled_samples_per_sec": 3, "result_completed_samples_per_sec": 2}, "Server", "Server",
         Performance(2.0, "queries/s", 2.0)),
        ({"result_completed_samples_per_sec": 3}, "Server", "Interactive", Performance(3.0, "queries/s", 3.0)),
        ({"result_inferred_tokens_per_second": 5, "result_samples_per_second": 1}, "Offline", "Offline",
         Performance(5.0, "tokens/s", 5.0)),
        ({"early_stopping_latency_ss": 2e6}, "SingleStream", "SingleStream", Performance(2.0, "ms", None)),
        ({"early_stopping_latency_ms": 2e6}, "SingleStream", "MultiStream", Performance(16.0, "ms", None)),
        ({"early_stopping_latency_ms": 2e6}, "MultiStream", "MultiStream", Performance(2.0, "ms", None)),
        ({"result_qps_without_loadgen_overhead": 9}, "SingleStream", "Offline", Performance(9.0, "samples/s", 9.0)),
        ({"result_mean_query_latency_ns": 4e6}, "MultiStream", "Offline", Performance(2000.0, "samples/s", 2000.0)),
        ({}, "Offline", "Offline", None),
        ({}, "MultiStream", "Offline", None),
    ],
)  # fmt: skip
def test_performance_is_the_submission_checkers(
    records: dict[str, float], ran: str, scenario: str, expected: Performance | None
) -> None:
    assert performance(records.get, ran, scenario) == expected


@pytest.mark.parametrize(
    ("round_name", "benchmark", "ran", "record"),
    [
        ("v4.0", "llama2-70b-99.9", "Server", "result_completed_samples_per_sec"),
        ("v5.1", "llama3.1-8b-edge", "SingleStream", "result_90.00_percentile_latency_ns"),
        ("v6.1", "llama3.1-8b-edge", "SingleStream", "result_90.00_percentile_latency_ns"),
    ],
)
def test_some_benchmarks_have_a_record_of_their_own(round_name: str, benchmark: str, ran: str, record: str) -> None:
    assert all_rounds()[round_name].loadgen.results[benchmark] == {ran: record}
    numbers = {record: 4e6, "early_stopping_latency_ss": 1.0, "early_stopping_latency_ms": 2e6,
               "result_scheduled_samples_per_sec": 1.0}  # fmt: skip
    own = performance(numbers.get, ran, ran, scheduled=True, record=record)
    assert own is not None
    assert own.value == (4.0 if ran == "SingleStream" else 4e6)
    inferred = performance(numbers.get, "SingleStream", "MultiStream", record=record)
    assert inferred == Performance(16.0, "ms", None)


def test_videos_take_seconds() -> None:
    assert all_rounds()["v6.1"].loadgen.in_seconds == ("wan-2.2-t2v-a14b",)
    records = {"early_stopping_latency_ss": 2.5e9}
    found = performance(records.get, "SingleStream", "SingleStream", in_seconds=True)
    assert found == Performance(2.5, "s", None)


def test_the_place_in_the_tree_tells_the_benchmark(published: Path, tmp_path: Path) -> None:
    (session,) = published.glob("v5.1/open/GATEOverflow/results/*/mobilenet-v1-precision_float-1.0-128/*/performance")
    place = tmp_path / "open/Lab/results/box/llama3_1-8b-edge/SingleStream/performance"
    shutil.copytree(session, place)
    detail = (place / "run_1/mlperf_log_detail.txt").read_text()
    (record,) = re.findall(r'"result_90.00_percentile_latency_ns", "value": (\d+)', detail)
    (found,) = rows_of(find_results(tmp_path, "tree").found, "v5.1")
    assert found.performance == int(record) / 1e6


def test_until_v4_0_servers_result_was_what_was_scheduled() -> None:
    records = {"result_scheduled_samples_per_sec": 3, "result_completed_samples_per_sec": 2}
    assert performance(records.get, "Server", "Server", scheduled=True) == Performance(3.0, "queries/s", 3.0)
    found = {name: rules.loadgen.server_result for name, rules in all_rounds().items()}
    assert (found["v4.0"], found["v4.1"]) == ("scheduled", "completed")
