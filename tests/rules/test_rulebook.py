import importlib
import tomllib
from typing import Any

import pytest

from rules.documents import DocumentError, round_order
from rules.parsing import parse_round, parse_rule
from rules.rulebook import FOLDER, all_rounds, all_rules, applies, params_of, rules_of

RULE: dict[str, Any] = {
    "code": "SMP001", "title": "t", "level": "required", "profile": "strict", "check": "files:required_files",
    "source": ["s"], "why": "w", "fix": "f", "params": {"limit_s": {"value": 1.5, "unit": "s"}},
}  # fmt: skip


def round_document(**changes: Any) -> dict[str, Any]:
    return tomllib.loads((FOLDER / "rounds" / "inference-v5.1.toml").read_text()) | changes


def sets() -> dict[str, Any]:
    return tomllib.loads((FOLDER / "sources.toml").read_text())


def test_every_rule_names_a_function_that_is_there() -> None:
    for rule in all_rules().values():
        module, _, name = rule.check.partition(":")
        assert callable(getattr(importlib.import_module(f"compliance.checks.{module}"), name)), rule.code
        assert rule.why
        assert rule.fix
        assert rule.source


def test_rounds_are_in_order_and_their_seeds_differ() -> None:
    rounds = all_rounds()
    assert list(rounds) == ["v1.0", "v1.1", "v2.0", "v2.1", "v3.0", "v3.1", "v4.0", "v4.1", "v5.0", "v5.1", "v6.0",
                            "v6.1"]  # fmt: skip
    assert len({rules.loadgen.seeds for rules in rounds.values()}) == len(rounds)
    days = [rules.published for rules in rounds.values() if rules.published]
    assert days == sorted(days)


def test_the_seeds_agree_with_what_loadgen_log_knows() -> None:
    from evidence.loadgen_log import ROUND_OF_SEEDS

    for seeds, name in ROUND_OF_SEEDS.items():
        assert all_rounds()[name].loadgen.seeds == seeds


@pytest.mark.parametrize(
    ("name", "tolerance_s", "versions", "shrink_s", "power_change"),
    [("v1.1", 0.2, ("1.9.1", "1.9.2"), 0, None), ("v3.1", 0.5, ("1.10.0",), 500, -0.05),
     ("v4.1", 0.8, ("1.10.0",), 800, -0.05), ("v6.1", 0.8, ("1.11.1",), 800, -0.05)],
)  # fmt: skip
def test_limits_that_moved(
    name: str, tolerance_s: float, versions: tuple[str, ...], shrink_s: float, power_change: float | None
) -> None:
    rules = all_rounds()[name]
    assert rules.reference.phase_tolerance_s == tolerance_s
    assert rules.ptdaemon.versions == versions
    assert rules.reference.log_window_shrink_s == shrink_s
    assert rules.reference.power_change == power_change


def test_source_sets_are_whole_and_named_by_their_server() -> None:
    for name, files in sets().items():
        assert files["lib/server.py"].startswith(name)
        assert all(len(digest) == 40 for digest in files.values())
        assert len(files) in {12, 15}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"levle": "x"}, "unknown key 'levle'"),
        ({"level": "must"}, "expected one of"),
        ({"source": [1]}, "texts"),
        ({"why": 5}, "'why'"),
        ({"params": {"a": {"value": 1}}}, "lacks 'unit'"),
        ({"params": {"a": 1}}, "expected a table"),
    ],
)
def test_a_rule_that_is_not_as_it_must_be_is_refused(change: dict[str, Any], text: str) -> None:
    with pytest.raises(DocumentError, match=text):
        parse_rule(RULE | change, "'SMP001.toml'")


@pytest.mark.parametrize(
    ("change", "text"),
    [({"extra": 1}, "unknown key"), ({"loadgen": {"seeds": ["1"], "minimum_duration_ms": 1}}, "expected 3"),
     ({"sources": {"sets": ["nope"], "complete": True}}, "does not have"), ({"published": "soon"}, "'published'"),
     ({"loadgen": {"seeds": ["1", "2", "3"], "minimum_duration_ms": True}}, "bool"),
     ({"benchmarks": {"samples": {"resnet": [1024, 50_000]}}}, "three whole numbers")],
)  # fmt: skip
def test_a_round_that_is_not_as_it_must_be_is_refused(change: dict[str, Any], text: str) -> None:
    with pytest.raises(DocumentError, match=text):
        parse_round(round_document(**change), sets(), "'x.toml'")


def test_a_round_may_have_its_own_limits() -> None:
    rule = parse_rule(RULE, "x")
    rules = parse_round(round_document(rules={"SMP001": {"limit_s": 3.0}}), sets(), "x")
    assert params_of(rule, rules) == {"limit_s": 3.0}
    assert params_of(rule, all_rounds()["v5.1"]) == {"limit_s": 1.5}
    with pytest.raises(DocumentError, match="no such parameter"):
        params_of(rule, parse_round(round_document(rules={"SMP001": {"limit_ms": 3}}), sets(), "x"))


def test_rules_apply_from_a_round_to_a_round() -> None:
    rule = parse_rule(RULE | {"since": "v3.1", "until": "v5.0"}, "x")
    assert [name for name in all_rounds() if applies(rule, name)] == ["v3.1", "v4.0", "v4.1", "v5.0"]


def test_profiles_part_the_rules() -> None:
    assert len(list(rules_of("v5.1", "reference"))) == 11
    strict = {rule.code for rule in rules_of("v5.1", "strict")}
    assert not strict & {rule.code for rule in rules_of("v5.1", "reference")}


def test_a_round_needs_a_name_of_numbers() -> None:
    assert round_order("v10.0") > round_order("v9.1")
    with pytest.raises(DocumentError, match=r"v5\.1"):
        round_order("five")
