"""`wattrig completion`: what a shell needs to complete commands, options and values."""

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")
WATTRIG, PTD = "wattrig", "wattrig-ptd"
VARIABLE = "_WATTRIG_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.argument("program", type=click.Choice([WATTRIG, PTD]), default=WATTRIG)
@click.pass_context
def completion(ctx: click.Context, shell: str, program: str) -> None:
    """Print the script that lets SHELL complete commands, options, files, rules, rounds and device types.

    PROGRAM is wattrig, or wattrig-ptd, which has a script of its own.

    \b
    Examples:
      wattrig completion bash > ~/.local/share/bash-completion/completions/wattrig
      wattrig completion bash wattrig-ptd > ~/.local/share/bash-completion/completions/wattrig-ptd
      wattrig completion zsh > "${fpath[1]}/_wattrig"
      wattrig completion fish > ~/.config/fish/completions/wattrig.fish
      eval "$(wattrig completion bash)"              for this shell alone
    """
    from console.completion_ptd import SCRIPTS

    if program == PTD:
        click.echo(SCRIPTS[shell](), nl=False)
        return
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"click knows no completion for {shell}")
    click.echo(found(ctx.find_root().command, {}, WATTRIG, VARIABLE).source())
