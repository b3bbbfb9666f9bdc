"""What is done with the analyzers in a session: start them, set their ranges, measure a phase, write what came."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from director.analyzer import Analyzer
from director.analyzer_config import LARGEST_CURRENT_RANGES_A
from director.claim import Claim
from director.events import Observe, RangesChosen
from director.fleet import go, launch
from director.harvest import harvest, ranges_shown, write_samples
from director.headroom import headroom_of, spread
from director.loss import explained
from director.ranging import FixedRanges
from director.station import DirectorConfig
from director.together import all_of
from director.watch import Watch
from evidence.journal import Note
from evidence.traffic_log import TrafficLog
from metrology.errors import PeerRefusedError, SessionError
from metrology.headroom import Headroom, advice, told


class Measurement:
    """The measurement of one session.

    Args:
        session: its folder, whose name is the session's.
        config: how the director measures.
        analyzers: all of them.
        watch: watches them while a phase is measured.
        log: server.log.
        note: keeps a record in the journal.
        observe: gets the events.
    """

    def __init__(
        self, session: Path, config: DirectorConfig, analyzers: Sequence[Analyzer],
        watch: Watch, log: TrafficLog, note: Note, observe: Observe,
    ) -> None:  # fmt: skip
        self._session = session
        self._config = config
        self._analyzers = analyzers
        self._watch = watch
        self._log = log
        self._note = note
        self._observe = observe
        self._ranges: dict[int, FixedRanges] = {}
        self._shown: dict[int, list[str]] = {}

    async def start_analyzers(self, claim: Claim) -> None:
        """Start the daemons and connect to them; the claim notes the ranges that the analyzers have.

        Raises:
            WattrigError: one does not answer as configured.
        """
        await launch(self._analyzers, self._config.meters_per_daemon)
        await all_of(analyzer.connect() for analyzer in self._analyzers)
        claim.note(self._analyzers)

    async def prepare(self, phase: str, fixed: FixedRanges | None) -> None:
        """Set the ranges of a phase, and wait until the analyzers have settled.

        Raises:
            WattrigError: a range is refused, or a daemon does not answer.
        """
        for analyzer in self._analyzers:
            analyzer.said.begin_phase()
        if fixed is not None:
            self._ranges = {analyzer.number: fixed for analyzer in self._analyzers}
        async with explained(self._analyzers):
            await all_of(self._set_ranges(analyzer, phase) for analyzer in self._analyzers)
        if phase == "testing":
            await self._tell_headroom()
        await self._settle()

    async def _set_ranges(self, analyzer: Analyzer, phase: str) -> None:
        if phase == "ranging":
            await set_ranging_ranges(analyzer, self._ranging_current(analyzer))
        else:
            ranges = self._ranges[analyzer.number]
            await set_testing_range(analyzer, "V", "voltage", ranges.voltage)
            await set_testing_range(analyzer, "A", "current", ranges.current)

    def _ranging_current(self, analyzer: Analyzer) -> str:
        """Get the current range of a ranging run: automatic, or the analyzer's largest."""
        if self._config.ranging_mode != "max":
            return "Auto"
        device_type = analyzer.config.device_type
        if device_type not in LARGEST_CURRENT_RANGES_A:
            self._log.warning(f"Unknown max range type for device {device_type}, using AUTO")
        return str(LARGEST_CURRENT_RANGES_A.get(device_type, "Auto"))

    async def _tell_headroom(self) -> None:
        """Say what the ranges leave, once for each analyzer that showed its load in a ranging run."""
        shown, self._shown = self._shown, {}
        for analyzer in self._analyzers:
            if lines := shown.get(analyzer.number):
                ranges = self._ranges[analyzer.number]
                if (found := await asyncio.to_thread(headroom_of, analyzer, ranges, lines)) is not None:
                    self._say_headroom(analyzer.number, found)

    def _say_headroom(self, number: int, found: Headroom) -> None:
        warnings = tuple(advice(found))
        for warning in warnings:
            self._log.warning(f"Analyzer [{number}]: {warning}")
        said = RangesChosen(
            self._session.name, number, found.voltage_range_v, found.current_range_a, found.current_left,
            found.crest_room, found.uncertainty, told(found), warnings,
        )  # fmt: skip
        self._note("ranges", of=number, told=said.told, advice=warnings)
        self._observe(said)

    async def _settle(self) -> None:
        await asyncio.sleep(max(analyzer.settle_s for analyzer in self._analyzers))

    async def go(self, phase: str) -> None:
        """Measure from now on.

        Raises:
            PeerError: a daemon does not answer, or refuses.
        """
        mark_text = f"{self._session.name}_{phase}"
        if phase == "testing":
            for number, ranges in self._ranges.items():
                self._log.info(f"Analyzer [{number}] maxAmps: {ranges.current}, maxVolts: {ranges.voltage}")
        self._watch.begin(self._analyzers, phase)
        await go(self._analyzers, mark_text)

    async def end(self, phase: str) -> int:
        """Measure no more, and write what was measured; get how many samples the first analyzer took.

        Raises:
            WattrigError: the samples could not be had, or are none.
        """
        await self._settle()
        await self._watch.end()
        listings = await harvest(self._session, phase, self._analyzers)
        self._watch.catch_up()
        await self._write(phase, listings)
        return len(listings[0])

    async def _write(self, phase: str, listings: Sequence[list[str]]) -> None:
        if phase == "testing":
            self._log.info(f"Merging {len(listings)} log files into one file")
            self._log.info("Merging spl log files into one file")
            self._log.info("Merging ptd log files into one file")
        # A day's samples take seconds to parse; others are served meanwhile.
        await asyncio.to_thread(write_samples, self._session, phase, self._analyzers, listings, self._log)
        if phase == "ranging":
            self._ranges = await asyncio.to_thread(ranges_shown, self._analyzers, listings)
            numbers = (analyzer.number for analyzer in self._analyzers)
            self._shown = dict(zip(numbers, map(spread, listings), strict=True))


async def set_ranging_ranges(analyzer: Analyzer, current: str) -> None:
    """Set the ranges of the ranging run; that of current twice as the reference does, for checkers count messages."""
    await analyzer.ptd.set_range("V", "Auto")
    for _ in range(2):
        await analyzer.ptd.set_range("A", current)


async def set_testing_range(analyzer: Analyzer, quantity: str, noun: str, setting: str) -> None:
    """Set a range of the testing run; a refusal is told in the reference's words.

    Raises:
        SessionError: the daemon refuses it.
    """
    try:
        await analyzer.ptd.set_range(quantity, setting)
    except PeerRefusedError as problem:
        raise SessionError(f"Error setting {noun} range: {[setting]}") from problem
