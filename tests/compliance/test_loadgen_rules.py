"""The rules on LoadGen's logs: what each says of a sound session, and of one damaged in one place."""

import importlib
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.facts import PHASES, SessionFacts, gather
from compliance.findings import Ask, MissingFactError, NotApplicableError, Outcome
from compliance.judge import check_session
from evidence.loadgen_log import Window
from evidence.session import find_session
from rules.rulebook import all_rounds, all_rules, params_of
from tests.compliance.asking import failure, found

DETAIL, SUMMARY = "run_1/mlperf_log_detail.txt", "run_1/mlperf_log_summary.txt"
BEGIN, END = "07-25-2025 15:14:29.000", "07-25-2025 15:14:59.000"
"""The power window of the testing run, 30 s."""


def record(key: str, value: object, logged_ms: float = 31_100.0, *, is_error: bool = False) -> bytes:
    told = {"key": key, "value": value, "time_ms": logged_ms, "metadata": {"is_error": is_error}}
    return f":::MLLOG {json.dumps(told)}\n".encode()


def add(package: Any, **values: object) -> None:
    """Add records to the detail log; the last one of a key counts."""
    package.files[DETAIL] += b"".join(record(key, value) for key, value in values.items())


def scenario(package: Any, name: str, **values: object) -> None:
    add(package, effective_scenario=name, **values)
    package.replace(SUMMARY, "SingleStream", name)


def without(package: Any, key: str, name: str = DETAIL) -> None:
    lines = package.files[name].splitlines(keepends=True)
    package.files[name] = b"".join(line for line in lines if f'"{key}"'.encode() not in line)


def test_a_sound_session_passes_all(package: Any, tmp_path: Path) -> None:
    result = check_session(package.write(tmp_path), "v5.1")
    assert result is not None
    said = {one.code: one.outcome for one in result.findings if one.code.startswith("LGN")}
    assert said == dict.fromkeys(said, Outcome.PASS)
    assert len(said) == 7


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Offline", {"result_max_latency_ns": 30_000_900_000}),
        ("Server", {"result_completed_samples_per_sec": 33.9, "result_max_latency_ns": 1_000_000_000}),
        ("MultiStream", {"result_mean_query_latency_ns": 29_000_000}),
        ("SomethingNew", {}),
    ],
)
def test_windows_that_fit_the_results(package: Any, tmp_path: Path, name: str, values: dict[str, object]) -> None:
    scenario(package, name, **values)
    assert not found(package, tmp_path, "LGN001")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("SingleStream", {"result_query_count": 990}),
        ("SingleStream", {"result_qps_with_loadgen_overhead": 33.35}),
        ("Offline", {"result_max_latency_ns": 30_010_000_000}),
        ("Server", {"result_completed_samples_per_sec": 33.2, "result_max_latency_ns": 100_000_000}),
        ("MultiStream", {"result_mean_query_latency_ns": 31_000_000}),
        ("MultiStream", {"result_mean_query_latency_ns": 26_000_000}),
    ],
)
def test_windows_that_do_not_fit_the_results(
    package: Any, tmp_path: Path, name: str, values: dict[str, object]
) -> None:
    scenario(package, name, **values)
    one = failure(package, tmp_path, "LGN001")
    assert (one.got, one.unit, one.file, one.line) == (30.0, "s", DETAIL, 8)


def test_a_window_longer_than_loadgen_ran(package: Any, tmp_path: Path) -> None:
    """LoadGen 1.1 counts no queries of a stream, so that its own clock alone tells."""
    without(package, "result_query_count")
    assert not found(package, tmp_path, "LGN001")
    package.replace(DETAIL, END, "07-25-2025 15:15:01.000")
    assert "there is room for" in failure(package, tmp_path, "LGN001").message


def test_a_window_shorter_than_the_least_duration(package: Any, tmp_path: Path) -> None:
    without(package, "result_query_count")
    add(package, result_min_duration_met=True, effective_min_duration_ms=30_000)
    assert not found(package, tmp_path, "LGN001")
    package.replace(DETAIL, BEGIN, "07-25-2025 15:14:30.000")
    assert failure(package, tmp_path, "LGN001").expected == "29.998"


def test_a_ranging_window_that_does_not_fit_is_a_note(package: Any, tmp_path: Path) -> None:
    package.replace("ranging/mlperf_log_detail.txt", "33.3333", "40.0")
    assert failure(package, tmp_path, "LGN001").level == "recommended"


def test_without_results_or_clock_nothing_is_told(package: Any, tmp_path: Path) -> None:
    without(package, "result_query_count")
    without(package, "test_datetime")
    (one,) = found(package, tmp_path, "LGN001")
    assert one.outcome is Outcome.NOT_EVALUATED


def test_two_windows(package: Any, tmp_path: Path) -> None:
    add(package, power_begin=BEGIN, power_end=END)
    assert (one := failure(package, tmp_path, "LGN002")).got == 2
    assert one.line == 15


def test_a_window_without_an_end(package: Any, tmp_path: Path) -> None:
    without(package, "power_end")
    assert "1 without a partner" in failure(package, tmp_path, "LGN002").message
    (one,) = found(package, tmp_path, "SMP001")
    assert one.outcome is Outcome.NOT_EVALUATED


def test_a_window_that_ends_before_it_begins(package: Any, tmp_path: Path) -> None:
    package.replace(DETAIL, END, "07-25-2025 15:13:59.000")
    assert "is not after" in failure(package, tmp_path, "LGN002").message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SingleStream", "Server"),
        ("PerformanceOnly", "AccuracyOnly"),
        ("Result is : VALID", "Result is : INVALID"),
        ("Result is : VALID", "qsl_rng_seed : 1780908523862526355\nResult is : VALID"),
        ("Result is : VALID", "QPS w/ loadgen overhead : 33.34\nResult is : VALID"),
        ("Result is : VALID", "90th percentile latency (ns) : 30000001\nResult is : VALID"),
        ("Scenario", "Scenery"),
    ],
)
def test_a_summary_that_says_something_else(package: Any, tmp_path: Path, old: str, new: str) -> None:
    add(package, **{"result_90.00_percentile_latency_ns": 30_000_000})
    package.replace(SUMMARY, old, new)
    assert failure(package, tmp_path, "LGN003").file == SUMMARY


def test_a_summary_that_says_the_same(package: Any, tmp_path: Path) -> None:
    figures = "QPS w/ loadgen overhead : 33.33\n90.0th percentile latency (ns) : 30000000\nqsl_rng_seed : {}"
    figures = figures.format(1780908523862526354)
    add(package, **{"result_90.00_percentile_latency_ns": 30_000_000})
    package.replace(SUMMARY, "Result is", f"{figures}\nResult is")
    assert not found(package, tmp_path, "LGN003")


def test_too_few_queries_count_in_the_detail_log_alone(package: Any, tmp_path: Path) -> None:
    add(package, result_validity="INVALID", result_min_queries_met=False)
    assert not found(package, tmp_path, "LGN003")


def test_errors(package: Any, tmp_path: Path) -> None:
    package.files[DETAIL] += record("error_runtime", "it broke", is_error=True)
    assert (one := failure(package, tmp_path, "LGN004")).line == 15
    assert "it broke" in one.message


def test_uncommitted_changes_are_judged_elsewhere(package: Any, tmp_path: Path) -> None:
    package.files[DETAIL] += record("error_uncommitted", "Loadgen built with uncommitted changes!", is_error=True)
    assert not found(package, tmp_path, "LGN004")
    add(package, num_errors=2)
    assert "1 of which" in failure(package, tmp_path, "LGN004").message


@pytest.mark.parametrize("hours", [1, -1, 24])
def test_a_load_of_another_hour(package: Any, tmp_path: Path, hours: int) -> None:
    day, hour = divmod(15 + hours, 24)
    package.replace(DETAIL, "07-25-2025 15:", f"07-{25 + day}-2025 {hour:02d}:")
    assert "LGN005" in {one.code for one in found(package, tmp_path, "LGN005")}


def test_a_load_that_outlasts_the_measurement(package: Any, tmp_path: Path) -> None:
    package.client["phases"]["testing"][2][0] -= 5
    assert (one := failure(package, tmp_path, "LGN005")).line == 8
    assert one.got == pytest.approx(1.0)


def test_testing_before_ranging(package: Any, tmp_path: Path) -> None:
    ranging = package.files["ranging/mlperf_log_detail.txt"]
    package.files["ranging/mlperf_log_detail.txt"], package.files[DETAIL] = package.files[DETAIL], ranging
    assert "before that of ranging ends" in found(package, tmp_path, "LGN005")[-1].message


@pytest.mark.parametrize(
    ("started", "fails"),
    [
        ("2025-07-25T17:14:28Z", 0),
        ("2025-07-25T20:44:28Z", 0),
        ("2025-07-25T15:19:28Z", 1),
        ("2025-07-27T15:14:28Z", 1),
    ],
)
def test_local_time_of_the_start(package: Any, tmp_path: Path, started: str, fails: int) -> None:
    package.replace(DETAIL, "2025-07-25T15:14:28Z", started)
    assert [one.level for one in found(package, tmp_path, "LGN006")] == ["recommended"] * fails


@pytest.mark.parametrize(
    "started", ["2025-07-25", "2025-07-25T15:14:28", "2025-W30-5T15:14:28Z", "2025-02-30T15:14:28Z"]
)
def test_a_start_that_is_no_time(package: Any, tmp_path: Path, started: str) -> None:
    package.replace(DETAIL, "2025-07-25T15:14:28Z", started)
    assert [one.outcome for one in found(package, tmp_path, "LGN006")] == [Outcome.NOT_EVALUATED]


def test_a_line_that_is_no_record(package: Any, tmp_path: Path) -> None:
    package.replace(DETAIL, ':::MLLOG {"key": "effective_test_mode"', ":::MLLOG {")
    assert (one := failure(package, tmp_path, "LGN007")).line == 3
    assert one.level == "recommended"


def test_a_log_without_its_end(package: Any, tmp_path: Path) -> None:
    without(package, "result_validity")
    assert failure(package, tmp_path, "LGN007").got == "result_validity"


KEYS = st.sampled_from(
    [
        "effective_scenario", "effective_test_mode", "result_validity", "result_query_count", "num_errors",
        "result_qps_with_loadgen_overhead", "result_min_latency_ns", "result_max_latency_ns", "test_datetime",
        "result_mean_query_latency_ns", "result_completed_samples_per_sec", "generated_query_count",
        "result_samples_per_second", "result_90.00_percentile_latency_ns", "effective_qsl_rng_seed",
    ]
)  # fmt: skip
SCENARIOS = ("Offline", "Server", "SingleStream", "MultiStream", "VALID", "2025-07-25T15:14:28Z")
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.sampled_from([*SCENARIOS, 10**400])
)
LABELS = st.one_of(
    st.sampled_from(["Samples per second", "Scenario", "90th percentile latency (ns)", "Result is", "qsl_rng_seed"]),
    st.text(max_size=9),
)


@pytest.fixture
def sound(package: Any, tmp_path: Path) -> SessionFacts:
    folder = find_session(package.write(tmp_path))
    assert folder is not None
    return gather(folder)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.dictionaries(KEYS, VALUES),
    summary=st.dictionaries(LABELS, st.text(max_size=20)),
    times=st.lists(st.integers(0, 2**62), min_size=2, max_size=2),
    logged_ms=st.dictionaries(st.sampled_from(["test_datetime", "power_end"]), st.floats(-1e12, 1e12)),
)
def test_no_log_makes_a_rule_crash(
    sound: SessionFacts,
    values: dict[str, object],
    summary: dict[str, str],
    times: list[int],
    logged_ms: dict[str, float],
) -> None:
    for phase in PHASES:
        logs = sound.loadgen_logs[phase]
        logs.detail.values.clear()
        logs.detail.values.update(values)
        logs.detail.logged_ms.clear()
        logs.detail.logged_ms.update(logged_ms)
        logs.detail.windows[:] = [Window(*times, 1, 2)]
        logs.summary.clear()
        logs.summary.update(summary)
    for rule in [rule for code, rule in all_rules().items() if code.startswith("LGN")]:
        module, _, name = rule.check.partition(":")
        check = getattr(importlib.import_module(f"compliance.checks.{module}"), name)
        with suppress(NotApplicableError, MissingFactError):
            list(check(sound, Ask(rule, params_of(rule, all_rounds()["v5.1"]), all_rounds()["v5.1"])))
