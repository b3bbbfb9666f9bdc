"""One daemon process: started, connected to, ended; its output goes to a file, so that it can never block on us."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from analyzers.ptd.client import LOOPBACK, PtdClient, Witness
from metrology.errors import ConfigError, InstrumentError

CONNECT_S = 30.0
"""Longest wait for a daemon to listen; SPEC's needs up to 20 s with a WT333E (published sessions)."""
END_S = 10.0
"""Time for a daemon to end after SIGTERM before it is killed."""
RETRY_S = 0.05
LARGEST_TAIL = 65536


class Daemon:
    """A running daemon.

    Attributes:
        process: the process.
        output: the file with its stdout and stderr.
    """

    def __init__(self, process: asyncio.subprocess.Process, output: Path, begin: int) -> None:
        self.process = process
        self.output = output
        self._begin = begin  # what stands before is of an earlier daemon

    @classmethod
    async def start(cls, command: Sequence[str], output: Path) -> "Daemon":
        """Start a daemon with its clock in UTC, in a process group of its own so that ^C does not reach it.

        Raises:
            ConfigError: the program cannot be started.
        """
        try:
            with output.open("ab") as file:
                begin = file.tell()
                process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=file,
                    stderr=asyncio.subprocess.STDOUT,
                    env={**os.environ, "TZ": "UTC"},
                    start_new_session=True,
                )
        except OSError as problem:
            raise ConfigError(
                f"the analyzer's daemon '{command[0]}' cannot be started: {problem.strerror}",
                "set 'ptd' in [[analyzer]] to wattrig-ptd or to the path of SPEC's PTDaemon",
            ) from problem
        return cls(process, output, begin)

    async def connect(self, port: int, witness: Witness) -> PtdClient:
        """Connect as soon as the daemon listens.

        Raises:
            InstrumentError: it ended instead, or does not listen within `CONNECT_S`.
        """
        try:
            async with asyncio.timeout(CONNECT_S):
                while True:
                    if self.process.returncode is not None:
                        raise InstrumentError(f"the analyzer's daemon ended at once{self.last_words()}")
                    try:
                        return await PtdClient.connect(port, witness)
                    except OSError:
                        await self._pause()
        except TimeoutError as problem:
            raise InstrumentError(
                f"the analyzer's daemon did not listen on port {port} within {CONNECT_S:g} s{self.last_words()}",
                "is the analyzer on, and does its menu allow remote control on this interface?",
            ) from problem

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), RETRY_S)

    def last_words(self) -> str:
        """Quote the last error that the daemon wrote, with what it says to try, or else its last line."""
        with self.output.open("rb") as file:
            file.seek(max(self._begin, os.fstat(file.fileno()).st_size - LARGEST_TAIL))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
        if not lines:
            return " and wrote nothing"
        errors = [index for index, line in enumerate(lines) if "ERROR" in line or line.startswith("wattrig-ptd: ")]
        told = lines[errors[-1] if errors else -1 :][:2]
        return ": " + "\n  ".join(line[:500] for line in told if line is told[0] or line.startswith("try: "))

    async def end(self) -> None:
        """End the process and wait until it is gone; it is killed if it does not go by itself."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), END_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


def free_ports(count: int) -> list[int]:
    """Find TCP ports that nobody listens on, each one different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def require_free(port: int) -> None:
    """Make sure that a daemon can listen on a TCP port of this machine.

    Raises:
        ConfigError: another program listens there.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE:
                raise ConfigError(f"TCP port {port} cannot be used for the analyzer's daemon: {problem}") from problem
            raise ConfigError(
                f"TCP port {port}, where the analyzer's daemon is to listen, is taken by another program",
                f"see which one with `ss -ltnp 'sport = :{port}'` and end it if it is a daemon left over, "
                "or set network_port = 0 to use any free port",
            ) from problem
