"""`wattrig-ptd`: PTDaemon's command line."""

import argparse
import asyncio
import os
import re
import signal
import sys
from collections.abc import Awaitable, Sequence
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

from analyzers.driver import Driver, Family, Wanted
from analyzers.drivers import KNOWN, driver_for
from analyzers.drivers.dummy import NoLine
from analyzers.ptd.daemon import Daemon
from analyzers.ptd.identity import banner, daemon_version
from analyzers.ptd.meter import Meter
from analyzers.ptd.report import Log, SampleFile, printable
from analyzers.ptd.server import bind, serve
from analyzers.transport import Transport
from analyzers.transport.choice import FLAGS, open_transport
from metrology.errors import ConfigError, InstrumentLostError, WattrigError

FAILED = 1
DEFAULT_PORT = 8888
"""PTDaemon's own for power analyzers."""
FASTEST_BAUD = 4_000_000
LINE_END = 2
"""CR LF, which an answer over RS-232 ends with, bytes."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are those of wattrig, and whose help lists the device types known."""

    def format_help(self) -> str:
        """Write the help; only now the drivers are imported."""
        titles = [f"  {number:4}  {driver_for(number).family.title}" for number in sorted(KNOWN)]
        return "\n".join([super().format_help(), "device types:", *titles, ""])

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        raise ConfigError(message, "see the options with 'wattrig-ptd -h'")


def parser() -> Parser:
    """Describe the command line."""
    result = Parser(
        prog="wattrig-ptd",
        description="Read a power analyzer and serve its samples in the protocol of SPEC's PTDaemon.",
        allow_abbrev=False,
    )
    add = result.add_argument
    add("-l", dest="log_file", metavar="FILE", type=Path, help="append every sample to this file")
    add("-p", dest="port", metavar="PORT", type=int, default=DEFAULT_PORT, help="TCP port (default %(default)s)")
    add("-b", dest="board", metavar="BOARD", type=int, help="GPIB board (default 0)")
    add("-c", dest="channels", metavar="CHANNELS", help="channel; of multichannel types FIRST,COUNT or COUNT")
    add("-D", dest="dc", action="store_true", help="measure DC, as the types from 500 on do")
    other = result.add_mutually_exclusive_group()
    for flag, what in FLAGS.items():
        other.add_argument(f"-{flag}", dest="flag", action="store_const", const=flag, help=what.replace("%", "%%"))
    add("-B", dest="baud", metavar="BAUD", type=int, help="baud rate (default: the instrument's first setting)")
    add("device_type", metavar="TYPE", type=int, help="device type, see below")
    add("device", metavar="PORT", help="/dev/ttyUSB0, /dev/usbtmc0, a VISA resource, or what the flag says")
    return result


def check(options: argparse.Namespace) -> None:
    """Refuse numbers that mean nothing.

    Raises:
        ConfigError: such a number was given.
    """
    if options.baud is not None and not 0 < options.baud <= FASTEST_BAUD:
        raise ConfigError(f"got -B {options.baud}, expected a baud rate of 1 to {FASTEST_BAUD}")
    if options.board is not None and options.board < 0:
        raise ConfigError(f"got -b {options.board}, expected the number of a GPIB board, 0 or more")


def wanted(channels: str | None, family: Family) -> Wanted:
    """Read `-c` as the device type means it.

    Raises:
        ConfigError: it is no channel, or none that the family has.
    """
    match = re.fullmatch(r"([0-9]{1,2})(?:,([0-9]{1,2}))?", channels or ("1" if not family.multichannel else ""))
    if match is None:
        got = "no -c" if channels is None else f"-c {printable(channels)}"
        raise ConfigError(f"got {got}, expected {_channels_meant(family)}")
    if family.multichannel and match[2] is None:
        first, count = 1, int(match[1])
    else:
        first, count = int(match[1]), int(match[2] or 1)
    if first < 1 or count < 1 or (count > 1 and not family.multichannel) or first + count - 1 > family.channels:
        raise ConfigError(f"got -c {channels}, expected {_channels_meant(family)}")
    return Wanted(tuple(range(first, first + count)), family.dc)


def _channels_meant(family: Family) -> str:
    if family.multichannel:
        return f"first channel and count, or count, of the {family.channels} channels that a {family.title} has"
    return f"the channel of the {family.title} to read, 1 to {family.channels}"


def connect(options: argparse.Namespace, driver: Driver, log: Log) -> Meter:
    """Connect to the instrument.

    Raises:
        InstrumentError: there is none, or not the one expected.
        ConfigError: it has not the channels asked for.
    """
    family = driver.family
    asked = wanted(options.channels, family)
    log.say(f"Attempting to connect to measurement device type {family.device_type}...")
    reopen = partial(open_line, options, family)
    meter = Meter.connect(driver, reopen(), asked, reopen if family.interfaces else None, log.say)
    name, idn, channels = meter.instrument.name, meter.instrument.idn, asked.channels
    if meter.instrument.channels:
        log.say(f"Requested {len(channels)} channels, using physical channels {channels[0]} thru {channels[-1]}")
    log.say(
        f"Analyzer identity response of {len(idn) + LINE_END} bytes: {printable(idn)}\n",
        f"Uncertainty checking for {name} is activated",
        f"Connected to {name} successfully",
    )
    return meter


def open_line(options: argparse.Namespace, family: Family) -> Transport:
    """Open the line to the instrument; errors as in `open_transport`."""
    if not family.interfaces:
        return NoLine()
    return open_transport(family, options.device, options.flag, options.baud, options.board)


async def run(options: argparse.Namespace, driver: Driver, log: Log) -> None:
    """Run the daemon until a signal ends it.

    Raises:
        WattrigError: it cannot start, or its instrument is lost.
        OSError: its log cannot be written.
    """
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    version = daemon_version()
    with closing(SampleFile(options.log_file)) as file, bind(options.port) as listener:
        source = type(driver).__module__.rpartition(".")[2]
        log.plain(*banner(driver.family.title, f"{source}.py", version, options.log_file))
        meter = await asyncio.to_thread(connect, options, driver, log)
        daemon = Daemon(meter, log, file, version)
        try:
            await first_of(serve(daemon, listener, log), ended.wait(), daemon.failed)
        finally:
            await daemon.close()


async def first_of(*waits: Awaitable[object]) -> None:
    """Wait until the first of them ends, raise what it raised, and cancel the others."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    for task in done:
        await task


def main(args: Sequence[str] | None = None) -> int:
    """Run the command; get its exit code: 0 after a signal, 1 after an error."""
    log = Log(sys.stdout)
    try:
        options = parser().parse_args(args)
        check(options)
        asyncio.run(run(options, driver_for(options.device_type, dc=options.dc), log))
    except InstrumentLostError as problem:
        log.say(f"ERROR: The instrument is lost: {printable(problem.message)}")
        return FAILED
    except WattrigError as problem:
        sys.stderr.write(f"wattrig-ptd: {problem}\n")
        return FAILED
    except OSError as problem:
        _give_up(problem)
        return FAILED
    return 0


def _give_up(problem: OSError) -> None:
    """Say that the log cannot be written, where that can still be said, and keep the interpreter from trying."""
    with suppress(OSError):
        sys.stderr.write(f"wattrig-ptd: the log cannot be written: {problem}\n")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
