"""`wattrig-ptd`: PTDaemon's command line."""

import argparse
import asyncio
import itertools
import os
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from analyzers.drivers import KNOWN, driver_for
from analyzers.ptd.report import Log
from analyzers.ptd.scheduling import give_way
from analyzers.ptd.serving import lost_text, serve_meter, serve_one_of_many
from analyzers.transport.choice import FLAGS
from metrology.errors import ConfigError, InstrumentLostError, WattrigError
from metrology.judgement import MODELS, parse_terms

FAILED = 1
DEFAULT_PORT = 8888
"""PTDaemon's own for power analyzers."""
FASTEST_BAUD = 4_000_000


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
        epilog="Several analyzers in one process: write the options of each after --, with ports and logs of their "
        "own: -p 8888 -o a.log 49 /dev/ttyUSB0 -- -p 8889 -o b.log 49 /dev/ttyUSB1",
        allow_abbrev=False,
    )
    add = result.add_argument
    add("-l", dest="log_file", metavar="FILE", type=Path, help="append every sample to this file")
    add("-o", dest="output", metavar="FILE", type=Path, help="write the log to this file, not to standard output")
    add("-p", dest="port", metavar="PORT", type=int, default=DEFAULT_PORT, help="TCP port (default %(default)s)")
    add("-b", dest="board", metavar="BOARD", type=int, help="GPIB board (default 0)")
    add("-c", dest="channels", metavar="CHANNELS", help="channel; of multichannel types FIRST,COUNT or COUNT")
    add("-D", dest="dc", action="store_true", help="measure DC, as the types from 500 on do")
    other = result.add_mutually_exclusive_group()
    for flag, what in FLAGS.items():
        other.add_argument(f"-{flag}", dest="flag", action="store_const", const=flag, help=what.replace("%", "%%"))
    add("-B", dest="baud", metavar="BAUD", type=int, help="baud rate (default: the instrument's first setting)")
    add("--model", choices=MODELS, help="formula of uncertainty: PTDaemon's own, or the maker's data sheet (default: "
        "ptd where it is known, else datasheet)")  # fmt: skip
    add("--readout", choices=("ascii", "binary"), help="how values are read, where the instrument knows both ways "
        "(default: ascii, or binary where the line carries the interval so alone)")  # fmt: skip
    add("--accuracy", metavar="TERMS", help="your own terms in the data sheet's place: reading=0.001,range=0.0005")
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
    if options.accuracy is not None:
        parse_terms(options.accuracy)


def meters(args: Sequence[str]) -> list[argparse.Namespace]:
    """Read the command line: PTDaemon's for one meter, or one such for each, parted by `--`.

    Raises:
        ConfigError: it cannot be.
    """
    groups = [list(group) for part, group in itertools.groupby(args, lambda word: word == "--") if not part]
    found = [parser().parse_args(group) for group in groups or [[]]]
    for options in found:
        check(options)
    if len(found) > 1:
        check_apart(found)
    return found


def check_apart(found: Sequence[argparse.Namespace]) -> None:
    """Refuse several meters that would get in each other's way.

    Raises:
        ConfigError: two have the same TCP port or file, or one has no log of its own.
    """
    if not all(options.output for options in found):
        raise ConfigError("several meters need -o FILE each, for their logs would mix on standard output")
    for name, flag in (("port", "-p"), ("output", "-o"), ("log_file", "-l")):
        given = [getattr(options, name) for options in found]
        if double := next((each for each in given if each is not None and given.count(each) > 1), None):
            raise ConfigError(f"two meters have {flag} {double}, expected another for each")


def open_log(path: Path | None) -> Log:
    """Open the log: a file that is appended to, or standard output.

    Raises:
        ConfigError: the file cannot be written.
    """
    if path is None:
        return Log(sys.stdout)
    try:
        return Log(path.open("a", encoding="utf-8"))
    except OSError as problem:
        raise ConfigError(f"the log '{path}' cannot be written: {problem.strerror}") from problem


async def run(found: Sequence[argparse.Namespace], logs: Sequence[Log]) -> int:
    """Serve all meters until a signal ends them; get the exit code. One alone raises what `serve_meter` does."""
    give_way()
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    # Each meter may have one call on its line, which waits, and one listing that waits for a sample.
    loop.set_default_executor(ThreadPoolExecutor(2 * len(found) + 2))
    works = [
        (options, driver_for(options.device_type, dc=options.dc), log)
        for options, log in zip(found, logs, strict=True)
    ]
    if len(works) == 1:
        await serve_meter(*works[0], ended)
        return 0
    problems = await asyncio.gather(*(serve_one_of_many(*work, ended) for work in works))
    return FAILED if any(problems) else 0


def main(args: Sequence[str] | None = None) -> int:
    """Run the command; get its exit code: 0 after a signal, 1 after an error."""
    log = Log(sys.stdout)
    try:
        found = meters(sys.argv[1:] if args is None else args)
        logs = [open_log(options.output) for options in found]
        log = logs[0]
        return asyncio.run(run(found, logs))
    except InstrumentLostError as problem:
        log.say(lost_text(problem))
        return FAILED
    except WattrigError as problem:
        sys.stderr.write(f"wattrig-ptd: {problem}\n")
        return FAILED
    except OSError as problem:
        _give_up(problem)
        return FAILED


def _give_up(problem: OSError) -> None:
    """Say that the log cannot be written, where that can still be said, and keep the interpreter from trying."""
    with suppress(OSError):
        sys.stderr.write(f"wattrig-ptd: the log cannot be written: {problem}\n")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
