"""The result of checking one session, and its JSON."""

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from compliance.findings import Finding, Outcome
from compliance.power import PowerResult
from rules.rulebook import RULEBOOK_VERSION, SCHEMA_VERSION

ReferenceOutcome = Literal["pass", "warn", "fail", "error"]
ReferenceVerdict = Literal["valid", "valid_with_warnings", "invalid"]
StrictVerdict = Literal["valid", "invalid", "incomplete"]


class ReferenceCheck(NamedTuple):
    """One of the eleven checks of the reference, by the reference's name."""

    check: str
    outcome: ReferenceOutcome
    message: str


class Result(NamedTuple):
    """All that is said of one session.

    Attributes:
        path: as it was asked for.
        round, round_reason: which round it was judged by, and why that one.
        findings: of every strict rule of the round, passes included.
        power: None where no window or no samples were found.
    """

    path: str
    round: str
    round_reason: str
    reference_checks: tuple[ReferenceCheck, ...]
    findings: tuple[Finding, ...]
    power: PowerResult | None

    @property
    def reference_verdict(self) -> ReferenceVerdict:
        """What the reference says of all its checks."""
        outcomes = {check.outcome for check in self.reference_checks}
        if outcomes & {"fail", "error"}:
            return "invalid"
        return "valid_with_warnings" if "warn" in outcomes else "valid"

    @property
    def strict_verdict(self) -> StrictVerdict:
        """What the required rules say: a failure counts more than what could not be told."""
        counting = {found.outcome for found in self.findings if found.level == "required" and not found.ignored}
        if Outcome.FAIL in counting:
            return "invalid"
        return "incomplete" if counting & {Outcome.ERROR, Outcome.NOT_EVALUATED} else "valid"

    def is_valid(self, verdict: str) -> bool:
        """Tell whether a verdict, "strict" or "reference", lets the session pass."""
        if verdict == "reference":
            return self.reference_verdict != "invalid"
        return self.strict_verdict == "valid"

    def shown(self, *, passes: bool = False) -> list[Finding]:
        """Get the findings to show: failures, crashes and what could not be told; with `passes` all of them."""
        quiet = {Outcome.PASS, Outcome.NOT_APPLICABLE}
        return [found for found in self.findings if passes or found.outcome not in quiet]

    def as_json(self, *, passes: bool = False) -> dict[str, Any]:
        """Get the result as JSON has it."""
        return {
            "path": self.path,
            "round": self.round,
            "round_reason": self.round_reason,
            "verdicts": {"reference": self.reference_verdict, "strict": self.strict_verdict},
            "reference_checks": [check._asdict() for check in self.reference_checks],
            "findings": [_finite(found.as_json()) for found in self.shown(passes=passes)],
            "power": _finite(self.power.as_json()) if self.power else None,
        }


HEAD = {"schema": SCHEMA_VERSION, "rulebook": RULEBOOK_VERSION}
"""What every document begins with."""


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """Turn what JSON cannot say (NaN, infinity) into null."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in values.items()
    }


def document(results: Sequence[Result], *, passes: bool = False) -> dict[str, Any]:
    """Get the document that `wattrig check --format json` prints."""
    return {**HEAD, "results": [result.as_json(passes=passes) for result in results]}


def line(result: Result, *, passes: bool = False) -> dict[str, Any]:
    """Get the line that `--format jsonl` prints of a session."""
    return {**HEAD, **result.as_json(passes=passes)}


def tree_line(before: Sequence[Result], after: Sequence[Result], *, passes: bool = False) -> dict[str, Any]:
    """Get the last line of `--format jsonl`: the findings across the tree, each with the path of its session.

    Args:
        before: the results as their own lines told them.
        after: the same results with the findings across the tree.
        passes: whether passes are told, too.
    """
    added = [
        {"path": new.path, **_finite(found.as_json())}
        for old, new in zip(before, after, strict=True)
        for found in new.shown(passes=passes)
        if found not in old.findings
    ]
    return {**HEAD, "tree": added}
