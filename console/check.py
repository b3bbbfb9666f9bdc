"""`wattrig check`: what the checkers say of a session, or of every power result of a tree."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.round_option import round_option
from metrology.errors import ConfigError

if TYPE_CHECKING:
    from compliance.batch import Options

VALID, NOT_VALID, FAILED, NOTHING_CHECKED, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes: every session valid; some not valid or incomplete; the tool failed; nothing was checked; Ctrl-C."""


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
@round_option
@click.option("--verdict", type=click.Choice(["strict", "reference"]), default="strict", show_default=True,
              help="the verdict that the exit code follows; both are shown")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json", "jsonl", "html"]), default="text",
              show_default=True, help="jsonl: a line for each session as soon as it is done")  # fmt: skip
@click.option("--all", "passes", is_flag=True, help="show rules that pass or do not apply, too")
@click.option("--ignore", "ignored", multiple=True, callback=_ignored, metavar="CODE=REASON",
              help="do not let a rule count; the reason is shown in the result")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="sessions checked at once  [default: all cores]")
@click.option("--no-cache", is_flag=True, help="check every session of a tree anew")
def check(
    paths: tuple[Path, ...],
    round_name: str,
    verdict: str,
    form: str,
    passes: bool,
    ignored: dict[str, str],
    jobs: int | None,
    no_cache: bool,
) -> None:
    """Check sessions against the rules of their round: the reference checker's verdict and ours.

    PATH is a session folder, the performance folder of a submission, a tree with any number of them, or such a tree
    as a zip or tar file.

    \b
    Examples:
      wattrig check demo-out/2026-03-01_10-00-00
      wattrig check closed/Example/results --round v5.1 --format json
      wattrig check submission.tar.gz --ignore PWR003="a simulated meter, for learning"

    \b
    Exit codes: 0 valid, 1 invalid or incomplete by the verdict asked for, 2 the tool failed, 3 nothing was checked,
    130 interrupted (what is done is kept, and not done again).
    """
    # numpy's threads are for multiplying matrices; starting them takes as long as checking a session.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from console.check_output import Output
    from console.check_run import checked, searched

    output = Output(form, passes=passes)
    with ExitStack() as stack:
        try:
            found = [each for path in paths for each in searched(path, stack)]
            options = _options(round_name, ignored, keep=len(found) > 1 and not no_cache)
            results = checked(found, options, jobs, output)
        except KeyboardInterrupt:
            click.echo("wattrig: interrupted; the same command goes on from here", err=True)
            sys.exit(INTERRUPTED)
    if not results:
        sys.exit(NOTHING_CHECKED)
    output.end(results)
    sys.exit(VALID if all(result.is_valid(verdict) for result in results) else NOT_VALID)


def _options(round_name: str, ignored: dict[str, str], *, keep: bool) -> "Options":
    """Make the options of a check; `keep` keeps the results in the cache.

    Raises:
        ConfigError: there is no such round, or no such rule.
    """
    from compliance.batch import Options
    from rules.rulebook import all_rounds, all_rules

    rounds = all_rounds()
    if round_name not in {"auto", *rounds}:
        raise ConfigError(f"there is no round '{round_name}'", f"choose one of {', '.join(rounds)}, or auto")
    unknown = [code for code in ignored if code not in all_rules()]
    if unknown:
        raise ConfigError(f"there is no rule '{unknown[0]}' to ignore", "`wattrig rule` lists all rules")
    if not keep:
        return Options(round_name, ignored)
    from compliance.cache import Cache

    return Options(round_name, ignored, Cache.of(round_name, sorted(ignored.items())))
