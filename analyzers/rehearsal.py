"""A driver's steps with an instrument, kept as the code of a test that takes them over the recorded dialogue."""

import json
import math
from collections.abc import Callable

from analyzers.driver import Driver, Instrument, Ranges, Wanted
from analyzers.recording import Recording
from analyzers.transport import Transport
from metrology.reading import Reading

PATIENCE_S = 5.0
"""Longest wait for a reading: an interval of a second, and what the daemon waits beyond it."""
_TEST = '''# ruff: noqa: E501
"""Recorded: {title}, device type {device_type}, {idn}, {day}."""

from analyzers.driver import Wanted
from analyzers.drivers import driver_for

DIALOGUE = [
{dialogue}
]


def test_the_driver_speaks_as_recorded(scripted):
    driver = driver_for({device_type})
{steps}
'''


class Rehearsal:
    """A driver whose every step is noted.

    Args:
        driver: not yet connected.
        say: hears of each step.

    Attributes:
        driver: the driver.
        steps: the lines of code that take the steps again and check what came of them.
    """

    def __init__(self, driver: Driver, say: Callable[[str], None]) -> None:
        self.driver = driver
        self.steps: list[str] = []
        self._say = say
        self._channel = 1 if driver.family.multichannel else 0

    def open(self, line: Transport, wanted: Wanted) -> Instrument:
        """See `Driver.open`."""
        instrument = self.driver.open(line, wanted)
        self._note(f"instrument = driver.open(scripted(*DIALOGUE), Wanted({wanted.channels}, {wanted.dc}))")
        self._note(f"assert instrument.name == {json.dumps(instrument.name)}")
        self._note(
            f"assert (instrument.crest_factor, instrument.channels) == {instrument.crest_factor, instrument.channels}"
        )
        self._say(f"connected to {instrument.name}")
        return instrument

    def ranges(self) -> Ranges:
        """See `Driver.ranges`, of the first channel."""
        current, voltage = self.driver.ranges(self._channel)
        self._note(f"current, voltage = driver.ranges({self._channel})")
        self._note(f"assert (current.auto, current.full_scale) == {current.auto, current.full_scale}")
        self._note(f"assert (voltage.auto, voltage.full_scale) == {voltage.auto, voltage.full_scale}")
        return current, voltage

    def set_range(self, quantity: str, full_scale: float | None) -> None:
        """See `Driver.set_range`, of all channels."""
        self.driver.set_range(quantity, full_scale)
        self._note(f"driver.set_range({json.dumps(quantity)}, {full_scale})")
        self._say("range " + (f"{quantity} automatic" if full_scale is None else f"{full_scale:g} {quantity}"))

    def begin(self, interval_ms: int) -> None:
        """See `Driver.begin`."""
        self.driver.begin(interval_ms)
        self._note(f"driver.begin({interval_ms})")

    def read(self) -> Reading:
        """See `Driver.read`; get the sum or the only channel."""
        reading = self.driver.read(PATIENCE_S).total
        self._note(f"reading = driver.read({PATIENCE_S}).total")
        self._note(f'assert reading.validity.name == "{reading.validity.name}"')
        if math.isfinite(reading.power_w):
            values = (reading.power_w, reading.voltage_v, reading.current_a)
            self._note(f"assert (reading.power_w, reading.voltage_v, reading.current_a) == {values}")
            self._say(f"read {reading.power_w:.5g} W, {reading.voltage_v:.5g} V, {reading.current_a:.5g} A")
        return reading

    def end(self) -> None:
        """See `Driver.end`."""
        self.driver.end()
        self._note("driver.end()")

    def close(self) -> None:
        """See `Driver.close`."""
        self.driver.close()
        self._note("driver.close()")

    def _note(self, step: str) -> None:
        self.steps.append(step)

    def test(self, recording: Recording) -> str:
        """Write the test: it fails where the driver says something else, or makes something else of the answers."""
        return _TEST.format(
            title=self.driver.family.title,
            device_type=self.driver.family.device_type,
            idn=recording.idn,
            day=recording.recorded,
            dialogue="\n".join(
                f"    {_turn(turn.message, [each.text for each in turn.answers])}," for turn in recording.turns
            ),
            steps="\n".join(f"    {step}" for step in self.steps),
        )


def _turn(message: str, answers: list[str]) -> str:
    texts = ", ".join(map(_literal, (message, *answers)))
    return f"({texts})" if answers else texts


def _literal(text: str) -> str:
    return repr(text) if '"' in text and "'" not in text else json.dumps(text)
