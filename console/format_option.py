"""The option `--format` of commands that tell something to people or to programs."""

import click

format_option = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
