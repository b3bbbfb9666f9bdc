"""`wattrig analyzers`: the operator's tools for power analyzers, each imported only when it is called."""

import click

from console.lazy import LazyGroup

TOOLS = {
    "list": (
        "console.analyzers_list:list_analyzers",
        "List the analyzers that can be read, and how far each was tried.",
    ),
    "scan": ("console.analyzers_scan:scan", "Find instruments on this machine's ports, or at addresses you name."),
    "identify": ("console.analyzers_list:identify", "Ask one instrument who it is, and which driver suits it."),
    "read": ("console.analyzers_read:read", "Read an analyzer live: power, ranges in use, uncertainty."),
    "check": ("console.analyzers_check:check", "See whether an analyzer is fit to measure with."),
    "record": (
        "console.analyzers_record:record",
        "Save the dialogue with a meter as a test and a simulator's profile.",
    ),
}
"""Where each tool lives, and the line that `--help` shows for it."""


class Tools(LazyGroup):
    """The tools, by name."""

    table = TOOLS


@click.group(cls=Tools, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def analyzers() -> None:
    """Find, identify, read, check and record power analyzers.

    PORT is a device file (/dev/ttyUSB0, /dev/usbtmc0), HOST:PORT for a raw TCP socket, an IP address or a VISA
    resource for VXI-11 (TCPIP::192.168.1.20::INSTR), or what one of PTDaemon's flags -n -g -y -U says it is.
    An analyzer that another program uses, a daemon above all, is left alone.

    \b
    wattrig analyzers list                          what can be read, and over which interfaces
    wattrig analyzers scan --identify               what is connected, with the table for station.toml
    wattrig analyzers read /dev/ttyUSB0             watts, live
    wattrig analyzers check -c station.toml         before a measurement
    """
