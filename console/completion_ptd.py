"""Scripts that let a shell complete the command line of `wattrig-ptd`; the daemon itself takes no part in it."""

import shlex
from collections.abc import Callable

from console.ptd_command_line import Option, ptd_options, ptd_types

BASH = """\
_wattrig_ptd() {{
    local word="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
    COMPREPLY=()
    case "$before" in
        {files}) return ;;
{chosen}
        {others}) compopt +o default; return ;;
        {types}) return ;;
    esac
    case "$word" in
        -*) COMPREPLY=($(compgen -W "{flags}" -- "$word")) ;;
        ''|[0-9]*) COMPREPLY=($(compgen -W "{numbers}" -- "$word")) ;;
    esac
}}
complete -o default -F _wattrig_ptd wattrig-ptd
"""


def bash() -> str:
    """Write the script for bash: options, their values, device types, and else files."""
    options, numbers = ptd_options(), list(map(str, ptd_types()))
    chosen = (
        f'        {each.flag}) COMPREPLY=($(compgen -W "{" ".join(each.choices)}" -- "$word")); return ;;'
        for each in options
        if each.choices
    )
    valued = [each for each in options if each.value and not each.choices]
    return BASH.format(
        files="|".join(each.flag for each in valued if each.takes_file),
        chosen="\n".join(chosen),
        others="|".join(each.flag for each in valued if not each.takes_file),
        types="|".join(numbers),
        flags=" ".join(each.flag for each in options),
        numbers=" ".join(numbers),
    )


def zsh() -> str:
    """Write the script for zsh."""
    types = " ".join(f'{number}\\:"{title.replace(":", " ")}"' for number, title in ptd_types().items())
    words = [*map(_zsh_option, ptd_options()), f"1:device type:(({types}))", "2:port:_files"]
    return " \\\n  ".join(["#compdef wattrig-ptd\n_arguments", *map(shlex.quote, words)]) + "\n"


def _zsh_option(option: Option) -> str:
    told = option.told.replace("[", "(").replace("]", ")")
    values = "_files" if option.takes_file else f"({' '.join(option.choices)})" if option.choices else " "
    return f"{option.flag}[{told}]" + (f":{option.value}:{values}" if option.value else "")


def fish() -> str:
    """Write the script for fish."""
    types = ptd_types()
    words = shlex.join(str(word) for each in types.items() for word in each)
    until_given = f"not __fish_seen_subcommand_from {' '.join(map(str, types))}"
    titled = rf"(printf '%s\t%s\n' {words})"
    return "\n".join([*map(_fish_option, ptd_options()), _fish("-n", until_given, "-f", "-a", titled), ""])


def _fish_option(option: Option) -> str:
    name = ("-l", option.flag[2:]) if option.flag.startswith("--") else ("-s", option.flag[1:])
    value = ("-r", "-F") if option.takes_file else ("-x",) if option.value else ()
    choices = ("-a", " ".join(option.choices)) if option.choices else ()
    return _fish(*name, *value, *choices, "-d", option.told)


def _fish(*words: str) -> str:
    return f"complete -c wattrig-ptd {shlex.join(words)}"


SCRIPTS: dict[str, Callable[[], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
