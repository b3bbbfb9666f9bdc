"""What Yokogawa's power meters have in common: one dialogue, of which each family's file states what differs.

A sample is one message: wait for the end of an update, then the values, the ranges in force, which peaks went over
them, and the event register, whose reading makes the next wait begin anew.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from analyzers.driver import Family, Instrument, Measured, Wanted, sum_reading
from analyzers.drivers.dialogue import Answer, Dialogue
from analyzers.drivers.updates import Updates
from analyzers.drivers.yokogawa_model import Model
from analyzers.drivers.yokogawa_values import (
    FLOAT_BYTES,
    ITEMS,
    parse_floats,
    parse_pairs,
    parse_ranges,
    parse_reading,
)
from analyzers.transport import Transport, check_pace
from metrology.errors import InstrumentError
from metrology.ranges import Range
from metrology.reading import Reading


class Yokogawa(ABC):
    """A driver; a family fills in its methods and what differs of these.

    Attributes:
        greeting: what is sent first. Errors come last to be cleared: an instrument without a serial port refuses
            remote, which is no error of ours.
        idle_rate_ms: update period outside a run, so that a new range is settled soon.
        rate: header of the update period.
        values: question for the values of the items chosen.
        place: what follows the header of a range, with the element's number; empty where all elements share one.
    """

    family: Family
    greeting: ClassVar[tuple[str, ...]] = (":COMM:REM ON", ":COMM:HEAD OFF;:COMM:VERB OFF", "*CLS")
    idle_rate_ms: ClassVar[int] = 250
    rate: ClassVar[str] = ":RATE"
    values: ClassVar[str] = ":NUM:NORM:VAL?"
    place: ClassVar[str] = ""

    def __init__(self) -> None:
        self._line: Dialogue
        self._model: Model
        self._elements: tuple[int, ...] = ()
        self._updates = Updates(self.idle_rate_ms)
        self._readout: str | None = None
        self._binary = False

    @abstractmethod
    def recognise(self, model: str) -> Model:
        """Tell what a model is, by the second field of its identity, which agrees with `family.idn`."""

    @abstractmethod
    def setup(self, elements: Sequence[int]) -> list[str]:
        """Get the messages that set it up to show the `ITEMS` of each element."""

    @abstractmethod
    def peak_mask(self, element: int) -> int:
        """Get the bits of the condition register that tell of peaks over an element's ranges."""

    def open(self, transport: Transport, wanted: Wanted) -> Instrument:
        """Connect; see `Driver.open`."""
        self._line = Dialogue(transport, self.family)
        self._readout, self._binary = wanted.readout, False
        transport.clear()
        transport.write("")  # ends what a program that died may have left half written
        identity = self._line.identify()
        self._model = self.recognise(identity.split(",")[1])
        self._elements = self._model.chosen(wanted.channels, identity)
        for message in self.greeting:
            self._line.write(message)
        self.end_integration()
        for message in (*self.setup(self._elements), f"{self._rate(self.idle_rate_ms)};:STAT:FILT1 FALL"):
            self._set(message, "the set-up")
        return self._describe(identity)

    def _describe(self, identity: str) -> Instrument:
        channels = len(self._elements) if self.family.multichannel else 0
        crest_factor = self._line.ask(":CFAC?")
        try:
            return self._model.described(identity, crest_factor, channels)
        except KeyError as problem:
            raise self._line.garbled(crest_factor, ":CFAC?") from problem

    def end_integration(self) -> None:
        """End an integration, during which ranges cannot be changed."""
        state = self._line.ask(":INTEG:STATE?")
        if state.startswith("STAR"):
            self._set(":INTEG:STOP", "stopping the integration")
        if not state.startswith("RES"):
            self._set(":INTEG:RES", "resetting the integration")

    def _places(self, channel: int = 0) -> list[str]:
        """Get what follows the header of a range of a channel, or of each that is read for 0."""
        elements = self._elements[channel - 1 : channel] if channel else self._elements
        return [self.place.format(element) for element in elements] if self.place else [""]

    def ranges(self, channel: int = 0) -> tuple[Range, Range]:
        """Get the current range in A and the voltage range in V; see `Driver.ranges`."""
        place = self._places(channel)[0]
        question = ";".join(f":{name}:{what}{place}?" for name in ("CURR", "VOLT") for what in ("RANG", "AUTO"))
        answer = self._line.ask(question)
        try:
            return parse_ranges(answer.split(";"))
        except ValueError as problem:
            raise self._line.garbled(answer, question) from problem

    def set_range(self, quantity: str, full_scale: float | None, channel: int = 0) -> None:
        """Set a range; see `Driver.set_range`."""
        name = "CURR" if quantity == "A" else "VOLT"
        for place in self._places(channel):
            fixed = f"OFF;:{name}:RANG{place} {full_scale:g}{quantity}" if full_scale is not None else "ON"
            self._set(f":{name}:AUTO{place} {fixed}", f"setting the {quantity} range")

    def begin(self, interval_ms: int) -> None:
        """Set the update period to the interval or, where there is none so long, to the longest that divides it."""
        period_ms = self._model.period_ms(interval_ms, self.family)
        self._binary = self._choose_readout(period_ms)
        check_pace(self._line.line, self.sample_bytes(binary=self._binary), period_ms)
        if self._binary:
            self._set(":NUM:FORM FLO", "choosing binary values")
        self._set(f"{self._rate(period_ms)};:STAT:FILT1 FALL", "setting the update period")
        self._forget_update()
        self._updates = Updates(period_ms, interval_ms // period_ms)

    @property
    def sample_question(self) -> str:
        """Get the message that asks for a sample."""
        ranges = (f":{name}:RANG{place}?" for place in self._places() for name in ("CURR", "VOLT"))
        return ";".join((":COMM:WAIT 1", self.values, *ranges, ":STAT:COND?", ":STAT:EESR?"))

    def _choose_readout(self, period_ms: int) -> bool:
        """Tell whether values are read in binary: as asked for, else where the line carries them so alone."""
        if not self.family.binary or self._readout == "ascii":
            return False
        needed_ms = self.sample_bytes(binary=False) * self._line.line.byte_s * 1000
        return self._readout == "binary" or needed_ms > period_ms

    def sample_bytes(self, *, binary: bool) -> int:
        """Get the most bytes that one sample takes on the line, question and answer with their line ends."""
        count = ITEMS * len(self._elements)
        values = len("#40020") + count * FLOAT_BYTES + 1 if binary else count * len("-2.0606E+03,")
        return (
            len(self.sample_question) + values + 2 * len(self._places()) * len("500.0E-03;") + len("65535;65535") + 4
        )

    def read(self, timeout_s: float) -> Measured:
        """Wait for the next update, or for all updates of a longer interval; see `Driver.read`.

        Within a run a reader that comes late gets the update on display instead of losing it.
        """
        deadline_s = time.monotonic() + timeout_s
        if not self._updates.in_run:
            self._forget_update()
        return self._updates.joined(lambda: self._sample(max(0.0, deadline_s - time.monotonic())))

    def _sample(self, timeout_s: float) -> Measured:
        answer, t_utc_ns, t_mono_ns, asked_ns = self._answer(timeout_s)
        try:
            values, *scales, condition, _ = answer.split(";")
            readings = self._readings(values.split(","), int(condition))
            pairs = parse_pairs(scales, len(self._places()))
        except ValueError as problem:
            raise self._line.garbled(answer, self.sample_question) from problem
        channels = readings if self.family.multichannel else ()
        total = sum_reading(channels) if channels else readings[0]
        each = pairs if channels and self.place else ()
        missed = self._updates.lost(asked_ns, t_mono_ns)
        return Measured(t_utc_ns, t_mono_ns, total, channels, answer, *pairs[0], channel_ranges=each, missed=missed)

    def _answer(self, timeout_s: float) -> Answer:
        """Ask for a sample; values that come in binary are put into the words that they would have had otherwise."""
        if not self._binary:
            return self._line.exchange(self.sample_question, timeout_s)
        block, rest = self._line.exchange_block(self.sample_question, timeout_s)
        try:
            return rest._replace(text=parse_floats(block) + rest.text)
        except ValueError as problem:
            raise self._line.garbled(str(problem), self.sample_question) from problem

    def _readings(self, values: Sequence[str], condition: int) -> tuple[Reading, ...]:
        if len(values) != ITEMS * len(self._elements):
            raise ValueError(f"got {len(values)} values, expected {ITEMS} of each element")
        return tuple(
            parse_reading(values[at * ITEMS :][:ITEMS], peak_over=bool(condition & self.peak_mask(element)))
            for at, element in enumerate(self._elements)
        )

    def end(self) -> None:
        """Go back to short update periods."""
        self._updates = Updates(self.idle_rate_ms)
        if self._binary:
            self._binary = False
            self._set(":NUM:FORM ASC", "choosing values in text")
        self._set(self._rate(self.idle_rate_ms), "setting the update period")

    def close(self) -> None:
        """Give the instrument back to its front panel and free the port."""
        try:
            self._line.write(":COMM:REM OFF")
        finally:
            self._line.line.close()

    def _rate(self, rate_ms: int) -> str:
        return f"{self.rate} {rate_ms}MS" if rate_ms < 1000 else f"{self.rate} {rate_ms // 1000}S"

    def _forget_update(self) -> None:
        self._line.ask(":STAT:EESR?")

    def _set(self, message: str, doing: str) -> None:
        self._line.write(message)
        # A message of its own: an instrument drops the rest of a message after an error in it. Waiting for the
        # answer also keeps us from sending faster than it works, since the line has no handshake.
        answer = self._line.ask(":STAT:ERR?")
        if answer.split(",")[0] != "0":
            raise InstrumentError(f"the {self.family.title} answered {doing} with error {answer[:80]}")
