"""Many results as text: how many are valid, which are not, and what failed, the same finding told once."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import click

from compliance.findings import Finding, Outcome
from compliance.result import Result
from console.plain import plain
from console.verdict import COLOURS
from rules.documents import LEVELS

MOST_RESULTS, MOST_MESSAGES = 20, 3
"""Results that are not valid, and different messages of one rule, that are told one by one."""
VERDICTS = ("valid", "valid_with_warnings", "incomplete", "invalid")

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


class _Told(NamedTuple):
    """What is told of a result: a message and what it is about."""

    path: str
    place: str
    message: str


class _Found(NamedTuple):
    """A finding of a result."""

    path: str
    finding: Finding


def overview(results: Sequence[Result], *, passes: bool = False) -> Iterator[str]:
    """Get the lines that sum up results; `passes` tells rules that pass or do not apply, too."""
    common = _common([result.path for result in results])
    results = [result._replace(path=os.path.relpath(result.path, common or None)) for result in results]
    yield from _table(results, common)
    yield from _not_valid(results)
    yield from _reference(results)
    found = [_Found(result.path, each) for result in results for each in result.shown(passes=passes)]
    broken, other = {Outcome.FAIL, Outcome.ERROR}, {Outcome.PASS, Outcome.NOT_APPLICABLE}
    yield from _rules(
        "Rules that are broken", [each for each in found if each.finding.outcome in broken], len(results)
    )
    yield from _untold([each for each in found if each.finding.outcome is Outcome.NOT_EVALUATED], len(results))
    yield from _rules("All other rules", [each for each in found if each.finding.outcome in other], len(results))


def _common(paths: Sequence[str]) -> str:
    """Get the folder that all paths lie below; empty where there is none."""
    absolute = {os.path.isabs(path) for path in paths}  # noqa: PTH117 - what is shown are texts
    return os.path.commonpath(paths) if len(absolute) == 1 else ""


def _table(results: Sequence[Result], common: str) -> Iterator[str]:
    strict = Counter[str](result.strict_verdict for result in results)
    reference = Counter[str](result.reference_verdict for result in results)
    yield plain(f"{len(results)} power results" + (f" below {common}" if common else ""))
    yield f"{'':28}strict   reference"
    for verdict in VERDICTS:
        if strict[verdict] or reference[verdict]:
            words = click.style(verdict.replace("_", " ").ljust(24), fg=COLOURS[verdict])
            yield f"  {words}  {strict[verdict] or '-':>6}   {reference[verdict] or '-':>9}"


def _not_valid(results: Sequence[Result]) -> Iterator[str]:
    bad = [result for result in results if result.strict_verdict != "valid"]
    if bad:
        yield from ("", "  Results that are not valid (strict)")
    for result in bad[:MOST_RESULTS]:
        codes = {found.code for found in result.shown() if found.level == "required" and not found.ignored}
        yield f"    {plain(result.path)}"
        verdict = click.style(result.strict_verdict, fg=COLOURS[result.strict_verdict])
        yield f"      {verdict}: {', '.join(sorted(codes))}"
    if len(bad) > MOST_RESULTS:
        yield f"    and {len(bad) - MOST_RESULTS} more; --format json tells all"


def _reference(results: Sequence[Result]) -> Iterator[str]:
    found = [
        ((check.check, check.outcome), _Told(result.path, "", check.message))
        for result in results
        for check in result.reference_checks
        if check.outcome != "pass"
    ]
    if found:
        yield from ("", "  Checks of the reference that do not pass")
    for (name, outcome), group in _grouped(found, lambda each: each[0]):
        yield f"    {click.style(outcome.ljust(5), fg=COLOURS[outcome])} {name}: {len(group)} of {len(results)}"
        yield from _messages(told for _, told in group)


def _rules(title: str, found: Sequence[_Found], total: int) -> Iterator[str]:
    if found:
        yield from ("", f"  {title}")
    order = sorted(found, key=lambda each: (LEVELS.index(each.finding.level), each.finding.code))
    for (code, level, outcome, ignored), group in _grouped(order, _kind):
        word = click.style(outcome.replace("_", " "), fg=COLOURS.get(outcome))
        yield f"    {code} {word}, {level}: {len({each.path for each in group})} of {total} results"
        if outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE):
            continue
        yield from _messages(_Told(each.path, _place(each.finding), each.finding.message) for each in group)
        hint = group[0].finding.hint
        if ignored:
            yield f"           ignored: {plain(ignored)}"
        elif hint:
            yield f"           try: {plain(hint.replace(chr(10), ' '))}"


def _untold(found: Sequence[_Found], total: int) -> Iterator[str]:
    """Tell what could not be evaluated: of all rules that lack the same, at once."""
    if found:
        yield from ("", "  Rules that could not be evaluated")
    groups = sorted(_grouped(found, lambda each: each.finding.message), key=lambda group: -len(group[1]))
    for message, group in groups[:MOST_RESULTS]:
        codes = sorted({each.finding.code for each in group})
        yield f"    {', '.join(codes)}: {len({each.path for each in group})} of {total} results"
        yield f"           {plain(message)}"
    if len(groups) > MOST_RESULTS:
        yield f"    and {len(groups) - MOST_RESULTS} further messages"


def _kind(found: _Found) -> tuple[str, str, str, str]:
    finding = found.finding
    return finding.code, finding.level, finding.outcome.value, finding.ignored


def _place(finding: Finding) -> str:
    line = f":{finding.line}" if finding.line else ""
    return f"  [{finding.file}{line}]" if finding.file else ""


def _messages(told: Iterable[_Told]) -> Iterator[str]:
    """Tell each message once, with how often it comes and where first; the most frequent ones first."""
    groups = sorted(_grouped(told, lambda each: each.message), key=lambda group: -len(group[1]))
    for message, group in groups[:MOST_MESSAGES]:
        times = f"{len(group)} x " if len(group) > 1 else ""
        yield f"           {times}{plain(message)}"
        yield f"             {'first: ' if times else ''}{plain(group[0].path + group[0].place)}"
    if len(groups) > MOST_MESSAGES:
        yield f"           and {len(groups) - MOST_MESSAGES} further messages"


def _grouped(values: Iterable[T], key: Callable[[T], K]) -> list[tuple[K, list[T]]]:
    groups: dict[K, list[T]] = defaultdict(list)
    for value in values:
        groups[key(value)].append(value)
    return list(groups.items())
