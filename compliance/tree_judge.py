"""The rules of a submission: of one result with what stands beside it, and of all results held against each other."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from compliance.findings import Ask, Finding, Findings, Outcome
from compliance.judge import answers, function_of
from compliance.result import Result
from compliance.submission import Entry, Tree
from rules.rulebook import all_rounds, params_of, rules_of


def judge_package(entry: Entry, result: Result, ignored: Mapping[str, str]) -> Result:
    """Add to a result what the rules say of the files beside it.

    Args:
        entry: the same result, as these rules see it.
        result: what its session gave.
        ignored: codes of rules whose failures are not to count, each with the reason.
    """
    return _with(result, _findings(entry, Tree([entry]), "package", ignored))


def judge_tree(pairs: Sequence[tuple[Entry, Result]], ignored: Mapping[str, str]) -> Iterator[Result]:
    """Add to each result of a tree what the rules across the tree say of it.

    Args:
        pairs: all results of the tree, each with its entry.
        ignored: codes of rules whose failures are not to count, each with the reason.
    """
    tree = Tree(entry for entry, _ in pairs)
    for entry, result in pairs:
        yield _with(result, _findings(entry, tree, "tree", ignored))


def _with(result: Result, findings: Iterator[Finding]) -> Result:
    merged = sorted((*result.findings, *findings), key=lambda found: found.code)
    return result._replace(findings=tuple(merged))


def _findings(
    entry: Entry, tree: Tree, profile: Literal["package", "tree"], ignored: Mapping[str, str]
) -> Iterator[Finding]:
    round_rules = all_rounds()[entry.round]
    for rule in rules_of(entry.round, profile):
        ask = Ask(rule, params_of(rule, round_rules), round_rules, ignored.get(rule.code, ""))
        check = function_of(rule.check) if entry.place else _no_submission
        for found in answers(ask, check, entry, tree):
            yield _not_held_against(found)


def _no_submission(_entry: Entry, _tree: Tree, ask: Ask) -> Findings:
    ask.not_applicable("the session is no part of a submission")


def _not_held_against(found: Finding) -> Finding:
    """What the tree at hand does not hold makes no session incomplete: it may be a part of a submission."""
    if found.outcome is Outcome.NOT_EVALUATED and found.level == "required":
        return found._replace(level="recommended")
    return found
