"""Having a dialogue to be recorded: with a driver, by the questions known of a family, or as an operator types it."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from analyzers.catalogue import ANY
from analyzers.driver import Driver, Wanted
from analyzers.identify import Identity, identify
from analyzers.questions import COMMON, questions_for
from analyzers.recording import RecordingTransport
from analyzers.rehearsal import Rehearsal
from analyzers.transport import ask
from metrology.errors import InstrumentError
from metrology.reading import Reading

INTERVAL_MS = 1000
HIOKI_INTERVAL_MS = 200
"""A Hioki's own cycle: over averages its driver judges how much time passed, and in a replayed test none does."""
READINGS = 5
SETTLING_READINGS = 2
ANSWER_S = 2.0
MOST_RANGES = 4
"""Ranges recorded of each quantity, from the smallest that holds the present load on."""
Say = Callable[[str], None]


def converse(
    driver: Driver, line: RecordingTransport, wanted: Wanted, say: Say, interval_ms: int | None = None
) -> Rehearsal:
    """Have the driver do all that a daemon has it do, set the ranges back, and close the line.

    Args:
        driver, line, wanted: who speaks, over which line, asking for what.
        say: hears of each step.
        interval_ms: between samples; None for `usual_interval_ms`.

    Raises:
        InstrumentError: the instrument does not do its part.
        ConfigError: it has not what is wanted.
    """
    steps = Rehearsal(driver, say)
    interval_ms = interval_ms or usual_interval_ms(driver)
    instrument = steps.open(line, replace(wanted, readout="ascii"))  # a recording holds text alone
    before = steps.ranges()
    for quantity in "VA":
        _set(steps, quantity, None)
    present = _measure(steps, interval_ms)
    for quantity, scales, value in (
        ("V", instrument.voltage_ranges_v, present.voltage_v),
        ("A", instrument.current_ranges_a, present.current_a),
    ):
        fitting = fitting_ranges(scales, value)
        for full_scale in (*fitting, fitting[0]):
            _set(steps, quantity, full_scale)
    _measure(steps, interval_ms)
    for quantity, setting in zip("AV", before, strict=True):
        _set(steps, quantity, None if setting.auto else setting.full_scale)
    steps.close()
    return steps


def fitting_ranges(scales: Iterable[float], value: float) -> list[float]:
    """Get the few ranges that hold a value, the smallest first; the largest where none does."""
    ordered = sorted(scales)
    return [scale for scale in ordered if scale >= value][:MOST_RANGES] or ordered[-1:]


def usual_interval_ms(driver: Driver) -> int:
    """Get the interval to record measurements at."""
    return HIOKI_INTERVAL_MS if "Hioki" in driver.family.title else INTERVAL_MS


def _set(steps: Rehearsal, quantity: str, full_scale: float | None) -> None:
    """Set a range as the daemon does: ask again, and read until it has settled."""
    steps.set_range(quantity, full_scale)
    steps.ranges()
    for _ in range(SETTLING_READINGS):
        steps.read()


def _measure(steps: Rehearsal, interval_ms: int) -> Reading:
    """Measure for a while; get the last reading."""
    steps.ranges()
    steps.begin(interval_ms)
    readings = [steps.read() for _ in range(READINGS)]
    steps.end()
    return readings[-1]


def guided(line: RecordingTransport, say: Say) -> Identity:
    """Ask all that is known of the instrument's family, and what every instrument must answer.

    Raises:
        InstrumentAbsentError: nobody answers.
    """
    identity = identify(line, ANY)
    for question in (*COMMON, *questions_for(identity.idn)):
        say(f"{question.message} -> {_asked(line, question.message)}")
    return identity


def free(line: RecordingTransport, messages: Iterable[str], say: Say) -> None:
    """Send messages as they are typed; one with a question mark is asked. Errors as in `Transport.write`."""
    for message in filter(None, map(str.strip, messages)):
        if "?" in message:
            say(_asked(line, message))
        else:
            line.write(message)


def _asked(line: RecordingTransport, message: str) -> str:
    try:
        return ask(line, message, ANSWER_S)
    except InstrumentError as problem:
        return f"({problem.message})"
