"""The option `--quiet`, which every command has: results, warnings and errors are told, and nothing else."""

from typing import Any

import click

_KEY = "wattrig.quiet"


def _take_note(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[_KEY] = True


def is_quiet() -> bool:
    """Tell whether the command that runs in this thread was asked to be quiet."""
    ctx = click.get_current_context(silent=True)
    return bool(ctx and ctx.meta.get(_KEY))


def note(text: str) -> None:
    """Say on stderr how things go, unless that is not wanted."""
    if not is_quiet():
        click.echo(text, err=True)


def quiet_option() -> click.Option:
    """Make the option."""
    settings: dict[str, Any] = {"is_flag": True, "expose_value": False, "is_eager": True, "callback": _take_note}
    return click.Option(["-q", "--quiet"], help="Tell results, warnings and errors, and nothing else.", **settings)


def with_quiet(command: click.Command) -> click.Command:
    """Give a command the option, and all commands of a group; where it has it already, nothing is done."""
    if isinstance(command, click.Group):
        for each in command.commands.values():
            with_quiet(each)
    elif not any("--quiet" in param.opts for param in command.params):
        command.params.append(quiet_option())
    return command
