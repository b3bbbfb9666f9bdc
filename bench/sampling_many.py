"""Many analyzers behind one director: how far apart they hear Go, and how many are read without a missed sample."""

import asyncio
import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from bench.rig import BIN, process, wait_for
from bench.simulators import simulators
from director.analyzer import Analyzer
from director.analyzer_config import AnalyzerConfig
from director.fleet import go, launch
from director.together import all_of
from evidence.stamps import parse_stamp
from evidence.traffic_log import TrafficLog


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


Milliseconds = np.ndarray[tuple[int], np.dtype[np.float64]]


async def goes(folder: Path, count: int, times: int) -> tuple[Milliseconds, Milliseconds]:
    """Send so many Go's to so many analyzers, as a director does; get how far apart each arrived, and was obeyed."""
    with simulators(folder, "serial", count) as ports:
        with contextlib.closing(TrafficLog("ptd-server", lambda _: None, must_write=True)) as log:
            log.open(folder / "server.log")
            configs = [AnalyzerConfig(device_type=49, device_port=port, baud=57600, network_port=0) for port in ports]
            analyzers = [Analyzer(number, config, folder, log) for number, config in enumerate(configs, 1)]
            try:
                await launch(analyzers, None)
                await all_of(analyzer.connect() for analyzer in analyzers)
                for number in range(times):
                    await go(analyzers, f"go_{number}")
                    await asyncio.sleep(1 + number / times)
                    await all_of(analyzer.ptd.stop() for analyzer in analyzers)
                    await all_of(analyzer.ptd.listing() for analyzer in analyzers)
            finally:
                await all_of(analyzer.end() for analyzer in analyzers)
        logs = [analyzer.output.read_text() for analyzer in analyzers]
    return apart(logs, "Go command received"), apart(logs, "Go with mark 'go_[0-9]+'")


def apart(logs: list[str], text: str) -> Milliseconds:
    """Get by how many milliseconds the first and the last daemon logged the same thing apart, each time they did."""
    found = [re.findall(rf"^(.{{23}}): {text}$", log, re.MULTILINE) for log in logs]
    moments_ms = np.array([[parse_stamp(stamp) / 1e6 for stamp in each] for each in found])
    between: Milliseconds = np.ptp(moments_ms, axis=0)
    return between
