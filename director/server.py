"""The director: tries its analyzers, listens, and gives each client a conversation of its own.

async with Director(station, observe) as director:
    ...                           # clients connect to director.address
    await director.stopped()      # until one asked it to stop
"""

import asyncio
import os
import shlex
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from director.conversation import Conversation
from director.events import Listening, Observe, unobserved
from director.preflight import preflight
from director.server_log import server_log
from director.session import Session
from director.station import Station
from metrology.errors import ConfigError, PeerError
from wire.protocol import LONGEST_LINE, Lines

FAREWELL_S = 2.0
"""How long a client that is turned away may take to read why."""


class Director:
    """A director that serves clients while its context is entered.

    Args:
        station: the measuring machine.
        observe: gets the events.
        station_file: the station file's name, for the command that a refusal prints.

    Attributes:
        stop_asked: set once a client asked the director to stop and has gone.
    """

    def __init__(self, station: Station, observe: Observe = unobserved, station_file: str = "station.toml") -> None:
        self.station = station
        self.observe = observe
        self.stop_asked = asyncio.Event()
        self._station_file = station_file
        self._log = server_log(observe)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: Session | None = None
        self._since = ""

    @property
    def address(self) -> tuple[str, int]:
        """Get (host, port) that clients connect to; the port is the real one where 0 was configured."""
        if self._server is None:
            raise ConfigError("the director does not listen yet")
        host, port = self._server.sockets[0].getsockname()[:2]
        return str(host), int(port)

    async def __aenter__(self) -> Self:
        """Try the analyzers, then listen.

        Raises:
            ConfigError: the address would be open to other machines without encryption, or cannot be had.
            WattrigError: an analyzer does not answer as configured.
        """
        require_closed(self.station, self._station_file)
        make_store(self.station.director.store)
        await preflight(self.station, self.observe)
        host, port = self.station.director.address
        try:
            self._server = await asyncio.start_server(self._accept, host, port, limit=LONGEST_LINE)
        except OSError as problem:
            raise ConfigError(
                f"the director cannot listen on {self.station.director.listen}: {problem.strerror}",
                "is another director running? set another 'listen' in [director]",
            ) from problem
        self._log.info("Ready to accept connections at {}:{}".format(*self.address))
        self.observe(Listening(*self.address))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more; a session that is open is broken off in order."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    async def stopped(self) -> None:
        """Wait until a client asked the director to stop, and no session is open any more."""
        await self.stop_asked.wait()
        if self._server is not None:
            self._server.close()
        while self._session is not None and self._tasks:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    def busy(self) -> str:
        """Tell which session measures, and since when; "" where none does."""
        return f"busy, session {self._session.name} is measuring since {self._since}" if self._session else ""

    def opened(self, session: Session | None) -> None:
        """Take note of the session that holds the analyzers now, or of none."""
        self._session = session
        self._since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = writer.get_extra_info("peername")[:2]
        lines = Lines(reader, writer, f"client {host}:{port}")
        if busy := self.busy():
            self._log.info(f"Turned {lines.peer} away: {busy}")
            await turn_away(lines, writer, f"Error: {busy}")
        else:
            self._log.info(f"Connected {lines.peer}")
            await Conversation(lines, self).run()


async def turn_away(lines: Lines, writer: asyncio.StreamWriter, reply: str) -> None:
    """Tell a client why it is not served, and close.

    What it has sent already is read first: closing with unread data would reset the connection and could take the
    reply with it.
    """
    try:
        await lines.send(reply)
        writer.write_eof()
        await lines.receive(FAREWELL_S)
    except (PeerError, OSError):
        return
    finally:
        await lines.close()


def require_closed(station: Station, station_file: str) -> None:
    """Make sure that no other machine can connect unencrypted, unless the operator says so.

    Raises:
        ConfigError: it could; the hint is the command that allows it.
    """
    config = station.director
    if not config.is_loopback and not config.allow_plaintext:
        raise ConfigError(
            f"listening on {config.listen} would open the director, unencrypted and without passwords, to every "
            "machine that reaches it",
            f"in a lab network of your own: wattrig director -c {shlex.quote(station_file)} --allow-plaintext\n"
            '  or, for a client on this machine: listen = "127.0.0.1:4950" in [director]',
        )


def make_store(store: Path) -> None:
    """Make the folder that keeps the sessions.

    Raises:
        ConfigError: it cannot be made, or not be written to.
    """
    try:
        store.mkdir(parents=True, exist_ok=True)
        writable = os.access(store, os.W_OK | os.X_OK)
    except OSError as problem:
        raise ConfigError(f"the store '{store}' cannot be made: {problem.strerror}") from problem
    if not writable:
        raise ConfigError(f"the store '{store}' cannot be written to", "set another 'store' in [director]")


async def serve(station: Station, observe: Observe = unobserved, station_file: str = "station.toml") -> None:
    """Serve clients until one asks the director to stop, or the task is cancelled.

    Raises:
        WattrigError: see `Director.__aenter__`.
    """
    async with Director(station, observe, station_file) as director:
        await director.stopped()
