"""A recorded instrument, replayed: it answers what was asked of the true one, in the time that one took.

No language is known here, only how settings and questions look in all of them. A question is answered as it was
while the settings of its own group (`:CURR` of `:CURR:RANG?`) were as they are now; of several answers those of the
longest run of equal questions are given in turn. A setting that was not recorded is not taken; a question that was
not is not answered. Values come round again, so that a measurement can last, but they follow no load.
"""

import math
from collections import defaultdict
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from statistics import median

from analyzers.recording import SIMULATED, Recording, Turn, anonymous
from analyzers.simulated.device import Device, Maker, Setting
from analyzers.simulated.meter import Update

PACE = (":RATE", ":SAMP", ":AVER", "CYCL")
"""Groups of settings on which depends how long an answer takes: update period or averaging."""
SHORTEST_GAP_S = 0.05
"""Equal questions that follow each other at least so far apart wait for updates, which come on a grid."""


@dataclass(slots=True)
class Timing:
    """How long a message took to be answered, and what lay between its answers when it was repeated; seconds."""

    delays_s: list[float] = field(default_factory=list)
    gaps_s: list[float] = field(default_factory=list)

    def due_s(self, now_s: float, last_s: float) -> float:
        """Get when the answer is due, the last one to the same message having left at `last_s`."""
        gap_s = median(self.gaps_s) if self.gaps_s else 0.0
        if gap_s >= SHORTEST_GAP_S and now_s - last_s < 2 * gap_s:
            return max(now_s, last_s + gap_s)
        return now_s + (median(self.delays_s) if self.delays_s else 0.0)


def units(message: str) -> list[str]:
    """Split a message into settings and questions."""
    return [unit for unit in (part.strip().upper() for part in message.split(";")) if unit]


def group(unit: str) -> str:
    """Get what a setting or question is about: its header without the last mnemonic, where it has several."""
    header = unit.partition(" ")[0].rstrip("?")
    parent = header.rpartition(":")[0]
    return parent or header


def settings(message: str) -> dict[str, str]:
    """Get the settings in a message by group."""
    found: dict[str, list[str]] = defaultdict(list)
    for unit in units(message):
        if "?" not in unit:
            found[group(unit)].append(unit)
    return {name: ";".join(each) for name, each in found.items()}


class Memory:
    """What the true instrument answered, and under which settings."""

    def __init__(self, recording: Recording) -> None:
        self._answers: dict[tuple[str, str], dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        self._anyhow: dict[str, tuple[str, str]] = {}
        self._timings: dict[tuple[str, ...], Timing] = defaultdict(Timing)
        self._streams: dict[tuple[str, ...], list[tuple[float, str]]] = {}
        self.known: set[tuple[str, str]] = set()
        now: dict[str, str] = {}
        before: Turn | None = None
        run = 0
        for turn in recording.turns:
            run += before is None or before.message != turn.message
            now |= settings(turn.message)
            self.known |= now.items()
            self._take(turn, now, run, before)
            before = turn

    def _take(self, turn: Turn, now: dict[str, str], run: int, before: Turn | None) -> None:
        if not turn.answers:
            return
        key = self.pace(turn.message, now)
        if "?" not in turn.message:
            stream = [(each.after_ms / 1000, each.text) for each in turn.answers]
            self._streams[key] = max(stream, self._streams.get(key, []), key=len)
            return
        for unit, text in _answered(turn.message, turn.answers[-1].text):
            place = unit, now.get(group(unit), "")
            self._answers[place][run].append(text)
            self._anyhow[unit] = place
        timing = self._timings[key]
        timing.delays_s.append(turn.answers[-1].after_ms / 1000)
        if before is not None and before.message == turn.message and before.answers:
            timing.gaps_s.append(max(0.0, (_end_ms(turn) - _end_ms(before)) / 1000))

    def pace(self, message: str, now: dict[str, str]) -> tuple[str, ...]:
        """Get what the timing of a message depends on."""
        return (message.strip().upper(), *(now.get(name, "") for name in PACE))

    def answers(self, unit: str, now: dict[str, str]) -> list[str]:
        """Get the answers to a question in turn; none where it was never answered."""
        place = unit, now.get(group(unit), "")
        runs = self._answers.get(place) or self._answers.get(self._anyhow.get(unit, place), {})
        return max(runs.values(), key=len, default=[])

    def timing(self, message: str, now: dict[str, str]) -> Timing:
        """Get how long a message takes; no time where it was not recorded so."""
        return self._timings.get(self.pace(message, now), Timing())

    def stream(self, message: str, now: dict[str, str]) -> list[tuple[float, str]]:
        """Get what is sent unasked after a message: when, seconds after it, and what."""
        return self._streams.get(self.pace(message, now), [])


def _answered(message: str, answer: str) -> Iterator[tuple[str, str]]:
    """Pair questions with answers; a message whose answer has other parts than questions is one question."""
    asked = [unit for unit in units(message) if "?" in unit]
    parts = answer.split(";")
    return zip(asked, parts, strict=True) if len(asked) == len(parts) else iter([(_whole(message), answer)])


def _whole(message: str) -> str:
    return ";".join(units(message))


def _end_ms(turn: Turn) -> float:
    return turn.at_ms + turn.answers[-1].after_ms


class Recorded:
    """The instrument; faults of values and ranges do nothing to it, since it does not know which answers are such.

    Attributes:
        title, spoiled, range_unit: see `Device`.
    """

    def __init__(self, recording: Recording, setting: Setting) -> None:
        self.title = f"recorded {' '.join(recording.idn.split(',')[:2])}"
        self.spoiled: str | None = None
        self.range_unit = 1.0
        self._clock = setting.clock
        self._memory = Memory(recording)
        self._now: dict[str, str] = {}
        self._given: dict[tuple[str, str], int] = defaultdict(int)
        self._left_s: dict[str, float] = {}
        self._due_s = math.inf
        self._stream: Iterator[tuple[float, str]] = iter(())
        self._next: tuple[float, str] | None = None
        self._told = ""

    @property
    def next_update_s(self) -> float:
        """Get when the next answer leaves: there is no update period to be known."""
        return min(self._due_s, self._next[0] if self._next else math.inf)

    def update(self) -> Update:
        """See `Device`; what is drawn is not known."""
        t_s = self.next_update_s
        if self._due_s <= t_s:
            self._due_s = math.inf
        elif self._next is not None:
            self._told, self._next = self._next[1], next(self._stream, None)
        return Update(t_s, 0.0, 0.0)

    def tell(self) -> str:
        """See `Device`."""
        told, self._told = self._told, ""
        return told

    def overrun(self) -> None:
        """See `Device`; nothing is known of errors."""

    def run(self, message: str) -> Generator[None, None, str]:
        """See `Device`."""
        now_s = self._clock()
        self._now |= {name: text for name, text in settings(message).items() if (name, text) in self._memory.known}
        answer = self._answer(message)
        if "?" not in message:
            self._stream = _repeated(now_s, self._memory.stream(message, self._now))
            self._next = next(self._stream, None)
        if not answer:
            return ""
        due_s = self._memory.timing(message, self._now).due_s(now_s, self._left_s.get(message, -math.inf))
        if due_s > now_s:
            self._due_s = due_s
            yield
        self._left_s[message] = due_s
        return answer

    def _answer(self, message: str) -> str:
        whole = _whole(message)
        asked = (
            [whole] if self._memory.answers(whole, self._now) else [unit for unit in units(message) if "?" in unit]
        )
        texts = (self._one(unit) for unit in asked)
        return ";".join(text for text in texts if text)

    def _one(self, unit: str) -> str:
        answers = self._memory.answers(unit, self._now)
        if not answers:
            return ""
        place = unit, self._now.get(group(unit), "")
        at = self._given[place]
        self._given[place] += 1
        text = answers[at % len(answers)]
        return anonymous(text, SIMULATED) if unit.startswith("*IDN?") else text


def _repeated(begin_s: float, stream: list[tuple[float, str]]) -> Iterator[tuple[float, str]]:
    """Go on for ever with what was sent unasked, as far apart as it was."""
    if not stream:
        return
    between_s = (stream[-1][0] - stream[0][0]) / (len(stream) - 1) if len(stream) > 1 else stream[0][0]
    gap_s = max(SHORTEST_GAP_S, between_s)
    count = 0
    while True:
        yield begin_s + stream[0][0] + count * gap_s, stream[count % len(stream)][1]
        count += 1


def maker_of_recording(recording: Recording) -> Maker:
    """Get what makes the instrument of a recording."""

    def make(setting: Setting) -> Device:
        return Recorded(recording, setting)

    return make
