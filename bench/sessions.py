"""Many short sessions against one director, and one of a day's samples: what it takes of memory and open files.

The daemon has its samples in memory (`bench.memory_ptd`), so that a session lasts as long as the director makes it.
"""

import asyncio
import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import memory_ptd
from bench.rig import BIN, process, wait_for
from evidence.layout import DOWNLOADS
from evidence.state import read_state
from wire.protocol import MAGIC_CLIENT, Lines

MIB = 1 << 20
POINTS = 8
"""How often memory and open files are looked at."""
ASK_S = 300.0
UUID = "cf59d627-4308-4753-b14a-f6070a63ce76"


@dataclass(frozen=True, slots=True)
class Point:
    """What a director takes: after so many sessions, memory in MiB, open files, and seconds since the start."""

    sessions: int
    rss_mib: float
    files: int
    at_s: float


@contextlib.contextmanager
def memory_director(folder: Path, samples: int) -> Iterator[tuple[psutil.Process, int]]:
    """Run a director over a daemon with so many samples in memory; get it and its port."""
    folder.mkdir(parents=True, exist_ok=True)
    program, station = folder / "ptd", folder / "station.toml"
    program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -I -S '{memory_ptd.__file__}' \"$@\"\n")
    program.chmod(0o755)
    station.write_text(
        f'[director]\nlisten = "127.0.0.1:0"\nstore = "store"\n'
        f'[[analyzer]]\nptd = "{program}"\ndevice_type = 49\ndevice_port = "{samples}"\nnetwork_port = 0\n'
    )
    log = folder / "director.log"
    with process(log, BIN / "wattrig", "director", "-c", station) as director:
        ready = wait_for(log, "Ready to accept connections at", director)
        yield psutil.Process(director.pid), int(ready.rpartition(":")[2])


async def session(port: int, label: str, folder: Path) -> str:
    """Run one session, with its downloads into `folder`; get its name."""
    lines = Lines(*await asyncio.open_connection("127.0.0.1", port), "director")
    try:
        await lines.ask(MAGIC_CLIENT, ASK_S)
        name = (await ok(lines, f"new,{label},{UUID}")).removeprefix("OK ").partition(",")[0]
        for phase in ("ranging", "testing"):
            await ok(lines, f"session,{name},start,{phase}")
            await ok(lines, f"session,{name},stop,{phase}")
        await ok(lines, f"session,{name},done")
        for file in DOWNLOADS:
            await lines.send(f"download,{name},{file}")
            await lines.receive_file(folder / file, ASK_S)
        return name
    finally:
        await lines.close()


async def ok(lines: Lines, command: str) -> str:
    """Ask for something that must be answered by OK."""
    reply = await lines.ask(command, ASK_S)
    if not reply.startswith("OK"):
        raise SystemExit(f"{command}: {reply}")
    return reply


def many(folder: Path, count: int, tell: Callable[[str], None] = lambda _: None) -> list[Point]:
    """Run so many sessions, each removed when it is complete."""
    points: list[Point] = []
    with memory_director(folder, 3) as (director, port):
        begun_s = time.monotonic()
        for number in range(1, count + 1):
            name = asyncio.run(session(port, f"n{number}", folder / "got"))
            state = read_state(folder / "store" / name)
            if state is None or state.state != "complete":
                raise SystemExit(f"session {number} is {state}")
            shutil.rmtree(folder / "store" / name)
            if number % max(1, count // POINTS) == 0:
                points.append(looked_at(director, number, begun_s))
                tell(str(points[-1]))
    return points


def looked_at(director: psutil.Process, sessions: int, begun_s: float) -> Point:
    """Look at what a director takes now."""
    return Point(sessions, director.memory_info().rss / MIB, director.num_fds(), time.monotonic() - begun_s)


@dataclass(frozen=True, slots=True)
class Day:
    """One session with so many samples per phase: seconds it took, memory (MiB) before, at most, and after."""

    samples: int
    took_s: float
    before_mib: float
    most_mib: float
    after_mib: float


def day(folder: Path, samples: int) -> Day:
    """Run one session whose samples the daemon hands over at once."""
    with memory_director(folder, samples) as (director, port):
        before_mib = director.memory_info().rss / MIB
        begun_s = time.monotonic()
        asyncio.run(session(port, "day", folder / "got"))
        took_s = time.monotonic() - begun_s
        status = Path(f"/proc/{director.pid}/status").read_text()
        most_mib = int(status.partition("VmHWM:")[2].split()[0]) / 1024
        after_mib = director.memory_info().rss / MIB
    kept = (folder / "got/run_1/spl.txt").read_text().count("Watts")
    if kept != samples:
        raise SystemExit(f"{kept} samples came home, expected {samples}")
    return Day(samples, took_s, before_mib, most_mib, after_mib)
