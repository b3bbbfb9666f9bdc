"""Results as one page that needs nothing else: summary, a table, and every result to unfold."""

from collections import Counter
from collections.abc import Sequence

from compliance.findings import Outcome
from compliance.result import Result
from console.plot import number
from console.report_tables import said_unit
from console.templates import render


def page(results: Sequence[Result], *, passes: bool = False) -> str:
    """Get the page.

    Args:
        results: what to tell.
        passes: whether rules that pass or do not apply are told, too.

    Raises:
        ConfigError: jinja2 is not installed.
    """
    return render(
        "check.html",
        results=results,
        passes=passes,
        verdicts=("valid", "valid_with_warnings", "incomplete", "invalid"),
        strict=Counter(result.strict_verdict for result in results),
        reference=Counter(result.reference_verdict for result in results),
        broken=_broken(results),
        number=number,
        said_unit=said_unit,
    )


def _broken(results: Sequence[Result]) -> list[tuple[str, str, str, int]]:
    """Count the results that break each rule: code, level, first message, number."""
    counts: Counter[tuple[str, str]] = Counter()
    messages: dict[str, str] = {}
    for result in results:
        failed = [found for found in result.findings if found.outcome in {Outcome.FAIL, Outcome.ERROR}]
        counts.update({(found.code, found.level) for found in failed})
        for found in failed:
            messages.setdefault(found.code, found.message)
    return [(code, level, messages[code], count) for (code, level), count in sorted(counts.items())]
