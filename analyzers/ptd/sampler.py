"""The thread that reads the instrument while a measurement runs; the instrument's updates set its pace."""

import math
import threading
import time
from collections.abc import Callable

from analyzers.driver import Measured
from analyzers.ptd.measure import Run
from analyzers.ptd.meter import Meter
from analyzers.ptd.report import Log, SampleFile
from analyzers.ptd.scheduling import be_prompt
from metrology.errors import InstrumentError, InstrumentLostError

SILENCE_S = 4.0
"""How long after its time an update may come; an instrument silent for longer is lost (5 s at 1 s intervals)."""
ATTEMPTS = 3
"""A port that has gone fails at every attempt and at once; a line that garbled one answer does not."""


class Sampler:
    """Samples from `start` until the run is full, a sample newer than `stop` has come, or the instrument is lost.

    That last sample closes the window of a workload that ended just before the stop; the one being read by then may
    be older than the workload's end.

    Args:
        meter: the instrument, told already to be read at the run's interval.
        run: gets the samples.
        log, file: get what there is to say, and the samples.
        ended: called by the thread at its end, with what went wrong or None.
    """

    def __init__(
        self, meter: Meter, run: Run, log: Log, file: SampleFile, ended: Callable[[Exception | None], None]
    ) -> None:
        self._meter = meter
        self._run = run
        self._log = log
        self._file = file
        self._ended = ended
        self._until_ns: float = math.inf
        # A daemon thread: a reading that never ends must not hold up the end of the process.
        self._thread = threading.Thread(target=self._main, name="sampler", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Have it end with the first sample that comes from now on."""
        self._until_ns = time.monotonic_ns()

    def _main(self) -> None:
        be_prompt()
        problem: Exception | None = RuntimeError("the sampler ended unexpectedly")
        try:
            newest_ns = 0
            while newest_ns < self._until_ns and not self._run.full:
                measured = self._read()
                self._take(measured)
                newest_ns = measured.t_mono_ns
            self._meter.end()
            problem = None
        except (InstrumentError, OSError) as failure:
            problem = failure
        finally:
            self._ended(problem)

    def _read(self) -> Measured:
        """Wait for the next update; raises `InstrumentLostError` once there is no hope for one."""
        allowed_s = self._run.plan.interval_ms / 1000 + SILENCE_S
        deadline_s = time.monotonic() + allowed_s
        for attempt in range(1, ATTEMPTS + 1):
            remaining_s = deadline_s - time.monotonic()
            try:
                return self._meter.read(remaining_s)
            except InstrumentError as problem:
                if attempt == ATTEMPTS or time.monotonic() >= deadline_s:
                    raise InstrumentLostError(problem.message, problem.hint) from problem
                self._log.say(f"Reading failed, trying again: {problem.message}")
        raise InstrumentLostError(f"the instrument did not answer within {allowed_s:g} s")

    def _take(self, measured: Measured) -> None:
        taken = self._run.take(measured)
        problem = self._file.write(taken.lines)
        self._log.say(*taken.texts, *([problem] if problem else []))
