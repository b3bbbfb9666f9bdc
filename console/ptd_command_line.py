"""The command line of `wattrig-ptd`, for its manual page and for what completes it."""

from typing import NamedTuple


class Option(NamedTuple):
    """An option.

    Attributes:
        flag: as it is written, `-p` or `--model`.
        value: what stands for its value in the help; empty where it takes none.
        choices: the values that it takes, where only some will do.
        told: what it does.
        takes_file: its value is a file.
    """

    flag: str
    value: str
    choices: tuple[str, ...]
    told: str
    takes_file: bool


def ptd_options() -> list[Option]:
    """Get all options."""
    from argparse import SUPPRESS

    from analyzers.ptd.command import parser

    return [
        Option(
            action.option_strings[0],
            "" if action.nargs == 0 else str(action.metavar or action.dest.upper()),
            tuple(map(str, action.choices or ())),
            str(action.help) % vars(action),
            action.metavar == "FILE",
        )
        # argparse has no public list of what was added to a parser.
        for action in parser()._actions
        if action.option_strings and action.help not in (None, SUPPRESS)
    ]


def ptd_types() -> dict[int, str]:
    """Get the device types with their titles."""
    from analyzers.drivers import KNOWN, driver_for

    return {number: driver_for(number).family.title for number in sorted(KNOWN)}
