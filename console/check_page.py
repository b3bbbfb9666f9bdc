"""Results as one page that needs nothing else: summary, a table, and every result to unfold."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from compliance.findings import Outcome
from compliance.result import Result
from console.verdict import plain
from metrology.errors import ConfigError
from rules.rulebook import RULEBOOK_VERSION

TEMPLATE = Path(__file__).parent / "pages" / "check.html"


def page(results: Sequence[Result], *, passes: bool = False) -> str:
    """Get the page.

    Args:
        results: what to tell.
        passes: whether rules that pass or do not apply are told, too.

    Raises:
        ConfigError: jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as problem:
        raise ConfigError("a page needs jinja2, which is not installed", "pip install 'wattrig[report]'") from problem
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_shown
    )
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        results=results,
        passes=passes,
        rulebook=RULEBOOK_VERSION,
        verdicts=("valid", "valid_with_warnings", "incomplete", "invalid"),
        strict=Counter(result.strict_verdict for result in results),
        reference=Counter(result.reference_verdict for result in results),
        broken=_broken(results),
        not_told=Outcome.NOT_EVALUATED,
    )


def _shown(value: object) -> object:
    """Take control characters, and bytes that are no text, out of what a package says."""
    return plain(value) if isinstance(value, str) else value


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
