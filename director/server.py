"""The director: tries its analyzers, listens, and gives each client a conversation of its own.

async with Director(station, observe) as director:
    ...                           # clients connect to director.address
    await director.stopped()      # until one asked it to stop
"""

import asyncio
import contextlib
import math
import shlex
import time
from types import TracebackType
from typing import Any, Self

from director.conversation import Conversation
from director.door import HANDSHAKE_S, Door, hold, turn_away
from director.events import Listening, Observe, unobserved
from director.house import Owner
from director.preflight import make_store, preflight
from director.refusals import Refusals
from director.server_log import server_log
from director.session import Session
from director.station import Station
from metrology.errors import ConfigError, PeerError
from wire.keys import KeyFolder
from wire.protocol import LONGEST_LINE, Lines

MOST_CONNECTIONS = 128
"""Connections held at once. One more sends the oldest away that has no session, so that a flood keeps nobody out."""
MOST_SECRETS = 100
"""Sessions whose files can be fetched over a new connection."""
PLAINTEXT = "allow_plaintext is set, so connections from other machines need not be encrypted"
BUSY_PATIENCE_S = 1.0
"""How long a client that comes while another measures may take to say its first word before it is told so."""

ENDING_S = 8.0
"""How long a client that comes while a session is being broken off waits for the end of that; under the reference
director it would wait without limit. Below the ten seconds in which a client of ours expects the greeting."""


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
        self._door = Door(station.director, self._log)
        self._refusals = Refusals(self._log)
        self._tasks: dict[asyncio.Task[None], None] = {}  # the oldest first
        self._measuring: asyncio.Task[Any] | None = None
        self._session: Session | None = None
        self._free = asyncio.Event()
        self._since = ""
        self._owner: Owner | None = None
        self._secrets: dict[str, str] = {}

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
        self._log_protection()
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

    def _log_protection(self) -> None:
        config, keys = self.station.director, KeyFolder(self.station.director.keys)
        if keys.has_identity:
            self._log.info(f"TLS 1.3 is offered; this director's key is {keys.own().fingerprint}")
        if config.serves_plaintext and not config.is_loopback:
            self._log.warning(f"{PLAINTEXT}: whoever reaches {config.listen} can measure, listen in and interfere")
        elif not config.serves_plaintext:
            self._log.info("Clients that do not encrypt are turned away")
            if not keys.peers():
                self._log.warning("No other machine's key is trusted yet: wattrig keys trust NAME FILE")

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more; a session that is open is broken off in order."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._door.close()
        self._refusals.sum_up()
        if self._server is not None:
            await self._server.wait_closed()

    async def stopped(self) -> None:
        """Wait until a client asked the director to stop, and no session is open any more."""
        await self.stop_asked.wait()
        if self._server is not None:
            self._server.close()
        while self._session is not None and self._tasks:
            await asyncio.wait(list(self._tasks), return_when=asyncio.FIRST_COMPLETED)

    def busy(self) -> str:
        """Tell which session measures, since when, and whether its client is gone; "" where none does."""
        if self._session is None or self._owner is None:
            return ""
        phase = f", in phase {self._session.phase}" if self._session.phase else ""
        waits_s = math.ceil(self._owner.waits_s)
        gone = f"; its client is gone and has {waits_s} s more to come back" if waits_s else ""
        return f"busy, session {self._session.name} is measuring since {self._since}{phase}{gone}"

    def secret_of(self, session: str) -> str:
        """Get the secret of a session that was opened lately; "" for another."""
        return self._secrets.get(session, "")

    def opened(self, session: Session | None, owner: Owner) -> None:
        """Take note of the session that holds the analyzers now, or of none, and of who talks about it."""
        self._session, self._owner = session, owner
        if session is None:
            self._free.set()
        else:
            self._free.clear()
            self._secrets[session.name] = owner.secret
            while len(self._secrets) > MOST_SECRETS:
                del self._secrets[next(iter(self._secrets))]
        self._measuring = asyncio.current_task() if session else None
        self._since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hold(writer)
        if len(self._tasks) >= MOST_CONNECTIONS:
            self._send_oldest_away()
        task = asyncio.create_task(self._converse(reader, writer))
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    def _send_oldest_away(self) -> None:
        idle = (task for task in self._tasks if task is not self._measuring and not task.cancelling())
        if (oldest := next(idle, None)) is not None:
            oldest.cancel()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._until_ended()
            patience_s = BUSY_PATIENCE_S if self._session else HANDSHAKE_S
            lines = await self._door.admit(reader, writer, patience_s)
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        if lines is None:
            return
        if self._session and await self._has_come_back(lines):
            return
        if busy := self.busy():
            self._refusals.tell(self._log.info, lines.peer, busy)
            await turn_away(lines, writer, f"Error: {busy}")
        else:
            self._log.info(f"Connected {lines.peer}")
            await Conversation(lines, self).run()

    async def _until_ended(self) -> None:
        """Wait while the session of another client is broken off: who comes at the heels of it is next."""
        if self._session is not None and self._session.is_ending:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ENDING_S):
                    await self._free.wait()

    async def _has_come_back(self, lines: Lines) -> bool:
        """Tell whether this is the client that measures, over a new connection; it is then served by its owner."""
        if self._owner is None or not self._owner.may_be_resumed:
            return False
        try:
            line = await lines.receive(BUSY_PATIENCE_S)
        except PeerError:
            return False
        return await self._owner.welcome(line, lines)


def require_closed(station: Station, station_file: str) -> None:
    """Make sure that no other machine can connect unencrypted, unless the operator says so.

    Raises:
        ConfigError: it could, or nobody could connect at all; the hint has the commands that change it.
    """
    config = station.director
    if config.tls == "required" and config.allow_plaintext:
        raise ConfigError('both tls = "required" and allow_plaintext were given', "leave one of them out")
    if config.serves_plaintext or KeyFolder(config.keys).has_identity:
        return
    if config.tls == "required":
        KeyFolder(config.keys).own()
    raise ConfigError(
        f"listening on {config.listen} would open the director, unencrypted and without passwords, to every "
        "machine that reaches it",
        "with keys it encrypts: wattrig keys init\n"
        f"  or, in a lab network of your own: wattrig director -c {shlex.quote(station_file)} --allow-plaintext\n"
        '  or, for a client on this machine: listen = "127.0.0.1:4950" in [director]',
    )


async def serve(station: Station, observe: Observe = unobserved, station_file: str = "station.toml") -> None:
    """Serve clients until one asks the director to stop, or the task is cancelled.

    Raises:
        WattrigError: see `Director.__aenter__`.
    """
    async with Director(station, observe, station_file) as director:
        await director.stopped()
