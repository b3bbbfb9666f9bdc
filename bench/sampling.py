"""How evenly samples come: against the moments at which the simulated analyzers renewed their display.

    ticks   per transport at 1 Hz and 10 Hz: from the end of an update to the sample's stamp, and what it costs
    go      how far apart a Go that is sent to all arrives at the daemons of many analyzers, and is obeyed
    held    how many simulated analyzers one director reads without a missed sample

Everything runs on this machine at once, the simulators included. Stamps have a millisecond, as PTDaemon's have.
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

import numpy as np
import psutil

from bench.sampling_many import goes, held
from bench.sampling_ticks import ticks
from bench.simulators import TRANSPORTS
from director.daemon import free_ports

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


async def all_goes(folder: Path, times: int) -> None:
    """Send Go to more and more analyzers, and print how far apart it arrived."""
    print(f"\nhow far apart {times} Go's to all analyzers arrived, goal {GO_GOAL_MS} ms, and were obeyed")
    print("analyzers   arrived p50 ms   max ms   within the goal   obeyed p50 ms   max ms")
    for count in GO_COUNTS:
        arrived_ms, obeyed_ms = await goes(folder / f"go-{count}", count, times)
        within = np.mean(arrived_ms <= GO_GOAL_MS)
        print(
            f"{count:9} {np.median(arrived_ms):16.0f} {arrived_ms.max():8.0f} {within:17.0%} "
            f"{np.median(obeyed_ms):15.0f} {obeyed_ms.max():8.0f}",
            flush=True,
        )


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
