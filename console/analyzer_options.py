"""Options that the tools for analyzers share: where the instrument is, and what it is."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from analyzers.place import Place
from console.completion_values import device_types
from metrology.errors import ConfigError

Function = TypeVar("Function", bound=Callable[..., Any])
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def place_options(function: Function) -> Function:
    """Add the options that say how PORT is meant; `place_of` reads them."""
    for option in (
        click.option("-B", "--baud", type=click.IntRange(1, 4_000_000), help="Baud rate of a serial line."),
        click.option("-b", "--board", type=click.IntRange(0, 99), help="Number of the GPIB board."),
        click.option("-U", "flag", flag_value="U", help="PORT is a USB serial number."),
        click.option("-y", "flag", flag_value="y", help="PORT is an IP address (VXI-11) or a USB serial number."),
        click.option("-g", "flag", flag_value="g", help="PORT is a GPIB address."),
        click.option("-n", "flag", flag_value="n", help="PORT is HOST or HOST:PORT."),
    ):
        function = option(function)
    return function


def kind_options(function: Function) -> Function:
    """Add the options that say what is read of the instrument."""
    for option in (
        click.option("-D", "--dc", is_flag=True, help="Measure DC."),
        click.option("-C", "--channels", metavar="CHANNELS",
                     help="Channel; of multichannel types FIRST,COUNT or COUNT, as PTDaemon's -c."),
        click.option("-t", "--type", "device_type", type=click.IntRange(0, 99999),
                     shell_complete=device_types,
                     help="PTDaemon's device type; found out by asking where it is left out."),
    ):  # fmt: skip
        function = option(function)
    return function


def place_of(port: str | None, flag: str | None, baud: int | None, board: int | None) -> Place:
    """Get where the instrument is.

    Raises:
        ConfigError: no port is named.
    """
    if not port:
        raise ConfigError("no PORT is given", "name the analyzer's port; 'wattrig analyzers scan' finds it")
    return Place(port, flag, baud, board)


def several(channels: str | None) -> bool:
    """Tell whether so many channels mean a multichannel type, for want of a type."""
    return channels is not None and "," in channels
