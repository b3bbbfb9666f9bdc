"""A result as text: the verdict first, then the reference's checks, then what the rules found, then power."""

from collections.abc import Iterator

import click

from compliance.findings import Finding, Outcome
from compliance.power import PowerResult
from compliance.result import ReferenceCheck, Result
from console.plain import plain

COLOURS = {
    "valid": "green", "pass": "green", "valid_with_warnings": "yellow", "warn": "yellow", "incomplete": "yellow",
    "not_evaluated": "yellow", "invalid": "red", "fail": "red", "error": "red",
}  # fmt: skip


def _coloured(word: str, width: int = 0) -> str:
    return click.style(word.replace("_", " ").ljust(width), fg=COLOURS.get(word))


def lines_of(result: Result, *, passes: bool = False) -> Iterator[str]:
    """Get the lines that tell a result; `passes` tells rules that pass or do not apply, too."""
    yield plain(result.path)
    strict, reference = _coloured(result.strict_verdict), _coloured(result.reference_verdict)
    yield f"  strict: {strict}   reference: {reference}   round {result.round} ({plain(result.round_reason)})"
    yield ""
    yield f"  The reference checker of {result.round}"
    for check in result.reference_checks:
        yield from _reference(check)
    yield from _findings(result, passes)
    if result.power:
        yield from _power(result.power)


def _reference(check: ReferenceCheck) -> Iterator[str]:
    yield f"    {_coloured(check.outcome, 5)} {check.check}"
    if check.message and check.outcome != "pass":
        yield f"          {plain(check.message)}"


def _findings(result: Result, passes: bool) -> Iterator[str]:
    shown = result.shown(passes=passes)
    failed = [found for found in shown if found.outcome in {Outcome.FAIL, Outcome.ERROR}]
    untold = [found for found in shown if found.outcome is Outcome.NOT_EVALUATED]
    others = [found for found in shown if found not in failed and found not in untold]
    for title, findings in (
        ("Rules that are broken", failed), ("Rules that could not be evaluated", untold), ("All other rules", others),
    ):  # fmt: skip
        if findings:
            yield ""
            yield f"  {title}"
            yield from (
                _untold(untold) if findings is untold else (line for each in findings for line in _finding(each))
            )


def _untold(findings: list[Finding]) -> Iterator[str]:
    """Tell what could not be evaluated; of all rules that lack the same, at once."""
    for message in dict.fromkeys(found.message for found in findings):
        codes = [found.code for found in findings if found.message == message]
        yield f"    {', '.join(codes)} {_coloured(Outcome.NOT_EVALUATED)}"
        yield f"           {plain(message)}"


def _finding(found: Finding) -> Iterator[str]:
    place = plain(found.file) + (f":{found.line}" if found.line else "")
    outcome = _coloured(found.outcome.value, 5)
    yield f"    {found.code} {outcome} {plain(found.message)}" + (f" [{place}]" if place else "")
    details = []
    if found.got is not None:
        details.append(f"got {plain(found.got)}{' ' + found.unit if found.unit else ''}")
    if found.expected is not None:
        details.append(f"expected {plain(found.expected)}{' ' + found.unit if found.unit else ''}")
    if details:
        yield f"           {', '.join(details)} ({found.level})"
    if found.ignored:
        yield f"           ignored: {plain(found.ignored)}"
    elif found.hint and found.outcome is not Outcome.PASS:
        yield f"           try: {plain(found.hint.replace(chr(10), ' '))}"


def _power(power: PowerResult) -> Iterator[str]:
    yield ""
    yield "  Power of the testing run"
    bad = f", {power.samples_bad} of them bad" if power.samples_bad else ""
    yield f"    mean    {power.mean_w:.3f} W over {power.window_s:.3f} s ({power.samples} samples{bad})"
    yield f"    energy  {power.energy_j:.1f} J"
    if power.time_weighted_mean_w is not None:
        yield f"            {power.time_weighted_mean_w:.3f} W weighted by time, true values of bad samples included"
    if power.metric is not None and power.scenario is not None:
        inferred = ", inferred" if power.inferred else ""
        yield f"    result  {power.metric:.6f} {power.unit} ({power.scenario}{inferred})"
