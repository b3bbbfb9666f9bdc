"""What the daemon does at each command: questions answered, ranges set, one measurement at a time run.

It knows nothing of sockets: a line goes in, the lines of the reply come out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from analyzers.driver import Ranges
from analyzers.ptd.identity import identity
from analyzers.ptd.measure import Plan, Run
from analyzers.ptd.meter import SETTLING_S, Meter
from analyzers.ptd.report import UNKNOWN, Log, SampleFile, common_ranges, printable, range_texts
from analyzers.ptd.request import (
    RequestError,
    parse_channel,
    parse_each,
    parse_go,
    parse_list,
    parse_mark,
    parse_range,
    parse_timed,
)
from analyzers.ptd.sampler import Sampler
from evidence.ptd_protocol import (
    HELLO_REPLY,
    WRONG_COUNT_REPLY,
    go_reply,
    list_header,
    ranges_reply,
    timed_reply,
)
from metrology.errors import InstrumentError, InstrumentLostError
from metrology.ranges import smallest_range

UNKNOWN_REPLY = "Unknown command, or not one that this daemon knows"
BUSY_REPLY = "Error: Meter busy, stop the measurement first"
IDLE_REPLY = "Error: no measurement to stop"
HOLD_S = 0.005
"""How long a Go is held back once it was heard: a director that sends one to many meters is not kept from its
processor by the first of them at work."""
CLOSING_S = 3.0
"""Longest wait, at the end of the process, for the sample in flight."""

Handler = Callable[[Sequence[str]], Awaitable[str]]


class Daemon:
    """The state between commands; everything but the sampler runs in the event loop that made it.

    Args:
        meter: the instrument.
        log, file: where to report, and where samples go.
        version: the daemon's own, for `Identify`.
    """

    def __init__(self, meter: Meter, log: Log, file: SampleFile, version: str) -> None:
        self._meter = meter
        self._log = log
        self._file = file
        self._version = version
        self._run = self._new_run(Plan(), [(UNKNOWN, UNKNOWN)] * len(meter.channels))
        self._sampler: Sampler | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False
        self._listing: list[str] = []
        self._loop = asyncio.get_running_loop()
        self.failed: asyncio.Future[None] = self._loop.create_future()
        """Holds, once it is done, why the daemon cannot go on: the instrument is lost, or the log is."""
        self._handlers: dict[str, Handler] = {
            "hello": self._hello,
            "identify": self._identify,
            "rr": self._tell_ranges,
            "sr": self._set_range,
            "go": self._go,
            "timed": self._timed,
            "stop": self._stop,
            "mark": self._mark,
            "reset": self._reset,
            "r*": self._last,
            # A DC analyzer's list is asked for by another name: clients try RL first and go by the refusal.
            "dc-rl" if meter.wanted.dc else "rl": self._list,
            "uncertainty": self._uncertainty,
            **{name.lower(): partial(self._quantity, name) for name in ("Watts", "Volts", "Amps", "PF")},
        }

    @property
    def measuring(self) -> bool:
        """Tell whether a measurement is running and not being stopped."""
        return not (self._idle.is_set() or self._stopping)

    async def answer(self, line: str) -> list[str]:
        """Carry out one command; get the lines of the reply, of which there is one or more.

        Raises:
            InstrumentLostError: the instrument does not answer any more.
        """
        if self._stopping:
            await self._idle.wait()  # the sample in flight belongs to the measurement that was stopped
        name, *words = line.strip().split(",")
        handler = self._handlers.get(name.strip().casefold())
        self._listing = []
        try:
            reply = UNKNOWN_REPLY if handler is None else await handler([word.strip() for word in words])
        except RequestError as problem:
            reply = str(problem)
        except InstrumentLostError:
            raise
        except InstrumentError as problem:
            reply = f"Error: {printable(problem.message)}"
        return [reply, *self._listing]

    async def close(self) -> None:
        """Stop what runs, and free the instrument; one that hangs is left to the end of the process."""
        if self._sampler is not None:
            self._stopping = True
            self._sampler.stop()
            try:
                async with asyncio.timeout(CLOSING_S):
                    await self._idle.wait()
            except TimeoutError:
                return
        self._meter.close()

    async def _hello(self, words: Sequence[str]) -> str:
        _expect(words, 0)
        return HELLO_REPLY

    async def _identify(self, words: Sequence[str]) -> str:
        _expect(words, 0)
        return identity(self._meter.instrument, self._version)

    async def _tell_ranges(self, words: Sequence[str]) -> str:
        channels = self._meter.instrument.channels
        _expect(words, 0, 1 if channels else 0)
        channel = parse_channel(words[0], 1, channels) if words and words[0] != "*" else 0
        ranges = self._run.ranges if self._sampler else await asyncio.to_thread(self._meter.ranges)
        if channel:
            return ranges_reply(ranges[channel - 1])
        return ranges_reply(common_ranges(ranges), *(ranges if words else ()))

    async def _set_range(self, words: Sequence[str]) -> str:
        quantity, minimum, channel = parse_range(words, self._meter.instrument.channels)
        self._expect_idle()
        full_scale = None
        if minimum is not None:
            scales = self._meter.scales(quantity)
            full_scale = smallest_range(minimum, scales)
            if full_scale is None:
                raise RequestError(f"Error in parameter 2: the largest range is {max(scales):g} {quantity}")
        setting, settled = await asyncio.to_thread(self._meter.set_range, quantity, full_scale, channel)
        named = [channel] if channel else self._meter.channels
        self._log.say(*range_texts(quantity, setting, named, self._meter.wanted.channels))
        if not settled:
            self._log.say(f"WARNING: No good readings within {SETTLING_S:g} s after the range was set")
        return f"Range {quantity} changed"

    async def _go(self, words: Sequence[str]) -> str:
        plan = parse_go(words)
        heard_ns = self._log.clock()
        await asyncio.sleep(HOLD_S)
        self._log.say("Go command received", at_ns=heard_ns)
        await self._start(plan)
        return go_reply(plan.interval_ms, plan.rampup)

    async def _timed(self, words: Sequence[str]) -> str:
        plan = parse_timed(words)
        await self._start(plan)
        return timed_reply(plan.samples, plan.interval_ms, plan.rampup)

    async def _start(self, plan: Plan) -> None:
        self._expect_idle()
        ranges = await asyncio.to_thread(self._meter.begin, plan.interval_ms)
        if plan.mark:
            self._log.say(f"Go with mark '{plan.mark}'")
        self._run = self._new_run(plan, ranges)
        self._sampler = Sampler(self._meter, self._run, self._log, self._file, self._sampler_ended)
        self._idle.clear()
        self._sampler.start()

    def _new_run(self, plan: Plan, ranges: Sequence[Ranges]) -> Run:
        judged = replace(self._meter.instrument, accuracy=self._meter.accuracy)
        return Run(plan, judged, self._meter.model, ranges)

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
            self._log.say(self._run.average_text())
        except (InstrumentError, OSError, RuntimeError) as failure:
            if not self.failed.done():
                self.failed.set_exception(failure)

    async def _stop(self, words: Sequence[str]) -> str:
        _expect(words, 0)
        if self._sampler is None:
            return IDLE_REPLY
        self._log.say("Stop command received")
        self._stopping = True
        self._sampler.stop()
        return f"Stopping {'timed' if self._run.plan.timed else 'untimed'} measurement"

    async def _mark(self, words: Sequence[str]) -> str:
        _expect(words, 1)
        mark = parse_mark(words, 1)
        if self._sampler is None:
            return "Error: no measurement to mark"
        self._run.mark = mark
        self._log.say(f"Mark set to '{mark}'")
        return "Mark changed"

    async def _reset(self, words: Sequence[str]) -> str:
        _expect(words, 0)
        if self._sampler is not None:
            self._sampler.stop()
            await self._idle.wait()
        self._run = self._new_run(Plan(), self._run.ranges)
        return "Measurement reset"

    async def _last(self, words: Sequence[str]) -> str:
        _expect(words, 0)
        return self._run.last() or "No data"

    async def _list(self, words: Sequence[str]) -> str:
        channels = self._meter.instrument.channels
        count, each = parse_list(words, channels)
        if self._sampler is not None:
            await asyncio.to_thread(self._run.wait_unread, self._run.plan.interval_ms / 1000)
        lines = self._run.unread(count, each=each)
        if not lines:
            return "No unread samples" if lines is not None else "Insufficient unread samples"
        self._listing = lines
        return list_header(len(lines), channels if each else 0)

    async def _quantity(self, name: str, words: Sequence[str]) -> str:
        _expect(words, 0)
        return self._run.quantity_reply(name)

    async def _uncertainty(self, words: Sequence[str]) -> str:
        _expect(words, 0, 1 if self._meter.instrument.channels else 0)
        return self._run.uncertainty_reply(each=parse_each(words, 1))

    def _expect_idle(self) -> None:
        if self._sampler is not None:
            raise RequestError(BUSY_REPLY)


def _expect(words: Sequence[str], *counts: int) -> None:
    if len(words) not in counts:
        raise RequestError(WRONG_COUNT_REPLY)
