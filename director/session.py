"""One measured session: ranging, testing, and what they leave in the store, in the reference director's order."""

import asyncio
import contextlib
import shutil
import time

from director.analyzer import Analyzer
from director.claim import Claim
from director.events import Observe, PhaseEnded, PhaseStarted, SessionEnded, SessionOpened
from director.last_files import write_last_files
from director.measurement import Measurement
from director.package import write_station
from director.ranging import FixedRanges
from director.recovery import keep_partial_logs, read_back
from director.repeat import set_aside
from director.stage import RUNNING, STOPPED, Stage
from director.station import Station
from director.together import all_of
from director.watch import Watch
from evidence.journal import Journal
from evidence.layout import (
    DIRECTOR_JOURNAL,
    OURS,
    POWER,
    SERVER_LOG,
)
from evidence.state import mark
from evidence.summary import Summary
from evidence.traffic_log import TrafficLog
from metrology.errors import SessionError

LEAST_FREE_BYTES = 256 << 20
"""Space a session needs in the store, bytes: twice a 24 h run of three channels at 1 Hz, twice over."""


class Session:
    """A session of one client.

    Args:
        station: the measuring machine.
        name: the session's name, which is its folder's in the store.
        summary: the record for server.json; messages are added by the conversation.
        log: the connection's server.log.
        observe: gets the events.

    Raises:
        FileExistsError: there is a session of that name.
        SessionError: the store has too little space.

    Attributes:
        watch: notices when the measurement fails.
        phase: the phase begun last; "" before ranging.
        is_ending: whether it is being broken off, so that no client can go on with it.
    """

    def __init__(self, station: Station, name: str, summary: Summary, log: TrafficLog, observe: Observe) -> None:
        self.name = name
        self.folder = station.director.store / name
        self.watch = Watch(name, observe)
        self.phase = ""
        self.is_ending = False
        self._station = station
        self._summary = summary
        self._log = log
        self._observe = observe
        self._stage = Stage.OPEN
        self._attempt = 1
        self._require_space()
        self.folder.mkdir()
        for part in (POWER, OURS):
            (self.folder / part).mkdir()
        self._claim = Claim(self.folder)
        log.open(self.folder / SERVER_LOG)
        self._journal = self._begin_journal()
        self._analyzers = [
            Analyzer(number, config, self.folder / OURS, log, self._journal.add)
            for number, config in enumerate(station.analyzer, 1)
        ]
        for analyzer in self._analyzers:
            analyzer.interval_ms = station.director.interval_ms
        self._measurement = Measurement(
            self.folder, station.director, self._analyzers, self.watch, log, self._journal.add, observe
        )
        write_station(self.folder, station.analyzer)
        observe(SessionOpened(name))

    def _begin_journal(self) -> Journal:
        loop = asyncio.get_running_loop()

        def failed(reason: str) -> None:
            loop.call_soon_threadsafe(self.watch.fail, reason)

        journal = Journal(self.folder / DIRECTOR_JOURNAL, failed)
        self._summary.session_name = self.name
        self._summary.keep(journal.add)
        self.watch.note = journal.add
        return journal

    def note(self, kind: str, **fields: object) -> None:
        """Keep a record in the session's journal."""
        self._journal.add(kind, **fields)

    @property
    def problem(self) -> str:
        """Tell why the journal keeps nothing any more; "" while it does."""
        return self._journal.problem

    def _require_space(self) -> None:
        free_bytes = shutil.disk_usage(self.folder.parent).free
        if free_bytes < LEAST_FREE_BYTES:
            raise SessionError(
                f"the store '{self.folder.parent}' has {free_bytes >> 20} MiB free, expected {LEAST_FREE_BYTES >> 20}"
            )

    @property
    def is_open(self) -> bool:
        """Tell whether the session holds the analyzers."""
        return self._stage is not Stage.CLOSED

    @property
    def is_measuring(self) -> bool:
        """Tell whether a phase is being measured."""
        return self._stage in RUNNING.values()

    async def start(self, phase: str, fixed: FixedRanges | None = None) -> bool:
        """Begin to measure a phase; asked again while measuring it, there is nothing to do.

        Args:
            phase: "ranging", or "testing" after it.
            fixed: ranges that spare the ranging run.

        Returns:
            Whether the phase is being measured; False where it is not its turn.

        Raises:
            WattrigError: it could not be begun; the session cannot go on.
        """
        if self._stage is RUNNING[phase]:
            return True
        if not self._may_start(phase, fixed):
            return False
        self._summary.stamp(phase)
        self.phase = phase
        if self._stage is Stage.OPEN:
            await self._measurement.start_analyzers(self._claim)
        await self._measurement.prepare(phase, fixed)
        self._log.info(f"Starting {phase} mode")
        self._stage = RUNNING[phase]
        await self._measurement.go(phase)
        self._summary.stamp(phase)
        self._observe(PhaseStarted(self.name, phase))
        return True

    def _may_start(self, phase: str, fixed: FixedRanges | None) -> bool:
        if phase == "ranging":
            return self._stage is Stage.OPEN
        return self._stage is Stage.RANGED or (self._stage is Stage.OPEN and fixed is not None)

    async def stop(self, phase: str) -> bool:
        """Measure no more, and write what was measured; asked again afterwards, there is nothing to do.

        Returns:
            Whether the phase is measured; False where it was not being measured.

        Raises:
            WattrigError: the samples could not be had, or are none; the session cannot go on.
        """
        if self._stage is STOPPED[phase]:
            return True
        if self._stage is not RUNNING[phase]:
            return False
        self._summary.stamp(phase)
        samples = await self._measurement.end(phase)
        self._stage = STOPPED[phase]
        self._summary.stamp(phase)
        self._observe(PhaseEnded(self.name, phase, samples))
        return True

    async def finish(self) -> None:
        """Close the session at the client's wish: give the analyzer back, write the last files.

        Raises:
            SessionError: the last files could not be written.
        """
        if self._stage is not Stage.TESTED:
            await self.abort("the client ended the session before the testing run was measured")
            return
        await self._give_back()
        await self._close("")

    async def abort(self, reason: str) -> None:
        """Break the session off: give the analyzer back as far as possible and keep all that there is."""
        if not self.is_open:
            return
        self.is_ending = True
        self._log.warning(f"The session is broken off: {reason}")
        await self.watch.end()
        await self._give_back()
        await self._keep_partial()
        await self._close(reason)

    async def _give_back(self) -> None:
        given = await all_of(analyzer.give_back(measuring=self.is_measuring) for analyzer in self._analyzers)
        if all(given):
            self._claim.settle()

    async def _keep_partial(self) -> None:
        try:
            self.watch.catch_up()
            await asyncio.to_thread(lambda: keep_partial_logs(self.folder, read_back(self.folder)))
        except OSError as problem:
            self._log.warning(f"The samples of the phase broken off stand in the journal alone: {problem}")

    async def repeat(self) -> bool:
        """Give up the testing run, so that it can be begun anew with the same ranges; what it left is kept.

        Returns:
            Whether that was done; False where no testing run was begun, or no further one is allowed.

        Raises:
            WattrigError: the analyzers do not stop; the session cannot go on.
            OSError: what there is of the attempt cannot be kept.
        """
        if self._stage is Stage.RANGED and self._attempt > 1:
            return True  # asked again by a client that did not hear the reply
        allowed = self._attempt < self._station.session.testing_attempts
        if self._stage not in (Stage.TESTING, Stage.TESTED) or not allowed:
            return False
        await self.watch.end()
        if self.is_measuring:
            await all_of(analyzer.ptd.stop() for analyzer in self._analyzers)
        self.watch.catch_up()
        await asyncio.to_thread(set_aside, self.folder, self._attempt, self._analyzers)
        self._log.warning(f"Testing run {self._attempt} is given up and will be repeated")
        self._summary.forget("testing")
        self._attempt += 1
        self._stage = Stage.RANGED
        return True

    async def _close(self, reason: str) -> None:
        self._stage = Stage.CLOSED
        try:
            write_last_files(self.folder, self._analyzers, self._log, self._summary)
        except OSError as problem:
            reason = reason or f"the last files could not be written: {problem}"
            raise SessionError(reason) from problem
        finally:
            self._log.close()
            self._record_end(reason)
            self._claim.release()
            self._observe(SessionEnded(self.name, reason))

    def _record_end(self, reason: str) -> None:
        self._journal.add("end", reason=reason)
        self._journal.close()
        with contextlib.suppress(OSError):  # the next start of the director closes a session without a state
            mark(self.folder, "aborted" if reason else "complete", reason, self.phase if reason else "")


def session_name(label: str) -> str:
    """Name a session that begins now: this machine's local time, and the label where there is one."""
    stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
    return f"{stamp}_{label}" if label else stamp
