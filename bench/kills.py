"""One kill -9 at a random moment of a session, and what is left: the experiment that `make soak` and tests repeat.

A simulator whose power rises by 1 W each second, so that every sample tells its own time, a director and a client run
a session of 3 s phases as processes; one of these, or the analyzer's daemon, is killed.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.rig import BIN, process, wait_for
from evidence.journal import read_journal
from evidence.layout import DIRECTOR_JOURNAL
from evidence.ptd_protocol import parse_sample, unmarked_line
from evidence.state import read_state

VICTIMS = ("client", "director", "daemon", "simulator")
PHASE_S = 3.0
SESSION_S = 9.0
"""How long such a session takes, seconds; the moment of the kill is drawn from this."""
GRACE_S = 1.0
MARGIN_NS = 1_000_000_000
"""What may be lost: the last second."""
RAMP_W_PER_S = 1.0
OFF_W = 2.5
"""Largest difference of a sample to the truth at its time: a sample is a second or two old when it is stamped."""
HOLE_S = 1.6
LEAVING_S = 3.0
PATIENCE_S = 120.0
WORKLOAD = f"""
import os, sys, time
from datetime import datetime, timezone
def stamp():
    return datetime.now(timezone.utc).strftime("%m-%d-%Y %H:%M:%S.%f")[:-3]
def line(key, value):
    text = '"key": "%s", "value": "%s", "metadata": {{"is_error": false, "is_warning": false}}' % (key, value)
    return ":::MLLOG {{" + text + "}}"
time.sleep(0.1)
begin = stamp()
time.sleep({PHASE_S})
end = stamp()
time.sleep(0.1)
os.makedirs(sys.argv[1], exist_ok=True)
pairs = [("effective_test_mode", "PerformanceOnly"), ("effective_scenario", "Offline"), ("power_begin", begin),
         ("power_end", end), ("result_validity", "VALID")]
open(sys.argv[1] + "/mlperf_log_detail.txt", "w").write("".join(line(*pair) + chr(10) for pair in pairs))
open(sys.argv[1] + "/mlperf_log_summary.txt", "w").write("Result is : VALID" + chr(10))
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one kill left.

    Attributes:
        victim, at_s: who was killed, and when after the client's start.
        state: how the session ended: "complete", "aborted", "none" where it had not begun.
        samples: kept of it.
        lost: samples taken before the last second that are in no journal.
        wrong: samples that do not agree with the truth, or holes between them.
        damaged: damaged records in the journal.
        left: processes left over.
        recovered_s: from the kill until the session was closed.
    """

    victim: str
    at_s: float
    state: str
    samples: int
    lost: int
    wrong: int
    damaged: int
    left: int
    recovered_s: float

    @property
    def is_good(self) -> bool:
        """Tell whether nothing was lost and nothing is left over."""
        return not (self.lost or self.wrong or self.damaged or self.left)


class Lab:
    """A rig in a folder of its own, whose processes may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self._stack = contextlib.ExitStack()
        self._starts = 0
        (folder / "workload.py").write_text(WORKLOAD)
        ramp = "".join(f"{tenth / 10},{100 + RAMP_W_PER_S * tenth / 10}\n" for tenth in range(1200))
        (folder / "ramp.csv").write_text(ramp)
        (folder / "station.toml").write_text(
            f'[director]\nlisten = "127.0.0.1:0"\nstore = "{self.store}"\n\n[session]\ngrace_s = {GRACE_S}\n\n'
            f'[[analyzer]]\ndevice_type = 49\ndevice_port = "{folder / "meter"}"\nnetwork_port = 0\n'
        )

    def _start(self, name: str, ready: str, *command: str | Path) -> tuple["subprocess.Popen[bytes]", str]:
        self._starts += 1
        log = self.folder / f"{name}_{self._starts}.log"
        started = self._stack.enter_context(process(log, *command))
        return started, wait_for(log, ready, started) if ready else ""

    def simulator(self) -> "subprocess.Popen[bytes]":
        """Start a simulated analyzer, each with a file of its own for the truth."""
        (self.folder / "meter").unlink(missing_ok=True)
        truth = self.folder / f"truth_{self._starts}.csv"
        options: tuple[str | Path, ...] = ("--pty", self.folder / "meter", "--truth", truth, "--baud", "115200")
        load = f"replay:{self.folder / 'ramp.csv'}"
        return self._start("simulator", "SIMULATED", BIN / "wattrig", "simulate", "wt310e", *options, "--load", load)[
            0
        ]

    def director(self) -> tuple["subprocess.Popen[bytes]", int]:
        """Start a director; get it and its port."""
        command = (BIN / "wattrig", "director", "-c", self.folder / "station.toml")
        started, ready = self._start("director", "Ready to accept connections at", *command)
        return started, int(ready.rsplit(":", 1)[1])

    def client(self, port: int) -> "subprocess.Popen[bytes]":
        """Start a client."""
        logs = self.folder / "loadgen"
        workload = f"{sys.executable} -S {self.folder / 'workload.py'} {logs}"
        command = (BIN / "wattrig", "client", "-a", "127.0.0.1", "-p", str(port), "-w", workload, "-L", logs)
        return self._start("client", "", *command, "-o", self.folder / "out")[0]

    def __enter__(self) -> "Lab":
        """Get the lab."""
        os.environ["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        return self

    def __exit__(self, *_: object) -> None:
        """End what runs."""
        self._stack.close()

    def sessions(self) -> list[Path]:
        """Get the sessions in the store."""
        return sorted(path.parent.parent for path in self.store.glob("*/wattrig/owner.json"))


def kill_once(folder: Path, seed: int, victim: str = "") -> Outcome:
    """Run one session and kill one of its processes: at a moment drawn by `seed`, or a given one while testing."""
    at_s = random.Random(seed).uniform(0.0, SESSION_S)
    in_testing, victim = bool(victim), victim or VICTIMS[seed % len(VICTIMS)]
    folder.mkdir(parents=True, exist_ok=True)
    with Lab(folder) as lab:
        simulator = lab.simulator()
        director, port = lab.director()
        client = lab.client(port)
        _wait_for_testing(lab) if in_testing else time.sleep(at_s)
        if victim == "simulator":
            (folder / "meter").unlink()  # as a port that is gone; another lab's may be given its number
        killed = _kill(victim, {"client": client, "director": director, "simulator": simulator})
        killed_ns = time.time_ns()
        client.wait(PATIENCE_S)
        if victim == "simulator":
            lab.simulator()
        if victim == "director":
            lab.director()
        return _judge(lab, victim if killed else f"{victim} (none ran)", at_s, killed_ns)


def _wait_for_testing(lab: Lab) -> None:
    """Wait until two samples of the testing run are in the journal."""
    give_up_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_s:
        for path in lab.store.glob(f"*/{DIRECTOR_JOURNAL}"):
            kept = read_journal(path)
            if sum(record.get("phase") == "testing" for record in kept.records if record["kind"] == "sample") >= 2:
                return
        time.sleep(0.1)
    raise SystemExit(f"testing did not begin within {PATIENCE_S:g} s")


def _kill(victim: str, running: dict[str, "subprocess.Popen[bytes]"]) -> bool:
    if victim != "daemon":
        running[victim].kill()
        return True
    daemons = [child for child in psutil.Process(running["director"].pid).children() if "-l" in _words(child)]
    for daemon in daemons:
        os.kill(daemon.pid, signal.SIGKILL)
    return bool(daemons)


def _words(found: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return found.cmdline()
    return []


def _judge(lab: Lab, victim: str, at_s: float, killed_ns: int) -> Outcome:
    sessions = lab.sessions()
    for session in sessions:
        _wait_closed(session)
    recovered_s = (time.time_ns() - killed_ns) / 1e9
    states = {state.state for session in sessions if (state := read_state(session))}
    counts = [_count(session, killed_ns, lab) for session in sessions]
    samples, lost, wrong, damaged = (sum(column) for column in zip(*counts, strict=True)) if counts else (0,) * 4
    ended = " ".join(states) or "none"
    return Outcome(victim, at_s, ended, samples, lost, wrong, damaged, _left_over(lab), recovered_s)


def _wait_closed(session: Path) -> None:
    give_up_s = time.monotonic() + PATIENCE_S
    while read_state(session) is None:
        if time.monotonic() > give_up_s:
            raise SystemExit(f"the session '{session}' is not closed after {PATIENCE_S:g} s")
        time.sleep(0.05)


def _count(session: Path, killed_ns: int, lab: Lab) -> tuple[int, int, int, int]:
    """Count the samples that are kept, lost and wrong, and the damaged records of the journal."""
    kept = read_journal(session / DIRECTOR_JOURNAL)
    journalled = [str(record["line"]) for record in kept.records if record["kind"] == "sample"]
    log = session / "wattrig/journal_1.txt"
    taken = log.read_text().splitlines() if log.exists() else []
    before = [line for line in taken if (t_ns := _time_ns(line)) and t_ns < killed_ns - MARGIN_NS]
    lost = len(set(before) - set(journalled))
    return len(journalled), lost, _wrong(journalled, lab), len(kept.damages)


def _time_ns(line: str) -> int:
    return parse_sample(unmarked_line(line)[0]).t_utc_ns if ",Mark," in line else 0


def _wrong(lines: list[str], lab: Lab) -> int:
    """Count samples that the truth does not know, and holes between samples of a phase."""
    truth = sorted(_truth(lab))
    count, before_s, before_mark = 0, 0.0, ""
    for line in lines:
        listed, mark = unmarked_line(line)
        sample = parse_sample(listed)
        if sample.total.usable:
            near = truth[min(bisect_left(truth, (sample.t_utc_ns, 0.0)), len(truth) - 1)]
            count += abs(near[1] - sample.total.power_w) > OFF_W
        if mark == before_mark and sample.t_utc_ns / 1e9 - before_s > HOLE_S:
            count += 1
        before_s, before_mark = sample.t_utc_ns / 1e9, mark
    return count


def _truth(lab: Lab) -> Iterator[tuple[int, float]]:
    for path in lab.folder.glob("truth_*.csv"):
        for line in path.read_text().splitlines()[1:]:
            t_utc_ns, _, power_w = line.split(",")[:3]
            yield int(t_utc_ns), float(power_w)


def _left_over(lab: Lab) -> int:
    """Count the daemons and workloads of the lab that still run a moment later."""
    marks = (f"{lab.store}{os.sep}", str(lab.folder / "workload.py"))
    give_up_s, count = time.monotonic() + LEAVING_S, 1
    while count and time.monotonic() < give_up_s:
        time.sleep(0.05)
        count = sum(any(mark in word for mark in marks for word in _words(found)) for found in psutil.process_iter())
    return count
