"""`wattrig check`: what the checkers say of a session."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from compliance.result import Result

VALID, NOT_VALID, FAILED, NOTHING_CHECKED = 0, 1, 2, 3
"""Exit codes: every session valid; some not valid or incomplete; the tool failed; nothing was checked."""


def _ignored(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Take `CODE=reason`; a reason must be given."""
    found = {}
    for value in values:
        code, _equals, reason = value.partition("=")
        if not reason.strip():
            raise click.BadParameter(f"got '{value}', expected CODE=REASON: what is ignored needs a reason")
        found[code.strip().upper()] = reason.strip()
    return found


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--round", "round_name", default="auto", show_default=True, metavar="ROUND", help="a round, as v5.1")
@click.option("--verdict", type=click.Choice(["strict", "reference"]), default="strict", show_default=True,
              help="the verdict that the exit code follows; both are shown")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--all", "passes", is_flag=True, help="show rules that pass or do not apply, too")
@click.option("--ignore", "ignored", multiple=True, callback=_ignored, metavar="CODE=REASON",
              help="do not let a rule count; the reason is shown in the result")  # fmt: skip
def check(
    paths: tuple[Path, ...], round_name: str, verdict: str, form: str, passes: bool, ignored: dict[str, str]
) -> None:
    """Check sessions against the rules of their round: the reference checker's verdict and ours.

    PATH is a session folder or the performance folder of a submission.

    \b
    Exit codes: 0 valid, 1 invalid or incomplete by the verdict asked for, 2 the tool failed, 3 nothing was checked.
    """
    results = []
    for path in paths:
        result = _checked(path, round_name, ignored)
        if result is None:
            click.echo(f"wattrig: '{path}' holds no session (no power/, ranging/ or run_1/)", err=True)
        else:
            results.append(result)
    _show(results, form, passes)
    if not results:
        sys.exit(NOTHING_CHECKED)
    sys.exit(VALID if all(result.is_valid(verdict) for result in results) else NOT_VALID)


def _checked(path: Path, round_name: str, ignored: dict[str, str]) -> "Result | None":
    from compliance.judge import check_session

    return check_session(path, round_name, ignored)


def _show(results: "list[Result]", form: str, passes: bool) -> None:
    if form == "json":
        from compliance.result import document

        click.echo(json.dumps(document(results, passes=passes), indent=2, allow_nan=False))
        return
    from console.verdict import lines_of

    for number, result in enumerate(results):
        for line in [*([""] if number else []), *lines_of(result, passes=passes)]:
            click.echo(line)
