"""A session under load: idle and half-open connections and a flood of garbage, against the same session in quiet.

How late each sample is, is told by the simulated analyzer, which notes when it renewed its display.
"""

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from bench.rig import running_rig
from bench.sampling_ticks import Ticks, judged
from bench.sessions import UUID, ok
from evidence.ptd_protocol import unmarked_line
from wire.protocol import MAGIC_CLIENT, Lines

HOST = "127.0.0.1"
IDLE, FLOODS = 500, 4
BLOCK = 1 << 16
PAUSE_S = 0.02
GOAL_MS = 5.0
RANGING_S = 3.0
Number = TypeVar("Number", int, float)
BEGINNINGS = (b"", b"mlcommons/pow", b"\x16\x03\x01", b"\x16")
"""What an idle connection has said: nothing, half a greeting, the first bytes of TLS."""


@dataclass(frozen=True, slots=True)
class Load:
    """Two sessions, in quiet and under load.

    Attributes:
        p50_ms, p99_ms: how late samples are in each, milliseconds.
        missed: samples missed in each.
        samples: how many there were in each.
        opened, said_mib: connections made, and garbage sent, while the second ran.
    """

    p50_ms: tuple[float, float]
    p99_ms: tuple[float, float]
    missed: tuple[int, int]
    samples: tuple[int, int]
    opened: int
    said_mib: float

    @property
    def added_ms(self) -> float:
        """Get what the load adds to the 99th percentile."""
        return self.p99_ms[1] - self.p99_ms[0]

    @property
    def is_good(self) -> bool:
        """Tell whether nothing is missed, and no more than the goal is added."""
        return not any(self.missed) and self.added_ms < GOAL_MS


class Crowd:
    """Connections to a port that mean no good.

    Args:
        port: of the director.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._random = random.Random(1)
        self.opened = self.said = 0

    async def idle(self) -> None:
        """Connect, say a little, and say no more; when sent away, come again."""
        while True:
            async with self._connected() as (reader, writer):
                writer.write(self._random.choice(BEGINNINGS))
                await reader.read()
            await asyncio.sleep(1.0)

    async def flood(self) -> None:
        """Send garbage without end; when sent away, come again."""
        while True:
            async with self._connected() as (_, writer):
                while not writer.is_closing():
                    writer.write(os.urandom(BLOCK))
                    await writer.drain()
                    self.said += BLOCK
                    await asyncio.sleep(PAUSE_S)
            await asyncio.sleep(PAUSE_S)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Connect; that the director ends the connection is no error."""
        reader, writer = await asyncio.open_connection(HOST, self._port)
        self.opened += 1
        try:
            yield reader, writer
        except OSError:
            return
        finally:
            writer.transport.abort()

    @contextlib.asynccontextmanager
    async def around(self, idle: int) -> AsyncIterator[None]:
        """Be there."""
        tasks = [asyncio.create_task(self.idle()) for _ in range(idle)]
        tasks += [asyncio.create_task(self.flood()) for _ in range(FLOODS if idle else 0)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def load(folder: Path, seconds: float, idle: int = IDLE) -> Load:
    """Measure for so long in quiet, and then with so many idle connections and the flood."""
    with running_rig(folder, ("--load", "constant", "--baud", "57600"), "baud = 57600") as rig:
        quiet = asyncio.run(measured(rig.folder, rig.port, seconds, 0))
        loaded = asyncio.run(measured(rig.folder, rig.port, seconds, idle))
    both = (quiet[0], loaded[0])
    p50, p99 = (tuple(float(np.percentile(each.late_ms, share)) for each in both) for share in (50, 99))
    missed = tuple(each.missed + each.unread for each in both)
    samples = tuple(len(each.late_ms) for each in both)
    crowd = loaded[1]
    return Load(pair(p50), pair(p99), pair(missed), pair(samples), crowd.opened, crowd.said / (1 << 20))


def pair(found: tuple[Number, ...]) -> tuple[Number, Number]:
    """Get the two of them."""
    first, second = found
    return first, second


async def measured(folder: Path, port: int, seconds: float, idle: int) -> tuple[Ticks, Crowd]:
    """Run a session whose testing run takes so long; get how its samples came."""
    lines, crowd = Lines(*await asyncio.open_connection(HOST, port), "director"), Crowd(port)
    await lines.ask(MAGIC_CLIENT, 10)
    name = (await ok(lines, f"new,load{idle},{UUID}")).removeprefix("OK ").partition(",")[0]
    async with crowd.around(idle):
        for phase, length_s in (("ranging", RANGING_S), ("testing", seconds)):
            await ok(lines, f"session,{name},start,{phase}")
            await asyncio.sleep(length_s)
            await ok(lines, f"session,{name},stop,{phase}")
    await ok(lines, f"session,{name},done")
    await lines.close()
    log = (folder / "store" / name / "wattrig/journal_1.txt").read_text().splitlines()
    kept = [line for line in log if (unmarked_line(line)[1] or "").endswith("_testing")]
    (folder / "samples").write_text("".join(f"{line}\n" for line in kept))
    return judged(folder, 1000, 0.0), crowd
