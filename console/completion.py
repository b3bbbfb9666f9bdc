"""`wattrig completion`: what a shell needs to complete commands, options and values."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_WATTRIG_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete commands, options, files, rules, rounds and device types.

    \b
    Examples:
      wattrig completion bash > ~/.local/share/bash-completion/completions/wattrig
      wattrig completion zsh > "${fpath[1]}/_wattrig"
      wattrig completion fish > ~/.config/fish/completions/wattrig.fish
      eval "$(wattrig completion bash)"              for this shell alone
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"click knows no completion for {shell}")
    click.echo(found(ctx.find_root().command, {}, "wattrig", VARIABLE).source())
