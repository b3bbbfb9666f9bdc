"""The daemons: started, connected to, ended; what they say goes to files, so that they can never block on us.

Most are a process each. Several meters may share one, which then ends with the last of them.
"""

import asyncio
import contextlib
import errno
import os
import secrets
import socket
from collections.abc import Sequence
from pathlib import Path

from analyzers.ptd.client import LOOPBACK, PtdClient, Witness
from director.leftovers import marked
from metrology.errors import ConfigError, InstrumentError

CONNECT_S = 30.0
"""Longest wait for a daemon to listen; SPEC's needs up to 20 s with a WT333E (published sessions)."""
END_S = 10.0
"""Time for a daemon to end after SIGTERM before it is killed."""
RETRY_S = 0.05
LARGEST_TAIL = 65536
UNASKED_PORTS = range(20_000, 32_000)
REFUSAL = "wattrig-ptd: "
"""What an error begins with that ends our daemon before it serves."""


class Daemon:
    """A running daemon.

    Attributes:
        process: the process.
        output: the file with what it says.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, outputs: Sequence[tuple[Path, int]], users: list[Path]
    ) -> None:
        self.process = process
        self.output = outputs[0][0]
        self._outputs = outputs
        self._users = users

    @classmethod
    async def start(cls, command: Sequence[str], output: Path) -> "Daemon":
        """Start a daemon with its clock in UTC, in a process group of its own so that ^C does not reach it.

        Raises:
            ConfigError: the program cannot be started.
        """
        outputs = from_now_on(output)
        return cls(await started(command, output), outputs, [output])

    @classmethod
    async def start_together(cls, commands: Sequence[Sequence[str]], outputs: Sequence[Path]) -> list["Daemon"]:
        """Start one process of ours for several meters, each with its own `-o` among its options.

        Args:
            commands: of each meter, as if it were alone; the program is that of the first.
            outputs: what each one's `-o` names; beside the first is kept what the process itself says.

        Raises:
            ConfigError: the program cannot be started.
        """
        common = outputs[0].with_name(f"{outputs[0].stem}_and_{len(outputs) - 1}_more.txt")
        rest = (word for command in commands for word in ("--", *command[1:]))
        heard = [from_now_on(output, common) for output in outputs]
        process, users = await started([commands[0][0], *rest], common), list(outputs)
        return [cls(process, each, users) for each in heard]

    async def connect(self, port: int, witness: Witness) -> PtdClient:
        """Connect as soon as the daemon listens.

        Raises:
            InstrumentError: it ended instead, or does not listen within `CONNECT_S`.
        """
        try:
            async with asyncio.timeout(CONNECT_S):
                while True:
                    if self.process.returncode is not None or self._gave_up():
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

    def _gave_up(self) -> bool:
        """Tell whether a meter of several could not be connected to, which does not end the others."""
        return any(line.startswith(REFUSAL) for line in tail(*self._outputs[0]))

    def last_words(self) -> str:
        """Quote the last error that the daemon wrote, with what it says to try, or else its last line."""
        lines = [line for output in reversed(self._outputs) for line in tail(*output)]
        if not lines:
            return " and wrote nothing"
        errors = [index for index, line in enumerate(lines) if "ERROR" in line or line.startswith(REFUSAL)]
        told = lines[errors[-1] if errors else -1 :][:2]
        return ": " + "\n  ".join(line[:500] for line in told if line is told[0] or line.startswith("try: "))

    async def end(self) -> None:
        """End the process, if no other meter needs it, and wait until it is gone, `END_S` where others do need it.

        It is killed if it does not go by itself.
        """
        if self.output in self._users:
            self._users.remove(self.output)
        if self._users:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), END_S)
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), END_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


async def started(command: Sequence[str], output: Path) -> asyncio.subprocess.Process:
    """Start a daemon's process; see `Daemon.start`."""
    try:
        with output.open("ab") as file:
            return await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=file,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, "TZ": "UTC", **marked(output.parent)},
                start_new_session=True,
            )
    except OSError as problem:
        raise ConfigError(
            f"the analyzer's daemon '{command[0]}' cannot be started: {problem.strerror}",
            "set 'ptd' in [[analyzer]] to wattrig-ptd or to the path of SPEC's PTDaemon",
        ) from problem


def from_now_on(*paths: Path) -> list[tuple[Path, int]]:
    """Get files with their sizes in bytes: what stands before is of an earlier daemon."""
    return [(path, path.stat().st_size if path.exists() else 0) for path in paths]


def tail(path: Path, begin: int) -> list[str]:
    """Get the last lines of a log that are not empty, from byte `begin` on; none where there is no log yet."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(max(begin, os.fstat(file.fileno()).st_size - LARGEST_TAIL))
        return [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]


def free_ports(count: int) -> list[int]:
    """Find TCP ports that nobody listens on, each one different.

    They lie below those that Linux hands out unasked (from 32768 on; source: ip(7)), so that no other program is
    given one before the daemon listens there.
    """
    chosen: list[int] = []
    with contextlib.ExitStack() as stack:
        while len(chosen) < count:
            port = UNASKED_PORTS[secrets.randbelow(len(UNASKED_PORTS))]
            with contextlib.suppress(OSError):
                stack.enter_context(socket.socket()).bind((LOOPBACK, port))
                chosen.append(port)
    return chosen


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
