"""The processes of a lab for faults: simulator, director, proxy and client, each with its log in a folder."""

import contextlib
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

import psutil
import serial

from bench.fault_parts import HOST, comes, ended, reserved_port, words
from bench.kills import LEAVING_S, PHASE_S, WORKLOAD
from bench.rig import BIN, wait_for
from sut_client import guard
from wire.keys import KeyFolder

SHORTEST_S = {"ranging": 2.2, "testing": 1.3}
"""How long a phase takes at least, seconds: automatic ranges are found in two."""
GRACE_S = 4.0
PATIENCE_S, MOMENT_S, SAID_S = 120.0, 120.0, 10.0
"""Longest wait for the end of a session, for the moment at which something is to break, and for what a process has
said to come through its pipe, seconds."""
MOST_STARTS = 4
TOLD = 4000
Thing = TypeVar("Thing")
GATED = """offset = sys.argv[3] if len(sys.argv) > 3 else ""
real_now = datetime.now
class datetime:
    def now(zone):
        from datetime import timedelta
        return real_now(zone) + timedelta(seconds=float(open(offset).read()) if offset else 0)
"""


class FaultRig:
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
        self._logs: dict[str, Path] = {}
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

    def __enter__(self) -> Self:
        """Get the lab."""
        return self

    def __exit__(self, *_: object) -> None:
        """End what runs, whatever state it is in."""
        for found in self.leftovers():
            with contextlib.suppress(psutil.Error):
                found.kill()
        self._stack.close()

    def _start(self, name: str, ready: str, *command: str | Path) -> str:
        self._starts += 1
        log = self._logs[name] = self.folder / f"{name}_{self._starts}.log"
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
        with serial.Serial(str(self.folder / "meter"), timeout=SAID_S, exclusive=True) as line:
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
            f'keys = "{self.keys("director").path}"\n'
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
        for number in range(1, MOST_STARTS + 1):
            try:
                self._start("director", "Ready to accept connections at", *command)
            except SystemExit as problem:
                if "exclusively lock" not in str(problem) or number == MOST_STARTS:
                    raise
                # The system may hand out the pseudo-terminal of another lab's simulator that its daemon still locks.
                time.sleep(LEAVING_S)
            else:
                return

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

    def below(self, name: str) -> list[psutil.Process]:
        """Find the daemon of the director, or the workload's own process."""
        mark = {"daemon": f"{self.store}{os.sep}", "workload": str(self.folder / "workload.py")}[name]
        others = ("client", str(Path(guard.__file__)))  # which name the workload, too
        lines = ((found, words(found)) for found in psutil.process_iter())
        return [
            found for found, line in lines if mark in " ".join(line) and not any(other in line for other in others)
        ]

    def leftovers(self) -> list[psutil.Process]:
        """Find daemons and workloads that run."""
        return [*self.below("daemon"), *self.below("workload")]

    def keys(self, whose: str) -> KeyFolder:
        """Get the keys of client or director."""
        return KeyFolder(self.folder / f"keys_{whose}")

    def said(self, name: str) -> str:
        """Get all that a process wrote."""
        paths = sorted(self.folder.glob(f"{name}_*.log"))
        return "".join(path.read_text(errors="replace") for path in paths)

    def hears(self, name: str, pattern: str) -> bool:
        """Tell whether a process has said something; what it said may still be on its way."""
        return comes(lambda: re.search(pattern, self.said(name)) is not None, SAID_S)

    def told(self) -> str:
        """Get the last that client and director wrote, for a message."""
        return f"{self.said('client')[-TOLD:]}\n--\n{self.said('director')[-TOLD:]}"

    def wait(self, come: Callable[[], bool], otherwise: str, patience_s: float = PATIENCE_S) -> None:
        """Wait for something certain; raises `SystemExit` where it does not come."""
        if not comes(come, patience_s):
            raise SystemExit(f"{otherwise} within {patience_s:g} s: {self.told()}")
