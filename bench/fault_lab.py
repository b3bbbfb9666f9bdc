"""A lab for faults: simulator, director, proxy and client as processes, held at the moment at which something breaks.

The proxy between client and director holds the line at the moments in which they talk; while the workload runs it
waits for the lab, and the lab for a sample. What breaks, and what must come of it, is in `tests/faults`.
"""

import contextlib
import os
import random
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil
import serial

from bench.kills import LEAVING_S, PHASE_S, WORKLOAD
from bench.rig import BIN, wait_for
from evidence.journal import read_journal
from evidence.layout import DIRECTOR_JOURNAL
from evidence.state import State, read_state, write_bytes_atomically
from sut_client import guard
from wire.protocol import MAGIC_CLIENT, MAGIC_SERVER

HOST = "127.0.0.1"
MOMENTS = ("before", "ranging", "between", "testing", "transfer")
HELD_AT = {"before": "new,", "between": ",start,testing", "transfer": ",power/server.json"}
"""What the client is about to say in the moments in which nothing is measured."""
SHORTEST_S = {"ranging": 2.2, "testing": 1.3}
"""How long a phase takes at least, seconds: automatic ranges are found in two."""
RANGES = ":COMM:HEAD OFF;:VOLT:AUTO OFF;:CURR:AUTO OFF;:VOLT:RANG 300;:CURR:RANG 10"
"""Ranges that no run asks for, so that one which is not restored shows."""
GRACE_S = 2.0
PATIENCE_S, MOMENT_S = 80.0, 40.0
"""Longest wait for the end of a session, and for the moment at which something is to break, seconds."""
TOLD = 4000
Thing = TypeVar("Thing")
STORE_MIB = 300
"""A file system of its own holds what a session asks for before it begins, and little more."""
GATED = """offset = sys.argv[3] if len(sys.argv) > 3 else ""
real_now = datetime.now
class datetime:
    def now(zone):
        from datetime import timedelta
        return real_now(zone) + timedelta(seconds=float(open(offset).read()) if offset else 0)
"""


class FaultLab:
    """A rig in a folder of its own.

    Args:
        folder: where everything goes.

    Attributes:
        store, out: where director and client keep the session.
        host: the director's address.
        client_options: more options of the client.
        daemon_program: what the station file names.
        prefixes: what comes before the command of a process, by its name.
        running: the processes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store, self.out, self.gates = folder / "store", folder / "out", folder / "gates"
        self.client_options: list[str] = []
        self.daemon_program = str(folder / "ptd")
        self._offsets: dict[str, Path] = {}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.prefixes: dict[str, list[str]] = {}
        self.host = HOST
        self._stack = contextlib.ExitStack()
        self._starts = 0
        self.port = reserved_port(self._stack)
        self.daemon_port = reserved_port(self._stack)
        self.gates.mkdir(parents=True)
        shown = 'open(sys.argv[2] + "/at_" + os.environ["WATTRIG_PHASE"], "w").close()\nstart = time.monotonic()\n'
        wait = (
            'while not os.path.exists(sys.argv[2] + "/go_" + os.environ["WATTRIG_PHASE"]) or '
            f'time.monotonic() < start + {SHORTEST_S}[os.environ["WATTRIG_PHASE"]]: time.sleep(0.02)'
        )
        text = WORKLOAD.replace(f"time.sleep({PHASE_S})", shown + wait).replace("def stamp", GATED + "def stamp", 1)
        (folder / "workload.py").write_text(text)

    def __enter__(self) -> "FaultLab":
        """Get the lab."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what runs, whatever state it is in."""
        for found in self.leftovers():
            with contextlib.suppress(psutil.Error):
                found.kill()
        self._stack.close()

    # What runs.

    def _start(self, name: str, ready: str, *command: str | Path) -> str:
        self._starts += 1
        log = self.folder / f"{name}_{self._starts}.log"
        env = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
        with log.open("wb") as file:
            # Through a pipe: a process that may write no file any more can still say so.
            writer = subprocess.Popen("cat", stdin=subprocess.PIPE, stdout=file)
        words = [*self.prefixes.get(name, []), *command]
        started = subprocess.Popen(words, stdout=writer.stdin, stderr=subprocess.STDOUT, env=env)
        if writer.stdin is not None:
            writer.stdin.close()
        self._stack.callback(writer.wait)
        self._stack.callback(ended, started)
        self.running[name] = started
        return wait_for(log, ready, started) if ready else ""

    def _program(self, whose: str, module: str, name: str) -> list[str | Path]:
        if whose not in self._offsets:
            return [BIN / name]
        return [sys.executable, Path(__file__).with_name("stepped_clock.py"), self._offsets[whose], module]

    def simulator(self) -> None:
        """Start the simulated analyzer."""
        (self.folder / "meter").unlink(missing_ok=True)
        options = ("--pty", self.folder / "meter", "--baud", "0", "--load", "constant")
        self._start("simulator", "SIMULATED", BIN / "wattrig", "simulate", "wt310e", *options)

    def ask_meter(self, message: str, *, answers: bool = True) -> str:
        """Speak to the analyzer as its panel would."""
        with serial.Serial(str(self.folder / "meter"), timeout=2, exclusive=True) as line:
            line.write(message.encode() + b"\r\n")
            return line.readline().decode().strip() if answers else ""

    def ranges(self) -> str:
        """Get the analyzer's ranges."""
        return self.ask_meter(":VOLT:RANG?;:VOLT:AUTO?;:CURR:RANG?;:CURR:AUTO?")

    def station(self) -> Path:
        """Write the station file."""
        ptd = Path(self.daemon_program)
        words = " ".join(f"'{word}'" for word in self._program("director", "analyzers.ptd.command", "wattrig-ptd"))
        if ptd.parent == self.folder:
            ptd.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
            ptd.chmod(0o755)
        path = self.folder / "station.toml"
        path.write_text(
            f'[director]\nlisten = "{self.host}:{self.port}"\nstore = "{self.store}"\n'
            f"allow_plaintext = {str(self.host != HOST).lower()}\n"
            f"[session]\ngrace_s = {GRACE_S}\n"
            f'[[analyzer]]\nptd = "{ptd}"\ndevice_type = 49\ndevice_port = "{self.folder / "meter"}"\n'
            f"network_port = {self.daemon_port}\n"
        )
        return path

    def director(self) -> None:
        """Start the director; raises `SystemExit` where it does not start."""
        program = self._program("director", "console.main", "wattrig")
        command = (*program, "director", "-c", self.station())
        try:
            self._start("director", "Ready to accept connections at", *command)
        except SystemExit as problem:
            if "exclusively lock" not in str(problem):
                raise
            # The system may hand out the pseudo-terminal of another lab's simulator, which its daemon still locks.
            time.sleep(LEAVING_S)
            self._start("director", "Ready to accept connections at", *command)

    def director_again(self) -> None:
        """Wait for the end of a director that is ending, and start another."""
        self.running["director"].wait(PATIENCE_S)
        self.director()

    def keep(self, thing: contextlib.AbstractContextManager[Thing]) -> Thing:
        """Hold something until the end."""
        return self._stack.enter_context(thing)

    def proxy(self) -> int:
        """Start the proxy; get its port."""
        command = (sys.executable, "-I", "-S", str(Path(__file__).with_name("proxy.py")), str(self.port))
        started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._stack.callback(ended, started)
        self.running["proxy"] = started
        return int(self._heard("at").split()[1])

    def _heard(self, word: str) -> str:
        pipe = self.running["proxy"].stdout
        while pipe is not None and select.select([pipe], [], [], MOMENT_S)[0] and (line := pipe.readline().decode()):
            if line.startswith(word):
                return line
        raise SystemExit(f"the proxy did not say {word!r}: {self.told()}")

    def network(self, *commands: str) -> None:
        """Have the proxy do something."""
        pipe = self.running["proxy"].stdin
        for command in commands:
            if pipe is not None:
                pipe.write(f"{command}\n".encode())
            self._heard("done")

    def client(self, port: int) -> None:
        """Start a client of the director, or the proxy, at a port."""
        logs = self.folder / "loadgen"
        workload = f"{sys.executable} -S {self.folder / 'workload.py'} {logs} {self.gates}"
        if "client" in self._offsets:
            workload += f" {self._offsets['client']}"
        command = [*self._program("client", "console.main", "wattrig"), "client", "-a", self.host, "-p", str(port)]
        options: tuple[str | Path, ...] = ("-w", workload, "-L", logs, "-o", self.out, *self.client_options)
        self._start("client", "", *command, *options)

    # When it breaks.

    def begin(self, moment: str) -> None:
        """Start client and proxy, and go on until the moment has come."""
        port = self.proxy()
        if moment in HELD_AT:
            self.network(f"hold {HELD_AT[moment]}")
        for phase in SHORTEST_S:
            if phase != moment:
                self.open_gate(phase)
        self.client(port)
        if moment in HELD_AT:
            self._heard("held")
        else:
            self.wait_for_sample(moment)

    def wait_for_sample(self, phase: str) -> None:
        """Wait until a sample of a phase is in the journal."""
        self._wait(lambda: self._sampled(phase), f"no sample of {phase}", MOMENT_S)

    def go_on(self, moment: str) -> None:
        """Let go what was held."""
        if moment in SHORTEST_S:
            self.open_gate(moment)
        elif "proxy" in self.running:
            self.network("release")

    def open_gate(self, phase: str) -> None:
        """Let the workload of a phase end."""
        (self.gates / f"go_{phase}").touch()

    def _sampled(self, phase: str) -> bool:
        found = [read_journal(path).records for path in self.store.glob(f"*/{DIRECTOR_JOURNAL}")]
        return any(each.get("phase") == phase for kept in found for each in kept if each["kind"] == "sample")

    def _wait(self, come: Callable[[], bool], otherwise: str, patience_s: float = PATIENCE_S) -> None:
        give_up_s = time.monotonic() + patience_s
        while not come():
            if time.monotonic() > give_up_s:
                raise SystemExit(f"{otherwise} within {patience_s:g} s: {self.told()}")
            time.sleep(0.05)

    # What breaks.

    def signal(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to client, director, simulator, daemon or workload."""
        if (name, number) == ("simulator", signal.SIGKILL):
            (self.folder / "meter").unlink()  # as a port that is gone; another lab's may be given its number
        for pid in self._pids(name):
            os.kill(pid, number)

    def _pids(self, name: str) -> list[int]:
        pids = [self.running[name].pid] if name in self.running else [each.pid for each in self.below(name)]
        if not pids:
            raise SystemExit(f"no {name} runs")
        return pids

    def below(self, name: str) -> list[psutil.Process]:
        """Find the daemon of the director, or the workload's own process."""
        mark = {"daemon": f"{self.store}{os.sep}", "workload": str(self.folder / "workload.py")}[name]
        others = ("client", str(Path(guard.__file__)))  # which name the workload, too
        lines = ((found, words(found)) for found in psutil.process_iter())
        return [
            found for found, line in lines if mark in " ".join(line) and not any(other in line for other in others)
        ]

    def step(self, whose: str, seconds: float) -> None:
        """Step a clock; before the process starts, give it such a clock."""
        self._offsets.setdefault(whose, self.folder / f"clock_{whose}")
        write_bytes_atomically(self._offsets[whose], f"{seconds}".encode())

    def mount(self, folder: Path, mib: int = STORE_MIB, options: str = "") -> None:
        """Give a folder a file system of its own."""
        mount(folder, f"size={mib}m{options}").check_returncode()
        self._stack.callback(unmount, folder)

    def fill(self, folder: Path) -> None:
        """Leave no room in a file system."""
        with (folder / "filler").open("wb") as file, contextlib.suppress(OSError):
            for size in (1 << 20, 1 << 12):
                with contextlib.suppress(OSError):
                    while True:
                        os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), size)

    def limit_files(self, name: str) -> None:
        """Let a process write no further, as a quota does."""
        for pid in self._pids(name):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))

    # What came of it.

    def said(self, name: str) -> str:
        """Get all that a process wrote."""
        paths = sorted(self.folder.glob(f"{name}_*.log"))
        return "".join(path.read_text(errors="replace") for path in paths)

    def told(self) -> str:
        """Get the last that client and director wrote, for a message."""
        return f"{self.said('client')[-TOLD:]}\n--\n{self.said('director')[-TOLD:]}"

    def client_ends(self, patience_s: float = PATIENCE_S) -> int:
        """Wait for the client; get how it ended."""
        return self.running["client"].wait(patience_s)

    def sessions(self) -> list[Path]:
        """Get the sessions in the store."""
        return sorted(path.parent.parent for path in self.store.glob("*/wattrig/owner.json"))

    def closed(self) -> State | None:
        """Wait until the director's session is closed, and get how; None where there is none."""
        sessions = self.sessions()
        self._wait(lambda: all(read_state(session) for session in sessions), "the session is not closed")
        return read_state(sessions[0]) if sessions else None

    def kept(self) -> State | None:
        """Get how the client's session ended; None where there is no record of that."""
        found = [path.parent.parent for path in self.out.glob("*/wattrig/state.json")]
        return read_state(found[0]) if found else None

    def leftovers(self) -> list[psutil.Process]:
        """Find daemons and workloads that run."""
        return [*self.below("daemon"), *self.below("workload")]

    def is_served(self) -> bool:
        """Tell whether the director opens a session for a fresh client, which then goes away."""
        with socket.create_connection((HOST, self.port), 10) as line:
            stream = line.makefile("rw", newline="\n")
            for command, expected in (
                (MAGIC_CLIENT, MAGIC_SERVER),
                ("new,next,cf59d627-4308-4753-b14a-f6070a63ce76", "OK "),
            ):
                stream.write(f"{command}\r\n")
                stream.flush()
                if not stream.readline().startswith(expected):
                    return False
        return True


def words(found: psutil.Process) -> list[str]:
    """Get a process's command line; nothing of one that is gone."""
    with contextlib.suppress(psutil.Error):
        return found.cmdline() if found.status() != psutil.STATUS_ZOMBIE else []
    return []


def ended(started: "subprocess.Popen[bytes]") -> None:
    """End a process whatever state it is in."""
    started.kill()
    started.communicate()


def mount(folder: Path, options: str) -> "subprocess.CompletedProcess[bytes]":
    """Mount a file system in memory, where the system lets us."""
    folder.mkdir(exist_ok=True)
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)


def unmount(folder: Path) -> None:
    """Undo `mount`, also where files are open."""
    subprocess.run(["umount", "-l", folder], check=False)


def reserved_port(stack: contextlib.ExitStack) -> int:
    """Find a TCP port that nobody listens on, below those that the system gives to who connects.

    Other labs keep off it as long as the UDP port of that number is held, which is until the stack is closed.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with contextlib.ExitStack() as holding, contextlib.suppress(OSError):
            holding.enter_context(socket.socket(type=socket.SOCK_DGRAM)).bind((HOST, port))
            with socket.socket() as probe:
                probe.bind((HOST, port))
            stack.push(holding.pop_all())
            return port
