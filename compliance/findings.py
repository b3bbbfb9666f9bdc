"""What a check says: five outcomes, and the finding that carries one."""

from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple, Never

from rules.documents import Level, RoundRules, Rule, Value

Shown = bool | int | float | str | None


class Outcome(StrEnum):
    """How a check ended. A crash or a missing fact is never a pass."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    ERROR = "error"
    NOT_APPLICABLE = "not_applicable"
    NOT_EVALUATED = "not_evaluated"


class MissingFactError(Exception):
    """A check needs a fact that the package does not give; the text says which."""


class NotApplicableError(Exception):
    """A rule does not apply to this package; the text says why."""


class Finding(NamedTuple):
    """One thing that a check found.

    Attributes:
        code, level: of the rule.
        file: path below the session; empty where it is about no single file.
        line: counted from 1.
        sample: index of a sample, counted from 0.
        got, expected, unit: what was found and what should be, as values.
        hint: what to try.
        ignored: the reason given for not letting it count; empty where it counts.
    """

    code: str
    level: Level
    outcome: Outcome
    message: str
    file: str = ""
    line: int | None = None
    sample: int | None = None
    got: Shown = None
    expected: Shown = None
    unit: str = ""
    hint: str = ""
    ignored: str = ""

    def as_json(self) -> dict[str, Any]:
        """Get the finding as JSON has it."""
        return self._asdict()


class Ask(NamedTuple):
    """What a check is asked: its rule and the rules of the round; it answers with findings made here.

    Attributes:
        params: the rule's parameters, as this round has them.
        ignored: the reason for not letting failures count; empty where they count.
    """

    rule: Rule
    params: dict[str, Value]
    round: RoundRules
    ignored: str = ""

    def number(self, name: str) -> float:
        """Get a parameter that is a number."""
        value = self.params[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"parameter '{name}' of {self.rule.code} is no number")
        return value

    def texts(self, name: str) -> list[str]:
        """Get a parameter that is a list of texts."""
        value = self.params[name]
        return [str(entry) for entry in value] if isinstance(value, list) else [str(value)]

    def fail(
        self,
        message: str,
        *,
        file: str = "",
        line: int | None = None,
        sample: int | None = None,
        got: Shown = None,
        expected: Shown = None,
        unit: str = "",
        hint: str = "",
    ) -> Finding:
        """Make a finding that the rule is broken; the hint is the rule's own unless another is given."""
        hint = hint or self.rule.fix
        code, level = self.rule.code, self.rule.level
        return Finding(
            code, level, Outcome.FAIL, message, file, line, sample, got, expected, unit, hint, self.ignored
        )

    def other(self, outcome: Outcome, message: str) -> Finding:
        """Make a finding of another outcome."""
        return _other(self.rule.code, self.rule.level, outcome, message, self.ignored)

    def not_applicable(self, reason: str) -> Never:
        """Say that the rule does not apply."""
        raise NotApplicableError(reason)


@lru_cache(maxsize=1024)
def _other(code: str, level: Level, outcome: Outcome, message: str, ignored: str) -> Finding:
    """Make a finding; the same one for all sessions of a round, so that it is passed between processes once."""
    return Finding(code, level, outcome, message, ignored=ignored)


Findings = Iterator[Finding]
