"""What the daemon does at each command: questions answered, ranges set, one measurement at a time run.

It knows nothing of sockets: a line goes in, the lines of the reply come out.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from analyzers.ptd.identity import identity
from analyzers.ptd.measuring import Measuring
from analyzers.ptd.meter import SETTLING_S, Meter
from analyzers.ptd.report import Log, SampleFile, common_ranges, printable, range_texts
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
        self._version = version
        self._measuring = Measuring(meter, log, file)
        self.failed = self._measuring.failed
        """Holds, once it is done, why the daemon cannot go on: the instrument is lost, or the log is."""
        self._listing: list[str] = []
        self._arrived_ns = 0
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

    async def answer(self, line: str, arrived_ns: int | None = None) -> list[str]:
        """Carry out one command; get the lines of the reply, of which there is one or more.

        Args:
            line: the command.
            arrived_ns: when it arrived, UTC nanoseconds; None for now.

        Raises:
            InstrumentLostError: the instrument does not answer any more.
        """
        self._arrived_ns = self._log.clock() if arrived_ns is None else arrived_ns
        await self._measuring.stopped()
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
        """Stop what runs, and free the instrument."""
        await self._measuring.close()

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
        measuring = self._measuring
        ranges = measuring.run.ranges if measuring.under_way else await asyncio.to_thread(self._meter.ranges)
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
        await asyncio.sleep(HOLD_S)
        self._log.say("Go command received", at_ns=self._arrived_ns)
        self._expect_idle()
        await self._measuring.start(plan)
        return go_reply(plan.interval_ms, plan.rampup)

    async def _timed(self, words: Sequence[str]) -> str:
        plan = parse_timed(words)
        self._expect_idle()
        await self._measuring.start(plan)
        return timed_reply(plan.samples, plan.interval_ms, plan.rampup)

    async def _stop(self, words: Sequence[str]) -> str:
        _expect(words, 0)
        if not self._measuring.under_way:
            return IDLE_REPLY
        self._log.say("Stop command received")
        self._measuring.stop()
        return f"Stopping {'timed' if self._measuring.run.plan.timed else 'untimed'} measurement"

    async def _mark(self, words: Sequence[str]) -> str:
        _expect(words, 1)
        mark = parse_mark(words, 1)
        if not self._measuring.under_way:
            return "Error: no measurement to mark"
        self._measuring.run.mark = mark
        self._log.say(f"Mark set to '{mark}'")
        return "Mark changed"

    async def _reset(self, words: Sequence[str]) -> str:
        _expect(words, 0)
        await self._measuring.reset()
        return "Measurement reset"

    async def _last(self, words: Sequence[str]) -> str:
        _expect(words, 0)
        return self._measuring.run.last() or "No data"

    async def _list(self, words: Sequence[str]) -> str:
        channels = self._meter.instrument.channels
        count, each = parse_list(words, channels)
        run = self._measuring.run
        if self._measuring.under_way:
            await asyncio.to_thread(run.wait_unread, run.plan.interval_ms / 1000)
        lines = run.unread(count, each=each)
        if not lines:
            return "No unread samples" if lines is not None else "Insufficient unread samples"
        self._listing = lines
        return list_header(len(lines), channels if each else 0)

    async def _quantity(self, name: str, words: Sequence[str]) -> str:
        _expect(words, 0)
        return self._measuring.run.quantity_reply(name)

    async def _uncertainty(self, words: Sequence[str]) -> str:
        _expect(words, 0, 1 if self._meter.instrument.channels else 0)
        return self._measuring.run.uncertainty_reply(each=parse_each(words, 1))

    def _expect_idle(self) -> None:
        if self._measuring.under_way:
            raise RequestError(BUSY_REPLY)


def _expect(words: Sequence[str], *counts: int) -> None:
    if len(words) not in counts:
        raise RequestError(WRONG_COUNT_REPLY)
