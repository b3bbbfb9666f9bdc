"""`wattrig report`: a session, or a tree of them, as one page that needs nothing else."""

import sys
from pathlib import Path

import click

from console.round_option import round_option

NOTHING = 3
"""Exit code where there is no session."""


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE",
              help="where to write it  [default: in the session's wattrig/, else here]")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["html", "pdf"]), default="html", show_default=True,
              help="pdf needs Chromium")  # fmt: skip
@round_option
@click.option("--open", "opens", is_flag=True, help="show it in the browser")
def report(path: Path, output: Path | None, form: str, round_name: str, opens: bool) -> None:
    """Write a report of PATH: verdict, number, curves, findings.

    PATH is a session folder, the performance folder of a submission, or a tree that holds some: then the page has a
    table of all results, energy against performance, and each session's own report in a folder beside it.

    \b
    Examples:
      wattrig report demo-out/2026-03-01_10-00-00
      wattrig report demo-out/2026-03-01_10-00-00 --format pdf -o result.pdf
      wattrig report closed/Example/results -o results.html

    \b
    Exit codes: 0 written, whatever the verdict; 2 the tool failed; 3 there is no session.
    """
    from console.report_file import default_place, say_written, write_page
    from evidence.session import find_session

    output = output or default_place(path, form)
    if find_session(path) is not None:
        from console.report_page import report_page
        from console.session_view import view_session

        write_page(report_page(view_session(path, round_name)), output, form)
    else:
        from console.tree_report import write_tree

        if not write_tree(path, output, form, round_name):
            sys.exit(NOTHING)
    say_written(output, opens=opens)
