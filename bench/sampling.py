"""How evenly samples come: against the moments at which the simulated analyzers renewed their display.

    ticks   per transport at 1 Hz and 10 Hz: from the end of an update to the sample's stamp, and what it costs
    go      how far apart the daemons of many analyzers hear a Go that is sent to all
    held    how many simulated analyzers one director reads without a missed sample

Everything runs on this machine at once, the simulators included. Stamps have a millisecond, as PTDaemon's have.
"""

import argparse
import asyncio
import contextlib
import re
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from analyzers.ptd.client import PtdClient
from bench.rig import BIN, PATIENCE_S, process, wait_for
from director.analyzer import Analyzer
from director.analyzer_config import AnalyzerConfig
from director.daemon import free_ports
from director.fleet import launch
from director.together import all_of
from evidence.ptd_protocol import parse_sample, unmarked_line
from evidence.stamps import parse_stamp
from evidence.traffic_log import TrafficLog
from metrology.reading import Validity
from scoring.truth import read_truth

TRANSPORTS = {"serial": ("--pty", "wt", "--baud", "57600"), "tcp": ("--tcp", "0"), "vxi11": ("--vxi11", "0")}
"""57600 baud, the WT310E's fastest: 9600 carry no ten samples a second."""
MODELS = {"serial": ("wt310e", 49), "tcp": ("gpm8310", 9011), "vxi11": ("wt310e", 49)}
RATES_MS = (1000, 100)
CASES = [
    *((transport, rate, "ascii") for transport in TRANSPORTS for rate in RATES_MS),
    *((transport, 100, "binary") for transport in ("serial", "vxi11")),
]
"""Transport, interval, readout; a GPM-8310 is not read in binary."""
LADDERS = {1000: (16, 32, 64, 96), 100: (4, 8, 16, 24, 32, 48, 64)}
GOALS = {1000: 64, 100: 0}
GO_COUNTS = (16, 32, 64)
GO_GOAL_MS = 5


class Nobody:
    """A witness of a conversation who notes nothing."""

    def asked(self, command: str) -> None: ...

    def answered(self, command: str, reply: str) -> None: ...

    def announced(self, count: int) -> None: ...

    def listed(self, lines: Sequence[str]) -> None: ...


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
                await client.go(interval_ms, "ticks")
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


@dataclass(frozen=True, slots=True)
class Held:
    """What a session with several analyzers showed."""

    missed: int
    least: int
    cpu_share: float


async def held(folder: Path, interval_ms: int, count: int, seconds: float) -> Held:
    """Measure with one director and so many analyzers; raises `SystemExit` where the session fails."""
    with simulators(folder, "serial", count) as ports:
        tables = "".join(
            f'[[analyzer]]\ndevice_type = 49\ndevice_port = "{port}"\nbaud = 57600\nnetwork_port = 0\n'
            for port in ports
        )
        station = folder / "station.toml"
        station.write_text(
            f'[director]\nlisten = "127.0.0.1:0"\nstore = "store"\ninterval_ms = {interval_ms}\n{tables}'
        )
        log = folder / "director.log"
        with process(log, BIN / "wattrig", "director", "-c", station) as director:
            ready = await asyncio.to_thread(wait_for, log, "Ready to accept connections at", director)
            cpu_share = await session(int(ready.rpartition(":")[2]), seconds)
    (own,) = (folder / "store").glob("*/wattrig")
    return Held(*counted(own, count), cpu_share)


async def session(port: int, seconds: float) -> float:
    """Measure both phases, testing for so long; get the share of the whole machine's processors used meanwhile."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def ask(command: str) -> str:
        writer.write(f"{command}\r\n".encode())
        return (await asyncio.wait_for(reader.readline(), 120)).decode().strip()

    await ask("mlcommons/power client v3")
    await ask("new,,cf59d627-4308-4753-b14a-f6070a63ce76")
    share = 0.0
    for phase, length_s in (("ranging", 3.0), ("testing", seconds)):
        if (reply := await ask(f"session,*,start,{phase}")) != "OK":
            raise SystemExit(f"{phase}: {reply}")
        psutil.cpu_percent()
        await asyncio.sleep(length_s)
        share = psutil.cpu_percent() / 100
        if (reply := await ask(f"session,*,stop,{phase}")) != "OK":
            raise SystemExit(f"{phase}: {reply}")
    await ask("session,*,done")
    writer.close()
    return share


def counted(own: Path, count: int) -> tuple[int, int]:
    """Count the samples missed by all analyzers, and those of the one with the fewest."""
    listings = [(own / f"spl_analyzer_{number}_testing.txt").read_text() for number in range(1, count + 1)]
    return sum(text.count(",Watts,-") for text in listings), min(text.count("\n") for text in listings)


async def goes(folder: Path, count: int, times: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Send so many Go's to so many analyzers, as a director does; get how far apart each was heard, in ms."""
    with simulators(folder, "serial", count) as ports:
        with contextlib.closing(TrafficLog("ptd-server", lambda _: None, must_write=True)) as log:
            log.open(folder / "server.log")
            configs = [AnalyzerConfig(device_type=49, device_port=port, baud=57600, network_port=0) for port in ports]
            analyzers = [Analyzer(number, config, folder, log) for number, config in enumerate(configs, 1)]
            try:
                await launch(analyzers, None)
                await all_of(analyzer.connect() for analyzer in analyzers)
                for number in range(times):
                    await all_of(analyzer.go(f"go_{number}") for analyzer in analyzers)
                    await asyncio.sleep(1 + number / times)
                    await all_of(analyzer.ptd.stop() for analyzer in analyzers)
                    await all_of(analyzer.ptd.listing() for analyzer in analyzers)
            finally:
                await all_of(analyzer.end() for analyzer in analyzers)
        heard_ms = np.array([heard(analyzer.output) for analyzer in analyzers])
    apart_ms: np.ndarray[tuple[int], np.dtype[np.float64]] = np.ptp(heard_ms, axis=0)
    return apart_ms


def heard(output: Path) -> list[float]:
    """Get when a daemon heard each Go, in ms; its log says so, to the millisecond."""
    found = re.findall(r"^(.{23}): Go command received$", output.read_text(), re.MULTILINE)
    return [parse_stamp(stamp) / 1e6 for stamp in found]


async def all_goes(folder: Path, times: int) -> None:
    """Send Go to more and more analyzers, and print how far apart it was heard."""
    print(f"\nhow far apart {times} Go's to all analyzers were heard, goal {GO_GOAL_MS} ms")
    print("analyzers   p50 ms   max ms   share within the goal")
    for count in GO_COUNTS:
        apart_ms = await goes(folder / f"go-{count}", count, times)
        within = np.mean(apart_ms <= GO_GOAL_MS)
        print(f"{count:9} {np.median(apart_ms):8.0f} {apart_ms.max():8.0f} {within:23.0%}", flush=True)


async def all_ticks(folder: Path, seconds: float) -> None:
    """Measure each transport at each rate, all at once, and print what was found."""
    ports = free_ports(len(CASES))
    runs = (
        ticks(folder / "-".join(map(str, case)), *case, tcp, seconds) for case, tcp in zip(CASES, ports, strict=True)
    )
    print(f"ticks over {seconds:g} s, from the end of an update to the sample's stamp")
    print(
        "transport  rate   readout     samples  missed  unread   p50 ms   p99 ms   max ms   drift ms   CPU per sample"
    )
    for (transport, rate, readout), found in zip(CASES, await asyncio.gather(*runs), strict=True):
        p50, p99 = np.percentile(found.late_ms, (50, 99))
        print(
            f"{transport:<8} {1000 / rate:3.0f} Hz   {readout:<8} {len(found.late_ms):10} {found.missed:7} "
            f"{found.unread:7} {p50:8.1f} {p99:8.1f} "
            f"{found.late_ms.max():8.1f} {found.drift_ms:+10.1f} {found.cpu_ms:13.2f} ms"
        )


async def all_held(folder: Path, seconds: float, most: int) -> None:
    """Add analyzers until samples are missed, and print what was found."""
    print(f"\nheld by one director for {seconds:g} s on {psutil.cpu_count()} processors, simulators included")
    print("rate    analyzers   missed   least samples   processors used")
    for rate, ladder in LADDERS.items():
        best = 0
        for count in [step for step in ladder if step <= most]:
            found = await held(folder / f"held-{rate}-{count}", rate, count, seconds)
            print(
                f"{1000 / rate:3.0f} Hz {count:10} {found.missed:8} {found.least:15} {found.cpu_share:17.0%}",
                flush=True,
            )
            if found.missed:
                break
            best = count
        print(f"{1000 / rate:3.0f} Hz: {best} held, goal {GOALS[rate] or '-'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the ticks (default %(default)s)")
    parser.add_argument("--hold", type=float, default=30.0, help="seconds for each number held (default %(default)s)")
    parser.add_argument("--most", type=int, default=96, help="most analyzers tried (default %(default)s)")
    parser.add_argument("--goes", type=int, default=20, help="how many Go's are sent (default %(default)s)")
    parser.add_argument("--only", choices=("ticks", "go", "held"), help="one part alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if options.only in (None, "ticks"):
            asyncio.run(all_ticks(Path(scratch), options.minutes * 60))
        if options.only in (None, "go"):
            asyncio.run(all_goes(Path(scratch), options.goes))
        if options.only in (None, "held"):
            asyncio.run(all_held(Path(scratch), options.hold, options.most))


if __name__ == "__main__":
    main()
