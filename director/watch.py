"""Watching while a phase is measured: that each daemon lives, and that its samples come."""

import asyncio
from collections.abc import Sequence

from director.analyzer import Analyzer
from director.events import Observe, SampleTaken
from director.recorder import Recorder
from metrology.errors import WattrigError
from metrology.reading import Sample


class Watch:
    """The watch over a session's measurement.

    Args:
        session: the session's name.
        observe: gets each sample.

    Attributes:
        fault: done as soon as the measurement is known to have failed, with the reason.
    """

    def __init__(self, session: str, observe: Observe) -> None:
        self.fault: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._session = session
        self._observe = observe
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self, analyzers: Sequence[Analyzer], phase: str) -> None:
        """Watch from now on; begun before Go, no sample is missed."""
        for analyzer in analyzers:
            self._tasks.append(asyncio.create_task(self._daemon(analyzer)))
            self._tasks.append(asyncio.create_task(self._samples(self._recorder(analyzer, phase))))

    def _recorder(self, analyzer: Analyzer, phase: str) -> Recorder:
        def found(sample: Sample) -> None:
            self._observe(SampleTaken(self._session, phase, analyzer.number, sample))

        return Recorder(analyzer.journal, f"{self._session}_{phase}", found, analyzer.counts_on)

    async def end(self) -> None:
        """Watch no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _daemon(self, analyzer: Analyzer) -> None:
        self._fail(await analyzer.lost())

    async def _samples(self, recorder: Recorder) -> None:
        try:
            await recorder.follow()
        except WattrigError as problem:
            self._fail(problem.message)
        except OSError as problem:
            self._fail(f"the samples cannot be kept: {problem}")

    def _fail(self, reason: str) -> None:
        if not self.fault.done():
            self.fault.set_result(reason)
