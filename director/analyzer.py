"""One analyzer in one session: its daemon, the connection to it, and a record of all that was said."""

import asyncio
from pathlib import Path
from typing import Any

from analyzers.ptd.client import PtdClient
from director.analyzer_config import AnalyzerConfig
from director.daemon import Daemon, free_ports, require_free
from director.overheard import Overheard
from evidence.journal import Note, unnoted
from evidence.ptd_protocol import Identity, RangesReply, parse_identity, parse_ranges
from evidence.traffic_log import TrafficLog
from metrology.errors import EvidenceError, PeerError, SessionError, WattrigError

INTERVAL_MS = 1000
"""Sampling interval, milliseconds; source: MLPerf power rules, and every published Go."""
PTDAEMON_SETTLE_S = 10.0
"""The reference director's pause before each Go and after each stop command, seconds."""
LAST_WORDS_S = 0.5
"""How long a daemon that closed its connection is given to end, so that its last words can be quoted."""


class Analyzer:
    """An analyzer and its daemon.

    Args:
        number: from 1, as in the station file.
        config: how it is set up there.
        folder: where the daemon's own files go.
        log: the session's server.log.
        note: keeps in the session's journal what is said.

    Attributes:
        interval_ms: time between samples, milliseconds.
        journal: the daemon's `-l` log; `journal_start` is where the run begun last begins in it, bytes.
        said: all that was said to the daemon and by it.
        command: the daemon's command line.
        initial: the ranges it was found with.
    """

    def __init__(
        self, number: int, config: AnalyzerConfig, folder: Path, log: TrafficLog, note: Note = unnoted
    ) -> None:
        self.number = number
        self.config = config
        self.interval_ms = INTERVAL_MS
        self.output = folder / f"ptd_stdout_{number}.txt"
        self.journal = folder / f"journal_{number}.txt"
        self.journal_start = 0
        self.said = Overheard(number, log, note)
        self.command: list[str] = []
        self.initial: RangesReply | None = None
        self._daemon: Daemon | None = None
        self._client: PtdClient | None = None
        self._identity: Identity | None = None
        self._counted = 0
        self._port = 0

    @property
    def ptd(self) -> PtdClient:
        """Get the connection to the daemon.

        Raises:
            SessionError: there is none.
        """
        if self._client is None:
            raise SessionError(f"the daemon of analyzer {self.number} is not running")
        return self._client

    @property
    def channels(self) -> range:
        """Get which of the channels in a listing, counted from 1, belong to the SUT; none for a one-channel analyzer.

        SPEC's PTDaemon lists all channels that the analyzer has, ours those that `-c` asks for alone.
        """
        wanted = self.config.channels
        return range(1, len(wanted) + 1) if self._is_ours else wanted

    @property
    def is_gone(self) -> bool:
        """Tell whether the daemon closed the connection, or broke the protocol."""
        return self._client is not None and self._client.gone.is_set()

    @property
    def settle_s(self) -> float:
        """Get the pause before each Go and after each stop command, seconds."""
        if self.config.settle_s is not None:
            return self.config.settle_s
        return 0.0 if self._is_ours else PTDAEMON_SETTLE_S

    @property
    def _is_ours(self) -> bool:
        return self._identity is not None and self._identity.is_wattrig

    def record(self) -> dict[str, Any]:
        """Get the entry for `ptd_config` in server.json."""
        return self.config.record(self.command)

    async def launch(self, free_port: int | None = None, journal: Path | None = None) -> None:
        """Start the daemon; the caller ends it, also where what follows fails.

        Args:
            free_port: the TCP port to use where none is configured; any free one by default.
            journal: another `-l` log than that of the session's runs.

        Raises:
            ConfigError: its program or its port cannot be used.
        """
        self.prepare(journal or self.journal, free_port)
        self._daemon = await Daemon.start(self.command, self.output)

    def prepare(self, journal: Path, free_port: int | None = None, *, among_others: bool = False) -> None:
        """Choose the daemon's TCP port and command line; among others in a process it has a log of its own.

        Raises:
            ConfigError: the port cannot be used.
        """
        self._port = self.config.network_port or free_port or free_ports(1)[0]
        if self.config.network_port:
            require_free(self._port)
        self.command = self.config.command(journal, self._port, self.output if among_others else None)
        self.said.say(f"is running PTDaemon: {self.command}")

    def attach(self, daemon: Daemon) -> None:
        """Take a daemon that was started as prepared."""
        self._daemon = daemon

    async def connect(self) -> None:
        """Find an analyzer behind the daemon, and the ranges it is set to.

        Raises:
            InstrumentError, PeerError, EvidenceError: it does not answer as a daemon with an analyzer does.
        """
        await self._greet()
        reply = await self.ptd.ask("Identify")
        self._identity = parse_identity(reply)
        if not self._identity.version:
            raise EvidenceError(f"got {reply[:120]!r} to Identify, expected '<analyzer>,...,version=...'")
        self.said.say("connected to PTDaemon")
        self.initial = parse_ranges(await self.ptd.ask("RR"))
        self.said.say(
            f"says the initial range for Amps is {self.initial.current} for Volts is {self.initial.voltage}"
        )

    async def _greet(self) -> None:
        if self._daemon is None:
            raise SessionError(f"the daemon of analyzer {self.number} is not running")
        self._client = await self._daemon.connect(self._port, self.said)
        await self._client.hello()

    def begin_run(self) -> None:
        """Note where the run that is going to be started begins."""
        self._counted = 0
        self.journal_start = self.journal.stat().st_size

    async def figures(self, *names: str) -> list[str]:
        """Ask for `Watts` or `Uncertainty`; a reply that is none is kept as it is, with a warning."""
        replies = [await self.ptd.ask(name) for name in names]
        for name, reply in zip(names, replies, strict=True):
            if not reply.startswith(f"{name},"):
                self.said.warn(f"answered {name!r} with {reply!r}, expected '{name},...'")
        return replies

    async def counts_on(self) -> bool:
        """Tell whether samples are still being taken although the daemon's log shows none.

        SPEC's PTDaemon may hold its log back, so its count of samples is asked for; ours writes each line at once.
        """
        if self._is_ours:
            return False
        words = (await self.figures("Watts"))[0].split(",")
        count = int(words[4]) if len(words) > 4 and words[4].isdecimal() else 0
        before, self._counted = self._counted, count
        return count > before

    async def lost(self) -> str:
        """Wait until the daemon ends or closes the connection; get what happened."""
        daemon, client = self._daemon, self.ptd
        if daemon is None:
            raise SessionError(f"the daemon of analyzer {self.number} is not running")
        ends = [asyncio.ensure_future(daemon.process.wait()), asyncio.ensure_future(client.gone.wait())]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait(ends[:1], timeout=LAST_WORDS_S)
        finally:
            for end in ends:
                end.cancel()
        code = daemon.process.returncode
        what = "closed the connection" if code is None else f"ended with exit code {code}"
        return f"the daemon of analyzer {self.number} {what}{daemon.last_words()}"

    async def restore(self) -> None:
        """Set the ranges back to what they were found at; start the daemon once more where it died meanwhile.

        Raises:
            WattrigError: they could not be set back.
        """
        if self.initial is None:
            return
        if self._client is None or self._client.gone.is_set():
            await self.end()
            await self.launch(journal=self.journal.with_name(f"journal_{self.number}_restore.txt"))
            await self._greet()
        await self.ptd.set_range("V", self.initial.voltage)
        await self.ptd.set_range("A", self.initial.current)
        self.said.say(f"set initial values for Amps {self.initial.current} and Volts {self.initial.voltage}")

    async def give_back(self, *, measuring: bool = False) -> bool:
        """Leave the analyzer as it was found, as far as that can be done, and end the daemon.

        Returns:
            Whether its ranges are as they were found.
        """
        try:
            if measuring and not self.ptd.gone.is_set():
                await self.ptd.ask("Stop")
        except (PeerError, SessionError) as problem:
            self.said.warn(f"could not be stopped: {problem.message}")
        try:
            await self.restore()
        except WattrigError as problem:
            self.said.warn(f"may be left in other ranges than it was found in: {problem.message}")
            return False
        else:
            return True
        finally:
            await self.end()

    async def end(self) -> None:
        """Close the connection and end the daemon; its output is whole afterwards."""
        client, self._client = self._client, None
        daemon, self._daemon = self._daemon, None
        if client is not None:
            await client.close()
        if daemon is not None:
            self.said.say("stopping ptd...")
            await daemon.end()
