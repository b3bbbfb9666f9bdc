"""Both verdicts on one session, from one reading of its files.

`reference` is what the MLCommons checker of the round says, check by check; `strict` is what the rules demand and the
data show. Pure over facts: the same facts and the same round always give the same result.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from compliance.checks.reference_result import Failed, Warned
from compliance.facts import SessionFacts, gather
from compliance.findings import Ask, Finding, Findings, MissingFactError, NotApplicableError, Outcome
from compliance.power import power_of
from compliance.result import ReferenceCheck, Result
from compliance.rounds import find_round
from evidence.session import find_session
from metrology.errors import EvidenceError
from rules.documents import RoundRules, Rule
from rules.rulebook import params_of, rules_of

BROKEN = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, EvidenceError, RecursionError)
"""What a function may raise on data of another shape than it expects."""

ReferenceFunction = Callable[[SessionFacts, RoundRules], str]


def check_session(
    path: Path, round_name: str = "auto", ignored: Mapping[str, str] | None = None, within: Path | None = None
) -> Result | None:
    """Check one session.

    Args:
        path: a session folder, or a `performance/` folder, or the folder that holds one.
        round_name: "v5.1", or "auto" to find it from the package.
        ignored: codes of rules whose failures are not to count, each with the reason.
        within: the folder that links must not lead out of; the session itself where not given.

    Returns:
        the result; None where `path` holds no session.

    Raises:
        ConfigError: there is no such round.
    """
    folder = find_session(path, within)
    return None if folder is None else judge(gather(folder), str(path), round_name, ignored)


def judge(
    facts: SessionFacts, path: str, round_name: str = "auto", ignored: Mapping[str, str] | None = None
) -> Result:
    """Judge the facts of a session; `path` is what to call it in the result.

    Raises:
        ConfigError: there is no such round.
    """
    round_rules, reason = find_round(facts, round_name)
    return Result(
        path=path,
        round=round_rules.name,
        round_reason=reason,
        reference_checks=tuple(_reference(facts, round_rules)),
        findings=tuple(_strict(facts, round_rules, ignored or {})),
        power=power_of(facts, round_rules),
    )


@cache
def function_of(check: str) -> Callable[..., Any]:
    """Get the function that a rule names, `module:function` below compliance.checks."""
    module, _, name = check.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(f"compliance.checks.{module}"), name)
    return found


def _reference(facts: SessionFacts, round_rules: RoundRules) -> Iterator[ReferenceCheck]:
    for rule in rules_of(round_rules.name, "reference"):
        yield _reference_check(rule, function_of(rule.check), facts, round_rules)


def _reference_check(
    rule: Rule, function: ReferenceFunction, facts: SessionFacts, round_rules: RoundRules
) -> ReferenceCheck:
    try:
        return ReferenceCheck(rule.title, "pass", function(facts, round_rules))
    except Failed as problem:
        return ReferenceCheck(rule.title, "fail", str(problem))
    except Warned as problem:
        return ReferenceCheck(rule.title, "warn", str(problem))
    except (*BROKEN, MissingFactError, StopIteration) as problem:
        return ReferenceCheck(rule.title, "error", f"the reference ends in an exception: {_told(problem)}")


def _told(problem: BaseException) -> str:
    return f"{type(problem).__name__.removesuffix('Error')}: {str(problem)[:300]}".removesuffix(": ")


def _strict(facts: SessionFacts, round_rules: RoundRules, ignored: Mapping[str, str]) -> Iterator[Finding]:
    for rule in rules_of(round_rules.name, "strict"):
        ask = Ask(rule, params_of(rule, round_rules), round_rules, ignored.get(rule.code, ""))
        yield from answers(ask, function_of(rule.check), facts)


def answers(ask: Ask, check: Callable[..., Findings], *facts: Any) -> Findings:
    """Get the findings of one rule: what its check yields, or one pass, or why it could not be checked.

    Args:
        ask: the rule, and what it has to know of the round.
        check: its function.
        facts: what the function takes before `ask`.
    """
    found: list[Finding] = []
    try:
        found.extend(check(*facts, ask))
    except NotApplicableError as reason:
        found.append(ask.other(Outcome.NOT_APPLICABLE, str(reason)))
    except MissingFactError as missing:
        found.append(ask.other(Outcome.NOT_EVALUATED, f"cannot be told without: {missing}"))
    except BROKEN as problem:
        found.append(ask.other(Outcome.ERROR, f"the check itself failed ({_told(problem)})"))
    return iter(found or [ask.other(Outcome.PASS, ask.rule.title)])
