"""The option `--round` of commands that judge sessions."""

import click

from console.completion_values import rounds

round_option = click.option(
    "--round", "round_name", default="auto", show_default=True, metavar="ROUND", shell_complete=rounds,
    help="a round, as v5.1",
)  # fmt: skip
