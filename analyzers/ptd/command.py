"""`wattrig-ptd`: PTDaemon's command line."""

import argparse
import asyncio
import os
import re
import signal
import sys
from collections.abc import Awaitable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import NoReturn

from analyzers.driver import Driver
from analyzers.drivers import KNOWN, driver_for
from analyzers.drivers.dummy import NoLine
from analyzers.ptd.daemon import Daemon
from analyzers.ptd.identity import banner, daemon_version
from analyzers.ptd.meter import Meter
from analyzers.ptd.report import Log, SampleFile, printable
from analyzers.ptd.server import bind, serve
from analyzers.transport import SerialTransport, Transport
from metrology.errors import ConfigError, InstrumentLostError, WattrigError

FAILED = 1
DEFAULT_PORT = 8888
"""PTDaemon's own for power analyzers."""
DUMMY = 0
"""The device type that has no instrument."""
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
    add("-b", dest="board", metavar="BOARD", type=int, help="GPIB board; means nothing on a serial port")
    add("-c", dest="channels", metavar="CHANNELS", default="1", help="channel, or first channel and count: 1,3")
    add("-D", dest="dc", action="store_true", help="measure DC (not yet supported)")
    other = result.add_mutually_exclusive_group()
    for flag, what in (("n", "TCP/IP"), ("g", "GPIB"), ("y", "Yokogawa's library"), ("U", "USB")):
        other.add_argument(
            f"-{flag}", dest="interface", action="store_const", const=what, help=f"{what} (not yet supported)"
        )
    add("-B", dest="baud", metavar="BAUD", type=int, default=9600, help="baud rate (default %(default)s)")
    add("device_type", metavar="TYPE", type=int, help="device type, see below")
    add("device", metavar="PORT", help="serial port of the instrument, /dev/ttyUSB0")
    return result


def check(options: argparse.Namespace) -> None:
    """Refuse what cannot be done yet, rather than do something else.

    Raises:
        ConfigError: such an option was given.
    """
    if options.interface:
        raise ConfigError(
            f"instruments on {options.interface} are not supported yet",
            "connect the instrument by RS-232 or a USB serial adapter, and leave -n, -g, -y and -U out",
        )
    if options.dc:
        raise ConfigError("measuring DC is not supported yet", "leave -D out to measure AC")
    if not re.fullmatch(r"\d{1,2}(,\d{1,2})?", options.channels):
        raise ConfigError(f"got -c {printable(options.channels)}, expected a channel, or first channel and count")


def connect(options: argparse.Namespace, driver: Driver, log: Log) -> Meter:
    """Connect to the instrument.

    Raises:
        InstrumentError: there is none, or not the one expected.
        ConfigError: it has not the channels asked for.
    """
    log.say(f"Attempting to connect to measurement device type {options.device_type}...")
    simulated = options.device_type == DUMMY
    transport: Transport = NoLine() if simulated else SerialTransport(options.device, options.baud)
    meter = Meter.connect(driver, transport)
    name, idn = meter.instrument.name, meter.instrument.idn
    if not meter.instrument.channels and options.channels not in ("1", "1,1"):
        meter.close()
        raise ConfigError(f"got -c {options.channels}, but the {name} is read on one channel", "leave -c out")
    log.say(
        f"Analyzer identity response of {len(idn) + LINE_END} bytes: {printable(idn)}\n",
        f"Uncertainty checking for {name} is activated",
        f"Connected to {name} successfully",
    )
    return meter


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
        asyncio.run(run(options, driver_for(options.device_type), log))
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
