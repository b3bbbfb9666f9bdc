"""A whole rig for the benchmarks: simulator, director and client as processes on loopback."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Rig:
    """Where a rig that runs can be found; `pid` is the director's."""

    folder: Path
    port: int
    truth: Path
    pid: int

    def measure(self, seconds: int, out: str = "out") -> tuple[Path, float]:
        """Run one session with a LoadGen workload of `seconds` per phase; get its folder and how long it took."""
        logs = self.folder / "loadgen"
        workload = f"{sys.executable} -m sut_client.loadgen --scenario Offline --seconds {seconds} --logs {logs}"
        start = time.monotonic()
        subprocess.run(
            [BIN / "wattrig", "client", "-a", "127.0.0.1", "-p", str(self.port), "-w", workload, "-L", logs,
             "-o", self.folder / out, "-f"],
            check=True, capture_output=True,
        )  # fmt: skip
        took_s = time.monotonic() - start
        return max((self.folder / out).glob("*/power/client.json")).parent.parent, took_s


@contextlib.contextmanager
def process(log: Path, *command: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command with its output in `log`; end it by SIGTERM."""
    with log.open("wb") as file:
        started = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        try:
            yield started
        finally:
            started.send_signal(signal.SIGTERM)
            started.wait(PATIENCE_S)


def wait_for(log: Path, text: str, started: subprocess.Popen[bytes]) -> str:
    """Wait until a line with `text` stands in the log, and get it."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and started.poll() is None:
        for line in log.read_text(errors="replace").splitlines():
            if text in line:
                return line
        time.sleep(0.05)
    raise SystemExit(f"no '{text}' in {log}:\n{log.read_text(errors='replace')}")


@contextlib.contextmanager
def running_rig(
    folder: Path, load: tuple[str, ...] = (), analyzer_lines: str = "", options: tuple[str, ...] = ()
) -> Iterator[Rig]:
    """Start a simulator and a director with `options`; `analyzer_lines` go into the analyzer's table."""
    folder.mkdir(parents=True, exist_ok=True)
    port, truth = folder / "wt310e", folder / "truth.csv"
    station = folder / "station.toml"
    station.write_text(
        f'[director]\nlisten = "127.0.0.1:0"\nstore = "{folder / "store"}"\n\n'
        f'[[analyzer]]\ndevice_type = 49\ndevice_port = "{port}"\nnetwork_port = 0\n{analyzer_lines}\n'
    )
    os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    simulate: tuple[str | Path, ...] = (BIN / "wattrig", "simulate", "wt310e", "--pty", port, "--truth", truth, *load)
    with process(folder / "simulator.log", *simulate) as simulator:
        wait_for(folder / "simulator.log", str(port), simulator)
        log = folder / "director.log"
        with process(log, BIN / "wattrig", "director", "-c", station, *options) as director:
            ready = wait_for(log, "Ready to accept connections at", director)
            yield Rig(folder, int(ready.rsplit(":", 1)[1]), truth, director.pid)
