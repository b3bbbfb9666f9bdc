"""One meter served: connected, put behind a TCP port, and given back at the end; several in a process know nothing of
each other."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable
from contextlib import closing
from dataclasses import replace
from functools import partial

from analyzers.driver import Driver, Family
from analyzers.drivers.dummy import NoLine
from analyzers.ptd.channels import wanted
from analyzers.ptd.daemon import Daemon
from analyzers.ptd.identity import banner, daemon_version
from analyzers.ptd.judging import judgement
from analyzers.ptd.meter import Meter
from analyzers.ptd.report import Log, SampleFile, printable
from analyzers.ptd.server import bind, serve
from analyzers.transport import Transport
from analyzers.transport.choice import open_transport
from metrology.errors import ConfigError, InstrumentLostError, WattrigError

LINE_END = 2
"""CR LF, which an answer over RS-232 ends with, bytes."""


def connect(options: argparse.Namespace, driver: Driver, log: Log) -> Meter:
    """Connect to the instrument.

    Raises:
        InstrumentError: there is none, or not the one expected.
        ConfigError: it has not the channels asked for, or cannot be judged as asked for.
    """
    family = driver.family
    asked = replace(wanted(options.channels, family), readout=options.readout)
    if options.readout == "binary" and not family.binary:
        raise ConfigError(f"a {family.title} is not read in binary", "leave --readout out")
    log.say(f"Attempting to connect to measurement device type {family.device_type}...")
    reopen = partial(open_line, options, family)
    meter = Meter.connect(driver, reopen(), asked, reopen if family.interfaces else None, log.say)
    try:
        judged = judgement(meter.instrument, options.model, options.accuracy)
    except ConfigError:
        meter.close()
        raise
    meter.accuracy = judged.accuracy
    name, idn, channels = meter.instrument.name, meter.instrument.idn, asked.channels
    if meter.instrument.channels:
        log.say(f"Requested {len(channels)} channels, using physical channels {channels[0]} thru {channels[-1]}")
    log.say(
        f"Analyzer identity response of {len(idn) + LINE_END} bytes: {printable(idn)}\n",
        f"Uncertainty checking for {name} is activated",
        judged.told(),
        f"Connected to {name} successfully",
    )
    return meter


def open_line(options: argparse.Namespace, family: Family) -> Transport:
    """Open the line to the instrument; errors as in `open_transport`."""
    if not family.interfaces:
        return NoLine()
    return open_transport(family, options.device, options.flag, options.baud, options.board)


async def serve_meter(options: argparse.Namespace, driver: Driver, log: Log, ended: asyncio.Event) -> None:
    """Serve one meter until `ended` is set.

    Raises:
        WattrigError: it cannot start, or its instrument is lost.
        OSError: its log cannot be written.
    """
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


async def serve_one_of_many(
    options: argparse.Namespace, driver: Driver, log: Log, ended: asyncio.Event
) -> WattrigError | OSError | None:
    """Serve a meter, whose end is told in its own log and is nobody else's; get what it failed of."""
    try:
        await serve_meter(options, driver, log, ended)
    except InstrumentLostError as problem:
        log.say(lost_text(problem))
        return problem
    except WattrigError as problem:
        log.plain(f"wattrig-ptd: {problem}")
        return problem
    except OSError as problem:
        sys.stderr.write(f"wattrig-ptd: the log of '{options.device}' cannot be written: {problem}\n")
        return problem
    return None


def lost_text(problem: InstrumentLostError) -> str:
    """Say that an instrument is lost."""
    return f"ERROR: The instrument is lost: {printable(problem.message)}"
