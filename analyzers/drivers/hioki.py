"""Hioki PW3335, PW3336 and PW3337.

Source: communication command manuals PW3335A985-01 and PW3336A987-01, as far as they are public: the measured
items, how they and errors are written (p. 68), integration (p. 39), the cycle of 200 ms (p. 13), TCP port 3300.
From the manuals of the 3332 and the 3334, their elder relations with the same commands: ranges, averaging, hold,
`:ESR0?`, `*ESR?`.

How a sample becomes the mean of its whole interval: the meter measures without gaps in cycles of 200 ms, and
averages as many of them as `:AVERaging` says, 5 for a second, before it renews the display; DS in event register 0
says that it did. Integration was not taken: it is gapless too, but shows six digits of all energy since its start,
1 mWh at best, which is 4 % of a second at 100 W. Reading each cycle over the line was not taken either: commands
wait up to 150 ms for measuring, so that cycles would be lost. The moment of a sample may be late by those 150 ms.

Not verified with an instrument: bit DS and block-wise averaging on the PW333x (averages that come too fast are
refused); channel numbers in range commands of the PW3336 and PW3337 (as on their successors); ranges and the
influence of the power factor, which are from memory. Wiring must be 1P2W, and the VT and CT ratios 1; the driver
does not set them.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from analyzers.driver import Family, Instrument, Measured, Wanted, sum_reading
from analyzers.drivers.dialogue import ANSWER_S, Answer, Dialogue
from analyzers.drivers.hioki_values import (
    ITEM_BYTES,
    ITEMS,
    PARTS,
    PW3335_CURRENT_RANGES_A,
    PW3335_VOLTAGE_RANGES_V,
    RANGE_BYTES,
    parse_sample,
)
from analyzers.drivers.updates import Updates
from analyzers.drivers.yokogawa_values import parse_ranges
from analyzers.transport import Transport, check_pace
from metrology import datasheet
from metrology.errors import InstrumentError
from metrology.ranges import Range
from metrology.uncertainty import Accuracy

CYCLE_MS = 200
"""Source: PW3335A985-01 p. 13."""
AVERAGES = (1, 2, 5, 10, 25, 50, 100)
"""Source: a public driver of the 3334; the PW333x's are the same from memory."""
POLL_S = 0.02
"""Pause between questions whether the display was renewed."""
DATA_SET = 1 << 7
"""DS in event register 0; source: manual of the 3332, p. 102."""
ERRORS = 0b0011_1100
"""Command, execution, device and query errors in the standard event register; source: manual of the PW3390, p. 11."""
GREETING = (":RS232c:ANSWer OFF", ":HEADer OFF")
"""Confirmation messages on RS-232 would be taken for answers; on a LAN the command may be refused, which is no
harm."""


class PW3335:
    """Driver of PTDaemon's device type 57, and base of the others.

    Args:
        clock: monotonic time in seconds.
        sleep: waits so many seconds.
    """

    family: Family = Family(
        57,
        "Hioki PW3335",
        r"HIOKI,PW3335(-\d\d)?,.*",
        "PW3335A985-01, manual of the 3332",
        interfaces=("serial", "gpib", "socket"),
        socket_port=3300,
        verified="unverified: public parts of the manual",
    )
    name: ClassVar[str] = "HiokiPW3335"
    voltage_ranges_v: ClassVar[tuple[float, ...]] = PW3335_VOLTAGE_RANGES_V
    current_ranges_a: ClassVar[tuple[float, ...]] = PW3335_CURRENT_RANGES_A
    accuracy: ClassVar[Accuracy] = datasheet.PW3336.accuracy

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._talk: Dialogue
        self._suffixes: tuple[str, ...] = ("",)
        self._period_ms = CYCLE_MS
        self._updates = Updates(CYCLE_MS)
        self._edge_s: float | None = None

    def open(self, transport: Transport, wanted: Wanted) -> Instrument:
        """Connect; see `Driver.open`."""
        self._suffixes = self._numbers(wanted.channels)
        self._talk = Dialogue(transport, self.family)
        transport.clear()
        for message in GREETING:
            self._talk.write(message)
        identity = self._talk.identify()
        self._talk.write("*CLS")
        self._end_integration()
        self._set(":HOLD OFF;:AVER 1", "the set-up")
        return Instrument(
            name=self.name,
            idn=identity,
            voltage_ranges_v=self.voltage_ranges_v,
            current_ranges_a=self.current_ranges_a,
            accuracy=self.accuracy,
            channels=len(self._suffixes) if self.family.multichannel else 0,
        )

    def _numbers(self, channels: tuple[int, ...]) -> tuple[str, ...]:
        """Get what commands call the channels."""
        return ("",)

    def _end_integration(self) -> None:
        state = self._talk.ask(":INTEG:STAT?")
        if state == "START":
            self._set(":INTEG:STAT STOP", "stopping the integration")
        if state != "RESET":
            self._set(":INTEG:STAT RESET", "resetting the integration")

    def ranges(self, channel: int = 0) -> tuple[Range, Range]:
        """Get the current range in A and the voltage range in V; see `Driver.ranges`."""
        number = self._suffixes[max(0, channel - 1)]
        question = ";".join(f":{name}{number}:{what}?" for name in ("CURR", "VOLT") for what in ("RANG", "AUTO"))
        answer = self._talk.ask(question)
        try:
            return parse_ranges(PARTS.split(answer))
        except ValueError as problem:
            raise self._talk.garbled(answer, question) from problem

    def set_range(self, quantity: str, full_scale: float | None, channel: int = 0) -> None:
        """Set a range; see `Driver.set_range`."""
        name = "CURR" if quantity == "A" else "VOLT"
        for number in self._suffixes[channel - 1 : channel] if channel else self._suffixes:
            header = f":{name}{number}"
            message = f"{header}:AUTO OFF;{header}:RANG {full_scale:g}" if full_scale else f"{header}:AUTO ON"
            self._set(message, f"setting the {quantity} range")

    def begin(self, interval_ms: int) -> None:
        """Average over the interval or, where no average is so long, over the longest that divides it."""
        fitting = [count for count in AVERAGES if interval_ms % (count * CYCLE_MS) == 0]
        if not fitting:
            raise InstrumentError(
                f"the {self.family.title} cannot give means over {interval_ms} ms",
                f"take a multiple of its cycle of {CYCLE_MS} ms",
            )
        count = max(fitting)
        check_pace(self._talk.line, self._sample_bytes(), count * CYCLE_MS)
        self._set(f":AVER {count}", "setting the averaging")
        self._forget_update()
        self._period_ms = count * CYCLE_MS
        self._updates = Updates(self._period_ms, interval_ms // self._period_ms)

    def _sample_bytes(self) -> int:
        answer = len(self._suffixes) * (len(ITEMS) * ITEM_BYTES + 2 * RANGE_BYTES)
        return len(self._question()) + answer + len(":ESR0?128") + 4 * len("\r\n")

    def read(self, timeout_s: float) -> Measured:
        """Wait for the next update, or for all updates of a longer interval; see `Driver.read`.

        Within a run a reader that comes late gets the update on display instead of losing it.
        """
        deadline_s = self._clock() + timeout_s
        if not self._updates.in_run:
            self._forget_update()
        return self._updates.joined(lambda: self._sample(deadline_s))

    def _sample(self, deadline_s: float) -> Measured:
        update = self._await_update(deadline_s)
        question = self._question()
        answer = self._talk.ask(question)
        try:
            readings, ranges = parse_sample(answer, len(self._suffixes))
        except ValueError as problem:
            raise self._talk.garbled(answer, question) from problem
        missed = self._updates.lost(update.asked_mono_ns, update.t_mono_ns)
        moments = update.t_utc_ns, update.t_mono_ns
        if not self.family.multichannel:
            return Measured(*moments, readings[0], (), answer, *ranges[0], missed=missed)
        return Measured(*moments, sum_reading(readings), readings, answer, *ranges[0], ranges, missed)

    def _question(self) -> str:
        items = ",".join(item + number for number in self._suffixes for item in ITEMS)
        return f":MEAS? {items}" + "".join(f";:CURR{number}:RANG?;:VOLT{number}:RANG?" for number in self._suffixes)

    def _await_update(self, deadline_s: float) -> Answer:
        """Ask until the display has been renewed; get the answer that says so, as if to the first question."""
        first: Answer | None = None
        while True:
            patience_s = min(ANSWER_S, max(0.0, deadline_s - self._clock()))
            answer = self._talk.exchange(":ESR0?", patience_s)
            if not answer.text.isdecimal():
                raise self._talk.garbled(answer.text, ":ESR0?")
            if int(answer.text) & DATA_SET:
                self._check_period(first is not None)
                return answer._replace(asked_mono_ns=(first or answer).asked_mono_ns)
            if self._clock() >= deadline_s:
                raise InstrumentError(
                    f"the {self.family.title} has not renewed its display in time", "is it on hold?"
                )
            self._sleep(POLL_S)
            first = first or answer

    def _check_period(self, waited: bool) -> None:
        """Make sure that averages follow each other instead of overlapping; only moments waited for can tell."""
        now_s = self._clock()
        edge_s, self._edge_s = self._edge_s, now_s if waited else None
        if waited and edge_s is not None and self._period_ms > CYCLE_MS:
            passed_ms = (now_s - edge_s) * 1000
            if passed_ms < self._period_ms / 2:
                raise InstrumentError(
                    f"the {self.family.title} renewed its display after {passed_ms:.0f} ms, expected an average over "
                    f"{self._period_ms} ms",
                    f"measure at an interval of {CYCLE_MS} ms, which needs no averaging",
                )

    def end(self) -> None:
        """Go back to updates at every cycle."""
        self._updates, self._period_ms = Updates(CYCLE_MS), CYCLE_MS
        self._set(":AVER 1", "setting the averaging")

    def close(self) -> None:
        """Free the port; there is no command that gives the meter back to its keys, only its LOCAL key."""
        self._talk.line.close()

    def _forget_update(self) -> None:
        self._talk.ask(":ESR0?")
        self._edge_s = None

    def _set(self, message: str, doing: str) -> None:
        self._talk.write(message)
        answer = self._talk.ask("*ESR?")
        if not answer.isdecimal():
            raise self._talk.garbled(answer, "*ESR?")
        if int(answer) & ERRORS:
            raise InstrumentError(f"the {self.family.title} refused {doing}, {message!r}: event register {answer}")


class PW3335DC(PW3335):
    """Driver of PTDaemon's device type 557; what is AC+DC to the meter holds direct current too."""

    family: Family = replace(PW3335.family, device_type=557, title="Hioki DC PW3335", dc=True)
    name: ClassVar[str] = "HiokiPW3335_DC"
    accuracy: ClassVar[Accuracy] = datasheet.PW3335_DC.accuracy
