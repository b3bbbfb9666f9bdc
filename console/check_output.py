"""The forms in which `wattrig check` tells its results: text, one JSON document, JSON lines, or a page."""

import json
from collections.abc import Iterator, Sequence

import click

from compliance.result import Result, document, line, tree_line
from console.verdict import lines_of

IN_FULL = 3
"""Most results that are told one by one in the form of text; more are summed up."""


class Output:
    """Tells results.

    Args:
        form: "text", "json", "jsonl" or "html".
        passes: whether rules that pass or do not apply are told, too.
    """

    def __init__(self, form: str, *, passes: bool) -> None:
        self._form = form
        self._passes = passes

    def one(self, result: Result) -> None:
        """Tell a result as soon as it is there, where the form allows it."""
        if self._form == "jsonl":
            click.echo(json.dumps(line(result, passes=self._passes), allow_nan=False))

    def across(self, before: Sequence[Result], after: Sequence[Result]) -> None:
        """Tell what the rules across the tree added to results that were told before."""
        if self._form == "jsonl":
            found = tree_line(before, after, passes=self._passes)
            if found["tree"]:
                click.echo(json.dumps(found, allow_nan=False))

    def end(self, results: Sequence[Result]) -> None:
        """Tell all results."""
        if self._form == "json":
            for text in self._json(results):
                click.echo(text)
        elif self._form == "html":
            from console.check_page import page

            click.echo(page(results, passes=self._passes))
        elif self._form == "text":
            self._text(results)

    def _json(self, results: Sequence[Result]) -> Iterator[str]:
        """Write the document: of few results to be read by people, of many on a line each, ten times as fast."""
        if len(results) <= IN_FULL:
            yield json.dumps(document(results, passes=self._passes), indent=2, allow_nan=False)
            return
        head, *rest = json.dumps(document([])).rpartition("]")
        yield head
        for number, result in enumerate(results, 1):
            text = json.dumps(result.as_json(passes=self._passes), allow_nan=False)
            yield text + ("," if number < len(results) else "")
        yield "".join(rest)

    def _text(self, results: Sequence[Result]) -> None:
        if len(results) > IN_FULL:
            from console.overview import overview

            told = overview(results, passes=self._passes)
        else:
            told = (text for result in results for text in ("", *lines_of(result, passes=self._passes)))
            next(told)
        for text in told:
            click.echo(text)
