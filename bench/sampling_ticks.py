"""How evenly the samples of one analyzer come, held against the updates that its simulator truly had."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from analyzers.ptd.client import PtdClient, go_together
from bench.rig import BIN, PATIENCE_S, process
from bench.simulators import daemon_options, simulators
from evidence.ptd_protocol import parse_sample, unmarked_line
from metrology.reading import Validity
from scoring.truth import read_truth


class Nobody:
    """A witness of a conversation who notes nothing."""

    def asked(self, command: str) -> None: ...

    def answered(self, command: str, reply: str) -> None: ...

    def announced(self, count: int) -> None: ...

    def listed(self, lines: Sequence[str]) -> None: ...


@dataclass(frozen=True, slots=True)
class Ticks:
    """What one analyzer showed: errors and drift in ms, samples told as missed, updates not read, CPU per sample."""

    late_ms: "np.ndarray[tuple[int], np.dtype[np.float64]]"
    drift_ms: float
    missed: int
    unread: int
    cpu_ms: float


async def ticks(folder: Path, transport: str, interval_ms: int, readout: str, tcp: int, seconds: float) -> Ticks:
    """Measure one analyzer behind one daemon."""
    with simulators(folder, transport, 1) as (port,):
        files: list[str | Path] = ["-l", folder / "samples", "-p", str(tcp)]
        options = [*files, "--readout", readout, *daemon_options(transport, port)]
        with process(folder / "ptd.log", BIN / "wattrig-ptd", *options) as daemon:
            async with connected(tcp) as client:
                await client.set_range("V", "300")
                await client.set_range("A", "0.5")
                await go_together([client], interval_ms, "ticks")
                used = psutil.Process(daemon.pid)
                before_s = sum(used.cpu_times()[:2])
                await asyncio.sleep(seconds)
                cpu_s = sum(used.cpu_times()[:2]) - before_s
                await client.stop()
                count = len(await client.listing())
    return judged(folder, interval_ms, cpu_s / count * 1000)


def judged(folder: Path, interval_ms: int, cpu_ms: float) -> Ticks:
    """Hold a run's samples against the updates of the simulated analyzer."""
    listed = [parse_sample(unmarked_line(line)[0]) for line in (folder / "samples").read_text().splitlines()]
    t_ns = np.array([sample.t_utc_ns for sample in listed if sample.total.validity is not Validity.MISSED])
    edges_ns = read_truth(folder / "truth.csv")[0]
    # Stamps are cut to whole milliseconds.
    at = np.searchsorted(edges_ns // 1_000_000, t_ns // 1_000_000, side="right") - 1
    late_ms = (t_ns - edges_ns[at] // 1_000_000 * 1_000_000) / 1e6
    updates = int(at[-1] - at[0])
    drift_ms = (t_ns[-1] - t_ns[0]) / 1e6 - updates * interval_ms
    return Ticks(late_ms, float(drift_ms), len(listed) - len(t_ns), updates + 1 - len(t_ns), cpu_ms)


@contextlib.asynccontextmanager
async def connected(tcp: int) -> AsyncIterator[PtdClient]:
    """Connect to a daemon as soon as it listens."""
    client = None
    async with asyncio.timeout(PATIENCE_S):
        while client is None:
            with contextlib.suppress(OSError):
                client = await PtdClient.connect(tcp, Nobody())
            await asyncio.sleep(0.05)
    try:
        yield client
    finally:
        await client.close()
