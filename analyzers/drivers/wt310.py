"""Yokogawa WT310, WT310E, WT310EH and, read as one channel, WT330 and WT330E.

The dialogue is PTDaemon's own where its logs show it; see `metrology.uncertainty` for where the accuracy comes from.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from analyzers.driver import Family, Instrument, Measured
from analyzers.transport import Transport
from metrology.errors import InstrumentAbsentError, InstrumentError, WrongInstrumentError
from metrology.ranges import Range
from metrology.reading import BAD_READING, Reading, Validity, mean_reading
from metrology.uncertainty import Accuracy

VOLTAGE_RANGES_V = (15.0, 30.0, 60.0, 150.0, 300.0, 600.0)
CURRENT_RANGES_A = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
HIGH_CURRENT_RANGES_A = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0)
WT330_CURRENT_RANGES_A = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Full scales at crest factor 3, half of which are those at 6. Sources: data sheets, yoko-tool's choices."""
RATES_MS = (100, 250, 500, 1000, 2000, 5000)
ENHANCED_RATES_MS = (*RATES_MS, 10_000, 20_000)
IDLE_RATE_MS = 250
"""Update period outside a run, so that a new range is settled soon."""
VOLTAGE_PEAK_OVER, CURRENT_PEAK_OVER = 1 << 7, 1 << 8
"""Bits POV1 and POA1 of the condition register; source: IM WT310E-17EN p. 7-5."""
LARGEST_VALUE = 9.9e37
"""From here on a number means error or no data, as 9.91E+37 does; source: published logs."""
ANSWER_S = 2.0
"""Longest wait for an answer that does not wait for an update; at 1200 baud the longest takes 0.5 s."""
GREETING = (":COMM:REM ON", ":COMM:HEAD OFF;:COMM:VERB OFF", "*CLS")
"""Errors come last to be cleared: an instrument without a serial port refuses remote, which is no error of ours."""
SETUP = (
    ":MEAS:AVER OFF;:MEAS:MHOL OFF;:INP:MODE RMS;:SYNC CURR;:FILT:LINE OFF",
    ":NUM:FORM ASC;:NUM:NORM:NUM 5",
    ":NUM:NORM:ITEM1 U,1;ITEM2 I,1;ITEM3 P,1;ITEM4 LAMB,1;ITEM5 FU,1",
    f":RATE {IDLE_RATE_MS}MS;:STAT:FILT1 FALL",
)
RANGES = ":CURR:RANG?;:CURR:AUTO?;:VOLT:RANG?;:VOLT:AUTO?"
SAMPLE = ":COMM:WAIT 1;:NUM:NORM:VAL?;:CURR:RANG?;:VOLT:RANG?;:STAT:COND?;:STAT:EESR?"
"""One message for one sample: wait for the end of an update, then values, ranges in force, condition, and the event
register, whose reading makes the next wait begin anew."""
_IDENTITY = re.compile(r"[A-Za-z][^,;]*(,[^,;]*){3}")


class WT310:
    """Driver of PTDaemon's device type 49."""

    family: Family = Family(
        49,
        "Yokogawa WT310",
        r"YOKOGAWA,WT310(E|EH|HC)?,.*",
        "IM WT310E-17EN, IM WT310E-02EN, published PTDaemon logs",
    )
    names: ClassVar[tuple[str, str]] = ("YokogawaWT310", "YokogawaWT310E")
    frequency: ClassVar[bool] = True

    def __init__(self) -> None:
        self._line: Transport
        self._identity = ""
        self._rates_ms: tuple[int, ...] = RATES_MS
        self._updates = 0
        self._behind = False

    def open(self, transport: Transport) -> Instrument:
        """Connect; see `Driver.open`."""
        self._line = transport
        transport.clear()
        transport.write("")  # ends what a program that died may have left half written
        self._identity = self._identify()
        if not re.fullmatch(self.family.idn, self._identity):
            raise WrongInstrumentError(
                f"{self._identity!r} answered, expected a {self.family.title}, device type {self.family.device_type}",
                "give the device type of the analyzer that is connected, or the port of the one you mean",
            )
        for message in GREETING:
            transport.write(message)
        self._end_integration()
        for message in SETUP:
            self._set(message, "the set-up")
        return self._describe(self._ask(":CFAC?"))

    def _identify(self, timeout_s: float = ANSWER_S) -> str:
        """Ask who is there, and skip answers to questions of a program that is gone."""
        self._line.write("*IDN?")
        deadline_s = time.monotonic() + timeout_s
        strange = ""
        while not _IDENTITY.fullmatch(strange):
            try:
                strange = self._line.read(max(0.0, deadline_s - time.monotonic()))[0].strip()
            except InstrumentError as problem:
                if not strange:
                    raise InstrumentAbsentError(problem.message, problem.hint) from problem
                raise WrongInstrumentError(
                    f"{strange[:80]!r} came in answer to '*IDN?', expected a {self.family.title}",
                    "check port, baud rate and terminator (CR+LF)",
                ) from problem
        return strange

    def _end_integration(self) -> None:
        state = self._ask(":INTEG:STATE?")
        if state.startswith("STAR"):
            self._set(":INTEG:STOP", "stopping the integration")
        if not state.startswith("RES"):
            self._set(":INTEG:RES", "resetting the integration")

    def _describe(self, crest_factor: str) -> Instrument:
        model = self._identity.split(",")[1]
        enhanced = model.endswith(("E", "EH"))
        crest = 3 if crest_factor == "3" else 6
        scale = 1.0 if crest == 3 else 0.5
        self._rates_ms = ENHANCED_RATES_MS if enhanced else RATES_MS
        return Instrument(
            name=self.names[enhanced],
            idn=self._identity,
            voltage_ranges_v=tuple(full_scale * scale for full_scale in VOLTAGE_RANGES_V),
            current_ranges_a=tuple(full_scale * scale for full_scale in current_ranges(model)),
            accuracy=Accuracy(0.001, 0.0005 if enhanced else 0.001, 0.002, 1e-9, 1.3e-6),
            crest_factor=crest,
            frequency=self.frequency,
        )

    def ranges(self) -> tuple[Range, Range]:
        """Get the current range in A and the voltage range in V."""
        answer = self._ask(RANGES)
        try:
            current_a, current_auto, voltage_v, voltage_auto = answer.split(";")
            return Range(current_auto == "1", _full_scale(current_a)), Range(
                voltage_auto == "1", _full_scale(voltage_v)
            )
        except ValueError as problem:
            raise self._garbled(answer, RANGES) from problem

    def set_range(self, quantity: str, full_scale: float | None) -> None:
        """Set a range; see `Driver.set_range`."""
        name = "CURR" if quantity == "A" else "VOLT"
        fixed = f"OFF;:{name}:RANG {full_scale:g}{quantity}" if full_scale is not None else "ON"
        self._set(f":{name}:AUTO {fixed}", f"setting the {quantity} range")

    def begin(self, interval_ms: int) -> None:
        """Set the update period to the interval or, where there is none so long, to the longest that divides it."""
        fitting = [rate_ms for rate_ms in self._rates_ms if interval_ms % rate_ms == 0 and rate_ms <= interval_ms]
        if not fitting:
            raise InstrumentError(
                f"the {self.family.title} cannot give means over {interval_ms} ms",
                f"take a multiple of one of its update periods: {', '.join(map(str, self._rates_ms))} ms",
            )
        self._set(f":RATE {_rate(max(fitting))};:STAT:FILT1 FALL", "setting the update period")
        self._forget_update()
        self._updates = interval_ms // max(fitting)

    def read(self, timeout_s: float) -> Measured:
        """Wait for the next update, or for all updates of a longer interval; see `Driver.read`.

        Within a run a reader that comes late gets the update on display instead of losing it.
        """
        deadline_s = time.monotonic() + timeout_s
        if not self._updates:
            self._forget_update()
        parts = [self._sample(max(0.0, deadline_s - time.monotonic())) for _ in range(max(1, self._updates))]
        return parts[0] if len(parts) == 1 else _joined(parts)

    def _sample(self, timeout_s: float) -> Measured:
        answer, t_utc_ns, t_mono_ns = self._exchange(SAMPLE, timeout_s)
        try:
            values, current_a, voltage_v, condition, _ = answer.split(";")
            total = _reading(values, bool(int(condition) & (VOLTAGE_PEAK_OVER | CURRENT_PEAK_OVER)))
            return Measured(t_utc_ns, t_mono_ns, total, (), answer, _full_scale(current_a), _full_scale(voltage_v))
        except ValueError as problem:
            raise self._garbled(answer, SAMPLE) from problem

    def end(self) -> None:
        """Go back to short update periods."""
        self._updates = 0
        self._set(f":RATE {IDLE_RATE_MS}MS", "setting the update period")

    def close(self) -> None:
        """Give the instrument back to its front panel and free the port."""
        try:
            self._line.write(":COMM:REM OFF")
        finally:
            self._line.close()

    def _forget_update(self) -> None:
        self._ask(":STAT:EESR?")

    def _set(self, message: str, doing: str) -> None:
        self._line.write(message)
        # A message of its own: an instrument drops the rest of a message after an error in it. Waiting for the
        # answer also keeps us from sending faster than it works, since the line has no handshake.
        answer = self._ask(":STAT:ERR?")
        if answer.split(",")[0].strip() != "0":
            raise InstrumentError(f"the {self.family.title} answered {doing} with error {answer[:80]}")

    def _ask(self, message: str) -> str:
        return self._exchange(message, ANSWER_S)[0]

    def _exchange(self, message: str, timeout_s: float) -> tuple[str, int, int]:
        """Ask, and make sure that a late answer to an earlier question is never taken for this one's."""
        if self._behind and (identity := self._identify(timeout_s)) != self._identity:
            raise WrongInstrumentError(f"{identity!r} answered where {self._identity!r} did before")
        self._behind = True
        self._line.write(message)
        answer = self._line.read(timeout_s)
        self._behind = False
        return answer

    def _garbled(self, answer: str, question: str) -> InstrumentError:
        self._behind = True
        return InstrumentError(f"the {self.family.title} answered {question!r} with {answer[:80]!r}")


class WT330(WT310):
    """Driver of PTDaemon's device type 52: a WT332, WT333 or its E model, of which element 1 is read."""

    family: Family = Family(
        52, "Yokogawa WT330", r"YOKOGAWA,WT33[0-9](E|EH)?,.*", "IM WT310E-17EN, published PTDaemon logs"
    )
    names: ClassVar[tuple[str, str]] = ("YokogawaWT330", "YokogawaWT330E")
    frequency: ClassVar[bool] = False


def current_ranges(model: str) -> tuple[float, ...]:
    """Get the current ranges at crest factor 3 of a model of the family."""
    if model.startswith("WT33"):
        return WT330_CURRENT_RANGES_A
    return HIGH_CURRENT_RANGES_A if model.endswith(("EH", "HC")) else CURRENT_RANGES_A


def _rate(rate_ms: int) -> str:
    return f"{rate_ms}MS" if rate_ms < 1000 else f"{rate_ms // 1000}S"


def _full_scale(text: str) -> float:
    full_scale = float(text)
    if not 0 < full_scale < LARGEST_VALUE:
        raise ValueError(f"got {text[:40]!r}, expected a range")
    return full_scale


def _reading(text: str, peak_over: bool) -> Reading:
    voltage_v, current_a, power_w, power_factor, _ = map(float, text.split(","))
    if not all(abs(value) < LARGEST_VALUE for value in (voltage_v, current_a, power_w, power_factor)):
        return BAD_READING
    validity = Validity.PEAK_OVER if peak_over else Validity.GOOD
    return Reading(power_w, voltage_v, current_a, power_factor, validity)


def _joined(parts: Sequence[Measured]) -> Measured:
    total = mean_reading([part.total for part in parts])
    return replace(parts[-1], total=total, raw="|".join(part.raw for part in parts))
