"""Watching while a phase is measured: that each daemon lives, and that its samples come."""

import asyncio
from collections.abc import Sequence

from director.analyzer import Analyzer
from director.events import Observe, SampleTaken
from director.recorder import Recorder
from evidence.journal import Note, unnoted
from metrology.errors import WattrigError
from metrology.reading import Sample


class Watch:
    """The watch over a session's measurement.

    Args:
        session: the session's name.
        observe: gets each sample.

    Attributes:
        fault: done as soon as the measurement is known to have failed, with the reason.
        note: keeps each sample in the session's journal.
    """

    def __init__(self, session: str, observe: Observe) -> None:
        self.note: Note = unnoted
        self.fault: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._session = session
        self._observe = observe
        self._tasks: list[asyncio.Task[None]] = []
        self._recorders: list[Recorder] = []

    def begin(self, analyzers: Sequence[Analyzer], phase: str) -> None:
        """Watch from now on; begun before Go, no sample is missed."""
        self._recorders = [self._recorder(analyzer, phase) for analyzer in analyzers]
        for analyzer, recorder in zip(analyzers, self._recorders, strict=True):
            self._tasks.append(asyncio.create_task(self._daemon(analyzer)))
            self._tasks.append(asyncio.create_task(self._samples(recorder)))

    def _recorder(self, analyzer: Analyzer, phase: str) -> Recorder:
        def found(sample: Sample, line: str) -> None:
            self.note("sample", analyzer=analyzer.number, phase=phase, line=line)
            self._observe(SampleTaken(self._session, phase, analyzer.number, sample))

        return Recorder(analyzer.journal, f"{self._session}_{phase}", found, analyzer.counts_on)

    async def end(self) -> None:
        """Watch no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def catch_up(self) -> None:
        """Take the samples that came after the end of the watch, until the daemons had stopped."""
        for recorder in self._recorders:
            recorder.catch_up()
        self._recorders = []

    async def _daemon(self, analyzer: Analyzer) -> None:
        self.fail(await analyzer.lost())

    async def _samples(self, recorder: Recorder) -> None:
        try:
            await recorder.follow()
        except WattrigError as problem:
            self.fail(problem.message)
        except OSError as problem:
            self.fail(f"the samples cannot be kept: {problem}")

    def fail(self, reason: str) -> None:
        """Take note that the measurement has failed; the first reason counts."""
        if not self.fault.done():
            self.fault.set_result(reason)
