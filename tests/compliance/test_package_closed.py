"""What closed and network divisions ask of a benchmark: scenarios and compliance tests, by round."""

from pathlib import Path, PurePosixPath

import pytest

from compliance.package_closed import FILES, add_compliance, speaks_against_benchmarks
from compliance.package_plan import Plan
from compliance.package_refusal import TITLES
from compliance.package_spec import Benchmark, ResultEntry, Spec, Submission, System
from rules.documents import RoundRules
from rules.rulebook import all_rounds

PLACE = PurePosixPath("box/resnet50/Offline")
TOKENS = "First token check pass: Skipped\nEOS check pass: True\nSample length check pass: True\n"


def spec(
    folder: Path,
    scenarios: list[str],
    *,
    benchmark: str = "resnet50",
    division: str = "closed",
    category: str = "edge",
    round_name: str = "v5.1",
    **more: object,
) -> Spec:
    return Spec(
        submission=Submission.model_validate({"round": round_name, "division": division, "submitter": "Lab"}),
        system={
            "box": System.model_validate({"category": category, "availability": "rdi", "power_settings": "p"})
        },
        benchmark={benchmark: Benchmark(code=Path("c"), readme=Path("r"), implementation={})},
        result=tuple(
            ResultEntry.model_validate(
                {"system": "box", "benchmark": benchmark, "scenario": scenario, "session": "s", "accuracy": "a",
                 "user_conf": "u", **more}
            )
            for scenario in scenarios
        ),
        folder=folder,
    )  # fmt: skip


def told(given: Spec) -> list[str]:
    return [f"{each.code} {each.message}" for each in speaks_against_benchmarks(given, round_of(given))]


def round_of(given: Spec) -> RoundRules:
    return all_rounds()[given.submission.round]


def with_tests(*names: str) -> dict[str, dict[str, str]]:
    return {"compliance": {name: name for name in names}}


def test_a_benchmark_needs_its_scenarios_and_its_tests(tmp_path: Path) -> None:
    whole = with_tests("TEST01", "TEST04")
    assert told(spec(tmp_path, ["Offline", "SingleStream"], infer=("MultiStream",), **whole)) == []
    assert told(spec(tmp_path, ["Offline"], **with_tests("TEST01"))) == [
        "PKG018 'resnet' lacks the scenario MultiStream",
        "PKG018 'resnet' lacks the scenario SingleStream",
        "PKG015 'resnet' needs TEST04, Offline has none",
    ]
    assert told(spec(tmp_path, ["Offline"], division="open")) == []


@pytest.mark.parametrize(
    ("benchmark", "category", "scenarios", "code", "message"),
    [
        ("llama2-70b-99", "datacenter", ["Offline"], "PKG018", "needs one of Interactive and Server"),
        ("whisper", "edge", ["Offline", "SingleStream"], "PKG018", "has no scenario SingleStream"),
        ("resnet", "datacenter", ["Offline", "Server"], "PKG017", "for systems of the category datacenter"),
        ("resnett", "edge,datacenter", ["Offline"], "PKG017", "no benchmark 'resnett'"),
    ],
)
def test_what_the_category_does_not_have_is_refused(
    tmp_path: Path, benchmark: str, category: str, scenarios: list[str], code: str, message: str
) -> None:
    tests = with_tests("TEST01", "TEST04", "TEST06")
    found = told(spec(tmp_path, scenarios, benchmark=benchmark, category=category, **tests))
    assert len(found) == 1
    assert found[0].startswith(code)
    assert message in found[0]


def test_one_of_server_and_interactive_is_enough(tmp_path: Path) -> None:
    tests = with_tests("TEST06")
    for name in ("Server", "Interactive"):
        given = spec(tmp_path, ["Offline", name], benchmark="llama3_1-8b", category="datacenter", **tests)
        assert told(given) == []


def test_an_optional_scenario_without_a_second_may_be_left_out(tmp_path: Path) -> None:
    for more in ([], ["Interactive"]):
        given = spec(
            tmp_path,
            ["Offline", "Server", *more],
            benchmark="qwen3-vl-235b-a22b",
            category="datacenter",
            round_name="v6.1",
        )
        assert told(given) == []


def test_v6_1_tells_what_a_benchmark_lacks(tmp_path: Path) -> None:
    found = told(spec(tmp_path, ["Offline"], benchmark="llama2-70b-99", category="datacenter", round_name="v6.1"))
    assert found == [
        "PKG018 'llama2-70b-99' needs one of Interactive and Server",
        "PKG015 'llama2-70b-99' needs TEST06, Offline has none",
    ]
    found = told(spec(tmp_path, ["Offline"], benchmark="retinanet", round_name="v6.1"))
    assert found[0].startswith("PKG017 round v6.1 has no benchmark 'retinanet'")


@pytest.mark.parametrize(
    ("round_name", "expected"),
    [
        ("v4.1", ["TEST01", "TEST04", "TEST05"]),
        ("v5.0", ["TEST01", "TEST04"]),
        ("v6.0", ["TEST01", "TEST04"]),
        ("v6.1", ["TEST01", "TEST04"]),
    ],
)
def test_rounds_ask_for_tests_of_their_own(tmp_path: Path, round_name: str, expected: list[str]) -> None:
    found = told(spec(tmp_path, ["Offline"], round_name=round_name))
    assert [line.split()[3].rstrip(",") for line in found if line.startswith("PKG015")] == expected


def test_the_data_of_the_rounds_holds_together() -> None:
    for rules in all_rounds().values():
        known = {model for models in rules.benchmarks.scenarios.values() for model in models}
        assert set(rules.benchmarks.tests) <= set(FILES)
        for models in rules.benchmarks.scenarios.values():
            names = {name.removesuffix("?") for scenarios in models.values() for name in scenarios}
            assert names <= set(rules.layout.scenarios)
        if known:
            asked = {model for models in rules.benchmarks.tests.values() for model in models}
            assert asked <= known, rules.name
            assert set(rules.benchmarks.aliases.values()) <= known
    assert {"PKG017", "PKG018"} <= set(TITLES)


def lay(folder: Path, test: str, verdict: str = "TEST PASS") -> None:
    for name in (*FILES[test], "audit.config"):
        path = folder / test / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(verdict + "\n")


def planned(folder: Path, test: str) -> Plan:
    given = spec(folder, ["Offline"], **with_tests(test))
    plan = Plan(given, round_of(given))
    add_compliance(plan, given.result[0], PLACE)
    return plan


@pytest.mark.parametrize("test", sorted(FILES))
def test_a_test_brings_the_files_that_are_asked_for_and_no_other(tmp_path: Path, test: str) -> None:
    lay(tmp_path, test, TOKENS if test == "TEST06" else "x\nTEST PASS")
    plan = planned(tmp_path, test)
    assert plan.refusals == []
    folder = PurePosixPath("compliance") / PLACE / test
    assert set(plan.files) == {folder / name for name in FILES[test]}


@pytest.mark.parametrize("test", sorted(FILES))
def test_a_test_that_failed_or_lacks_a_file_is_refused(tmp_path: Path, test: str) -> None:
    lay(tmp_path, test, "TEST FAIL, no pass")
    assert {each.code for each in planned(tmp_path, test).refusals} == {"PKG015"}
    (tmp_path / test / FILES[test][0]).unlink()
    assert "is not there" in planned(tmp_path, test).refusals[0].message


def test_answers_that_differ_by_a_bit_bring_both_accuracies(tmp_path: Path) -> None:
    lay(tmp_path, "TEST01")
    (tmp_path / "TEST01/verify_accuracy.txt").write_text("TEST FAIL\n")
    for name in ("baseline", "compliance"):
        (tmp_path / f"TEST01/accuracy/{name}_accuracy.txt").write_text("accuracy=76.1%\n")
    plan = planned(tmp_path, "TEST01")
    assert plan.refusals == []
    assert len(plan.files) == len(FILES["TEST01"]) + 2


def test_an_unknown_test_names_the_nearest(tmp_path: Path) -> None:
    (refusal,) = planned(tmp_path, "TEST10").refusals
    assert refusal.message == "there is no compliance test 'TEST10'"
    assert "did you mean" in refusal.hint
