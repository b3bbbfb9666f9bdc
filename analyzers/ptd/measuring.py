"""One measurement at a time: started, stopped, and what became of it."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from analyzers.driver import Ranges
from analyzers.ptd.measure import Plan, Run
from analyzers.ptd.meter import Meter
from analyzers.ptd.report import UNKNOWN, Log, SampleFile
from analyzers.ptd.sampler import Sampler
from metrology.errors import InstrumentError

CLOSING_S = 3.0
"""Longest wait, at the end of the process, for the last sample."""


class Measuring:
    """The measurements of one meter; all but the sampler runs in the event loop that made it.

    Args:
        meter: the instrument.
        log, file: where to report, and where samples go.

    Attributes:
        run: the measurement under way, else the last one.
        failed: holds, once it is done, why nothing can go on: the instrument is lost, or the log is.
    """

    def __init__(self, meter: Meter, log: Log, file: SampleFile) -> None:
        self._meter, self._log, self._file = meter, log, file
        self._sampler: Sampler | None = None
        self._stopping = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._loop = asyncio.get_running_loop()
        self.run = self._new_run(Plan(), [(UNKNOWN, UNKNOWN)] * len(meter.channels))
        self.failed: asyncio.Future[None] = self._loop.create_future()

    @property
    def under_way(self) -> bool:
        """Tell whether samples are being taken, also the last one after a stop."""
        return self._sampler is not None

    async def start(self, plan: Plan) -> None:
        """Start a measurement, which none may be under way for; errors as in `Meter.begin`."""
        ranges = await asyncio.to_thread(self._meter.begin, plan.interval_ms)
        if plan.mark:
            self._log.say(f"Go with mark '{plan.mark}'")
        self.run = self._new_run(plan, ranges)
        self._sampler = Sampler(self._meter, self.run, self._log, self._file, self._sampler_ended)
        self._idle.clear()
        self._sampler.start()

    def _new_run(self, plan: Plan, ranges: Sequence[Ranges]) -> Run:
        judged = replace(self._meter.instrument, accuracy=self._meter.accuracy)
        return Run(plan, judged, self._meter.model, ranges)

    def stop(self) -> None:
        """Have it end with the first sample that comes from now on."""
        if self._sampler is not None:
            self._stopping = True
            self._sampler.stop()

    async def stopped(self) -> None:
        """Wait for the last sample of a measurement that was stopped."""
        if self._stopping:
            await self._idle.wait()

    async def reset(self) -> None:
        """End the measurement under way, and forget its samples."""
        self.stop()
        await self._idle.wait()
        self.run = self._new_run(Plan(), self.run.ranges)

    async def close(self) -> None:
        """Stop what runs, and free the instrument; one that hangs is left to the end of the process."""
        self.stop()
        try:
            async with asyncio.timeout(CLOSING_S):
                await self._idle.wait()
        except TimeoutError:
            return
        self._meter.close()

    def _sampler_ended(self, problem: Exception | None) -> None:
        """Carry the end over from the sampler's thread, unless the process is ending anyway."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._complete, problem)

    def _complete(self, problem: Exception | None) -> None:
        self._sampler = None
        self._stopping = False
        self._idle.set()
        try:
            if problem is not None:
                raise problem
            # The checker takes errors for ones of ranging if they are earlier than this line, to the millisecond.
            self._log.say_later("Completed test")
            self._log.say(self.run.average_text())
        except (InstrumentError, OSError, RuntimeError) as failure:
            if not self.failed.done():
                self.failed.set_exception(failure)
