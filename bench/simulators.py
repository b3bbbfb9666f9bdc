"""Simulated analyzers for the benchmarks of sampling, in a process of their own, behind each kind of line."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from bench.rig import BIN, process, wait_for

TRANSPORTS = {"serial": ("--pty", "wt", "--baud", "57600"), "tcp": ("--tcp", "0"), "vxi11": ("--vxi11", "0")}
"""57600 baud, the WT310E's fastest: 9600 carry no ten samples a second."""
MODELS = {"serial": ("wt310e", 49), "tcp": ("gpm8310", 9011), "vxi11": ("wt310e", 49)}


@contextlib.contextmanager
def simulators(folder: Path, transport: str, count: int, *options: str) -> Iterator[list[str]]:
    """Run simulated analyzers in a process of their own; get their ports."""
    folder.mkdir()
    arguments = [str(folder / word) if word == "wt" else word for word in TRANSPORTS[transport]]
    log = folder / "simulators.log"
    command: list[str | Path] = [
        BIN / "wattrig",
        "simulate",
        MODELS[transport][0],
        *arguments,
        "--load",
        "constant",
        *options,
    ]
    with process(log, *command, "--count", str(count), "--truth", folder / "truth.csv") as running:
        wait_for(log, ": a SIMULATED", running)
        while len(lines := [line for line in log.read_text().splitlines() if "SIMULATED" in line]) < count:
            time.sleep(0.05)
        yield [line.partition(": a SIMULATED")[0] for line in lines]


def daemon_options(transport: str, port: str) -> list[str]:
    """Get what wattrig-ptd is told of a simulated analyzer."""
    baud = ["-B", "57600"] if transport == "serial" else ["-n"] if transport == "tcp" else []
    return [*baud, str(MODELS[transport][1]), port]
