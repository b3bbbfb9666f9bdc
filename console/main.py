"""The `wattrig` command. Each subcommand is imported only when it is called, so that `--help` answers at once."""

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from console.lazy import LazyGroup
from metrology.errors import WattrigError

COMMANDS = {
    "demo": ("console.demo:demo", "Measure this machine with a simulated analyzer, from start to verdict."),
    "measure": ("console.measure:measure", "Measure a workload with director and client on one machine."),
    "director": ("console.director_command:director", "Serve the analyzers to a client on the measured machine."),
    "watch": ("console.watch:watch", "Follow a director's live page in the terminal."),
    "client": ("console.client_command:client", "Run a workload on the measured machine under a director."),
    "doctor": ("console.doctor:doctor", "See whether this machine is ready to measure, and what mends it."),
    "suggest": ("console.suggest:suggest", "Print the station.toml for the meters that are plugged in."),
    "init": ("console.init:init", "Ask a few questions and write a station.toml."),
    "analyzers": ("console.analyzers:analyzers", "Find, identify, read, check and record power analyzers."),
    "check": ("console.check:check", "Check a session or a submission against the rules of its round."),
    "package": ("console.package:package", "Build the tree of a submission from sessions, and check it."),
    "results": ("console.results:results", "Tell performance, power and efficiency of all results of a tree."),
    "system": ("console.system:system", "Describe the measured machine for a submission."),
    "report": ("console.report:report", "Write a report of a session or a tree: verdict, number, curves, findings."),
    "compare": ("console.compare:compare", "Hold two sessions against each other, and tell what differs."),
    "show": ("console.show:show", "Draw a session's power curve in the terminal."),
    "export": ("console.export:export", "Write a session's samples as Parquet or CSV."),
    "uncertainty": ("console.uncertainty:uncertainty", "Work out PTDaemon's uncertainty of a session once more."),
    "rule": ("console.rule:rule", "Print one rule of the rulebook, or list them."),
    "journal": ("console.journal:journal", "Print the journals of a session, or finish one that was broken off."),
    "keys": ("console.keys:keys", "Make a key, and say whom this machine trusts."),
    "verify": ("console.verify:verify", "Check a session against its signed statement."),
    "simulate": ("console.simulate:simulate", "Start a simulated power analyzer on a port of its own."),
    "completion": ("console.completion:completion", "Print what a shell needs to complete commands and values."),
}
"""Where each subcommand lives, and the line that `--help` shows for it."""

EXTRAS = {
    "cryptography": "security",
    "securesystemslib": "security",
    "numpy": "check",
    "serial": "director",
    "pyvisa": "director",
    "pyvisa_py": "director",
    "mlperf_loadgen": "loadgen",
    "jinja2": "report",
    "starlette": "web",
    "uvicorn": "web",
    "pyarrow": "export",
}
"""The extra of the distribution that brings a module which is not installed everywhere."""

FAILED = 2
"""Exit code of a tool that failed; 1 is kept for a verdict that is not valid."""


class Commands(LazyGroup):
    """All subcommands; what goes wrong in any of them ends with one message."""

    table = COMMANDS

    def main(self, args: Sequence[str] | None = None, *more: Any, **options: Any) -> Any:
        """Run, and turn an error that the operator can understand into one message and exit code 2."""
        if os.environ.get("NO_COLOR"):
            options.setdefault("color", False)
        try:
            return super().main(args, *more, **options)
        except WattrigError as problem:
            click.echo(f"wattrig: {problem}", err=True)
            sys.exit(FAILED)
        except ModuleNotFoundError as problem:
            if (extra := EXTRAS.get(problem.name or "")) is None:
                raise
            click.echo(f"wattrig: this command needs '{problem.name}', which is not installed", err=True)
            click.echo(f"  try: pip install 'wattrig[{extra}]'", err=True)
            sys.exit(FAILED)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(FAILED)
        except OSError as problem:
            where = "" if problem.filename is None else f"{problem.filename!r}: "
            click.echo(f"wattrig: {where}{problem.strerror or problem}", err=True)
            sys.exit(FAILED)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="wattrig")
def main() -> None:
    """Measure what a machine draws from the wall while it runs an MLPerf workload, and prove it.

    \b
    First steps:
      wattrig demo                      a whole measurement in two minutes, no hardware needed
      wattrig check demo-out/2*         what the checkers say of it
      wattrig measure -c station.toml -w ./run.sh -L logs -o out
    """


if __name__ == "__main__":
    main()
