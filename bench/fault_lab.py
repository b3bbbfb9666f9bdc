"""A lab for faults: a rig that is held at the moment at which something breaks, and what can break.

The proxy between client and director holds the line at the moments in which they talk; while the workload runs it
waits for the lab, and the lab for a sample. What breaks, and what must come of it, is in `tests/faults`.
"""

import contextlib
import datetime
import os
import resource
import signal
import socket
from pathlib import Path

from bench.fault_parts import HOST, Disk, NtpServer, mount, unmount
from bench.fault_rig import MOMENT_S, PATIENCE_S, SHORTEST_S, FaultRig
from evidence.journal import read_journal
from evidence.layout import DIRECTOR_JOURNAL
from evidence.state import State, read_state, write_bytes_atomically
from wire.identity import make_identity
from wire.protocol import MAGIC_CLIENT, MAGIC_SERVER

HELD_AT = {"before": "new,", "between": ",start,testing", "closing": ",done", "transfer": ",power/server.json"}
"""What the client is about to say in the moments in which nothing is measured."""
RANGES = ":COMM:HEAD OFF;:VOLT:AUTO OFF;:CURR:AUTO OFF;:VOLT:RANG 300;:CURR:RANG 10"
"""Ranges that no run asks for, so that one which is not restored shows."""
STORE_MIB = 300
"""A file system of its own holds what a session asks for before it begins, and little more."""


class FaultLab(FaultRig):
    """A rig of which something breaks.

    Attributes:
        disk, ntp: the file system that can fail, and the time server, where there is one.
    """

    disk: Disk
    ntp: NtpServer

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
        """Wait until a sample of a phase is in the journal, and the workload runs."""
        runs = self.gates / f"at_{phase}"
        self.wait(lambda: runs.exists() and self._sampled(phase), f"no sample of {phase}", MOMENT_S)

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

    # What breaks.

    def signal(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to client, director, simulator, daemon or workload."""
        if (name, number) == ("simulator", signal.SIGKILL):
            (self.folder / "meter").unlink()  # as a port that is gone; another lab's may be given its number
        for pid in self._pids(name):
            with contextlib.suppress(ProcessLookupError):  # one that ended with another
                os.kill(pid, number)

    def _pids(self, name: str) -> list[int]:
        pids = [self.running[name].pid] if name in self.running else [each.pid for each in self.below(name)]
        if not pids:
            raise SystemExit(f"no {name} runs")
        return pids

    def step(self, whose: str, seconds: float) -> None:
        """Step a clock; before the process starts, give it such a clock."""
        self._offsets.setdefault(whose, self.folder / f"clock_{whose}")
        write_bytes_atomically(self._offsets[whose], f"{seconds}".encode())

    def mount(self, folder: Path, mib: int = STORE_MIB, options: str = "") -> None:
        """Give a folder a file system of its own."""
        mount(folder, f"size={mib}m{options}").check_returncode()
        self._stack.callback(unmount, folder)

    def failing_disk(self, folder: Path, mib: int = STORE_MIB + 40) -> None:
        """Give a folder a file system of its own that can fail."""
        self.disk = Disk(folder, self.folder / "disk", mib)
        self._stack.callback(self.disk.close)

    def time_server(self) -> None:
        """Start a time server, and have the client ask it."""
        self.ntp = self.keep(contextlib.closing(NtpServer()))
        self.client_options += ["-n", self.ntp.address]

    def encrypt(self) -> None:
        """Have client and director encrypt, each with a key that the other trusts."""
        for whose in ("director", "client"):
            self.new_key(whose)
        self.keys("director").trust("client", self.keys("client").own().der)
        self.client_options += ["--tls", "--keys", str(self.keys("client").path)]

    def new_key(self, whose: str) -> None:
        """Give client or director a key, instead of the one that it has; it trusts the other side."""
        keys, (other,) = self.keys(whose), {"client", "director"} - {whose}
        if keys.path.exists():
            keys.path.rename(keys.path.with_name(f"old_{keys.path.name}"))
        make_identity(keys, whose, datetime.datetime.now(datetime.UTC))
        if self.keys(other).has_identity:
            keys.trust(other, self.keys(other).own().der)

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

    def client_ends(self, patience_s: float = PATIENCE_S) -> int:
        """Wait for the client; get how it ended."""
        return self.running["client"].wait(patience_s)

    def sessions(self) -> list[Path]:
        """Get the sessions in the store."""
        return sorted(path.parent.parent for path in self.store.glob("*/wattrig/owner.json"))

    def closed(self, *, begun: bool = True) -> State | None:
        """Wait until the director's session is closed, and get how; None where there is none.

        Args:
            begun: a session is expected; otherwise it is waited until the director is done with all who came.
        """
        self.wait(lambda: bool(self.sessions()) if begun else self._is_idle(), "the director is not done")
        self.wait(lambda: all(read_state(session) for session in self.sessions()), "the session is not closed")
        return read_state(found[0]) if (found := self.sessions()) else None

    def _is_idle(self) -> bool:
        """Tell whether the director that runs has let go of each client that it let in."""
        said = self._logs["director"].read_text(errors="replace")
        came, is_first = said.count("Connected client"), len([*self.folder.glob("director_*.log")]) == 1
        return came == said.count("Connection closed") and came >= is_first

    def kept(self) -> State | None:
        """Get how the client's session ended; None where there is no record of that."""
        found = [path.parent.parent for path in self.out.glob("*/wattrig/state.json")]
        return read_state(found[0]) if found else None

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
