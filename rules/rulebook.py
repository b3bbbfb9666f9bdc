"""The rulebook: every rule and every round, read from the documents beside this file."""

import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from rules.documents import DocumentError, RoundRules, Rule, Value, round_order
from rules.parsing import parse_round, parse_rule

RULEBOOK_VERSION = "1"
"""Changes when a rule or a round changes; part of what a cached verdict depends on."""
SCHEMA_VERSION = 1
"""Changes when the form of the documents or of the results changes."""

FOLDER = Path(__file__).parent


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as problem:
        raise DocumentError(f"'{path.name}' cannot be read: {problem}") from problem


@lru_cache(maxsize=1)
def all_rules() -> Mapping[str, Rule]:
    """Get all rules by code, sorted by code.

    Raises:
        DocumentError: a document is not as it must be.
    """
    found = {}
    for path in sorted((FOLDER / "checks").glob("*.toml")):
        rule = parse_rule(_read(path), f"'{path.name}'")
        if rule.code != path.stem:
            raise DocumentError(f"'{path.name}' has the code '{rule.code}', expected '{path.stem}'")
        found[rule.code] = rule
    return found


@lru_cache(maxsize=1)
def all_rounds() -> Mapping[str, RoundRules]:
    """Get all rounds by name, the oldest first.

    Raises:
        DocumentError: a document is not as it must be.
    """
    sets = _read(FOLDER / "sources.toml")
    found = [
        parse_round(_read(path), sets, f"'{path.name}'") for path in (FOLDER / "rounds").glob("inference-*.toml")
    ]
    return {rules.name: rules for rules in sorted(found, key=lambda rules: rules.order)}


def applies(rule: Rule, round_name: str) -> bool:
    """Tell whether a rule applies to a round."""
    at = round_order(round_name)
    return (not rule.since or at >= round_order(rule.since)) and (not rule.until or at <= round_order(rule.until))


@cache
def rules_of(round_name: str, profile: str) -> tuple[Rule, ...]:
    """Get the rules of a round of one of the `PROFILES`, sorted by code."""
    return tuple(rule for rule in all_rules().values() if rule.profile == profile and applies(rule, round_name))


def params_of(rule: Rule, round_rules: RoundRules) -> dict[str, Value]:
    """Get the parameters of a rule in a round: the rule's own, unless the round has another.

    Raises:
        DocumentError: the round names a parameter that the rule does not have.
    """
    own = round_rules.rules.get(rule.code, {})
    unknown = [name for name in own if name not in rule.params]
    if unknown:
        raise DocumentError(
            f"round {round_rules.name} sets '{unknown[0]}' of {rule.code}, which has no such parameter"
        )
    return {name: own.get(name, param.value) for name, param in rule.params.items()}


@lru_cache(maxsize=1)
def system_fields() -> Mapping[str, tuple[str, ...]]:
    """Get the names of the fields of a system's description and of measurements.json, by what is asked of them.

    Raises:
        DocumentError: the document cannot be read.
    """
    return {kind: tuple(names) for kind, names in _read(FOLDER / "system_fields.toml").items()}
