"""Is an analyzer fit to measure with: asked about itself first, then set up and read once as the daemon does it.

Nothing is judged that was not told. Ranges stay as they are: the director chooses them for each phase.
"""

import enum
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from analyzers.catalogue import OURS, Entry
from analyzers.driver import Driver, Wanted
from analyzers.drivers.dialogue import Dialogue
from analyzers.identify import Identity, identify
from analyzers.live import Shown, Watch
from analyzers.place import Place
from analyzers.questions import INTEGRATION, Question, bare, is_direct, questions_for
from metrology.errors import InstrumentError, WattrigError
from metrology.uncertainty import LIMIT

TRIAL_MS, TRIAL_READINGS = 1000, 8
"""MLPerf's interval, and how many readings an automatic range may take to be found."""
LEAST_SHARE = 0.05
"""Under this part of a range, the range part of the uncertainty alone is 1 % for 0.05 % of range (WT310E)."""


class State(enum.Enum):
    """What a line of the preflight says."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing looked at: what was found and, where it is not well, what to do."""

    name: str
    state: State
    found: str
    remedy: str = ""


def preflight(driver: Driver, place: Place, wanted: Wanted) -> Iterator[Line]:
    """Look at an analyzer; ends at the first problem that makes the rest meaningless."""
    try:
        with closing(place.open(driver.family)) as transport:
            identity = identify(transport, driver.family)
            yield from who(identity, driver)
            settings = list(_settings(Dialogue(transport, driver.family), identity, driver))
    except WattrigError as problem:
        yield Line("connection", State.PROBLEM, problem.message, problem.hint)
        return
    yield from settings
    yield Line(
        "calibration",
        State.WARNING,
        "the analyzer does not tell when it was calibrated",
        "read the date from its label; SPEC accepts analyzers calibrated within a year",
    )
    if any(line.name == INTEGRATION and line.state is not State.OK for line in settings):
        yield Line("measuring", State.WARNING, "not tried: it would end the integration")
        return
    yield from _trial(driver, place, wanted)


def who(identity: Identity, driver: Driver) -> Iterator[Line]:
    """Say who answered, and what is known of the driver."""
    if identity.simulated:
        remedy = "fine for trying things out; no submission can be made with it"
        yield Line("identity", State.WARNING, f"{identity.idn}: a simulated instrument", remedy)
    else:
        yield Line("identity", State.OK, f"{identity.maker} {identity.model}, serial number {identity.serial}")
    options = f", options {identity.options}" if identity.options else ""
    yield Line("firmware", State.OK, identity.firmware + options)
    family = driver.family
    if not Entry(family, ()).is_verified:
        remedy = "compare a reading with the meter's display, and save its dialogue with 'wattrig analyzers record'"
        yield Line("driver", State.WARNING, f"{family.title}: {family.verified}", remedy)
    else:
        yield Line("driver", State.OK, f"{family.title}, device type {family.device_type}: {family.verified}")
    if family.device_type >= OURS:
        remedy = "for an official submission take an analyzer of SPEC's list of accepted devices"
        yield Line("accepted", State.WARNING, f"PTDaemon knows no device type {family.device_type}", remedy)


def _settings(line: Dialogue, identity: Identity, driver: Driver) -> Iterator[Line]:
    line.identify()
    for question in questions_for(identity.idn):
        try:
            answer = bare(line.ask(question.message))
        except InstrumentError:
            yield Line(question.name, State.WARNING, f"not told: {question.message!r} was not answered")
            continue
        yield judged(question, answer, any_will_do=is_direct(driver.family, question))


def judged(question: Question, answer: str, *, any_will_do: bool = False) -> Line:
    """Judge an answer."""
    if any_will_do or re.fullmatch(question.good, answer):
        return Line(question.name, State.OK, answer[:80])
    return Line(question.name, State.WARNING, answer[:80], question.remedy)


def _trial(driver: Driver, place: Place, wanted: Wanted) -> Iterator[Line]:
    """Set it up as the daemon does, and read it."""
    try:
        with Watch(driver, place, wanted) as watch:
            for channel, (current, voltage) in enumerate(watch.ranges, 1):
                which = f"ranges, channel {channel}" if watch.instrument.channels else "ranges"
                texts = (f"{_text(current.full_scale)} A", f"{_text(voltage.full_scale)} V")
                automatic = [each.auto for each in (current, voltage)]
                found = ", ".join(text + " automatic" * auto for text, auto in zip(texts, automatic, strict=True))
                yield Line(which, State.OK, f"{found}; the director chooses them for each phase")
            sample = _settled(watch)
    except WattrigError as problem:
        yield Line("measuring", State.PROBLEM, problem.message, problem.hint)
        return
    for shown in sample:
        yield reading_line(shown)


def _settled(watch: Watch) -> list[Shown]:
    """Get the first sample that is good throughout, or the last one tried."""
    with closing(watch.samples(TRIAL_MS)) as samples:
        for sample in islice(samples, TRIAL_READINGS):
            if all(shown.reading.usable for shown in sample):
                break
    return sample


def _text(full_scale: float | None) -> str:
    return "unknown" if full_scale is None else f"{full_scale:g}"


def reading_line(shown: Shown) -> Line:
    """Judge a reading."""
    name = f"reading, channel {shown.name}" if shown.name.isdecimal() else f"reading {shown.name}".strip()
    reading = shown.reading
    if not reading.usable:
        remedy = "is the load connected and within the ranges? a range that is automatic may still be searching"
        return Line(name, State.WARNING, f"{reading.validity.value} reading", remedy)
    found = f"{reading.power_w:.5g} W, {reading.voltage_v:.5g} V, {reading.current_a:.5g} A"
    found += f", power factor {reading.power_factor:.3f}"
    if shown.uncertainty is None:
        return Line(name, State.OK, f"{found}; uncertainty unknown" + " while a range is automatic" * shown.auto)
    found += f"; uncertainty {shown.uncertainty:.2%}"
    if shown.uncertainty <= LIMIT:
        return Line(name, State.OK, found)
    share = shown.current_share
    remedy = "see that the load is on"
    if share is not None and share < LEAST_SHARE:
        remedy = f"only {share:.1%} of the current range is used; a smaller one fits, which ranging will find"
    return Line(name, State.WARNING, f"{found}, above {LIMIT:.0%}", remedy)
