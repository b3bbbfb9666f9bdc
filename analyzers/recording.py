"""The dialogue with an instrument, written down: what was said, what was answered, and when.

As a file it is JSON that `wattrig simulate --profile` replays. The serial number is left out: whose meter it was
concerns nobody, and a replay must never pass for the instrument.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analyzers.transport import Transport
from metrology.errors import ConfigError, InstrumentError

SCHEMA = 1
LARGEST_FILE = 16 << 20
MOST_TURNS = 100_000
LONGEST_TEXT = 65536
RECORDED, SIMULATED = "RECORDED", "SIMULATED"
"""What stands for the serial number in a recording, and in the answers of one that is replayed."""
_IDENTITY = re.compile(r"([A-Za-z][^,;]*,[^,;]*),[^,;]*(,[^,;]*)")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(_Strict):
    """One answer: its text without line end, and how long after the message it came, milliseconds."""

    text: str = Field(max_length=LONGEST_TEXT)
    after_ms: float = Field(ge=0, le=3_600_000)


class Turn(_Strict):
    """One message, when it was sent (milliseconds since the first), and what came before the next one."""

    message: str = Field(max_length=LONGEST_TEXT)
    at_ms: float = Field(ge=0)
    answers: tuple[Answer, ...] = Field(default=(), max_length=MOST_TURNS)


class Recording(_Strict):
    """A dialogue.

    Attributes:
        schema_version: of this format; 1.
        idn: the answer to `*IDN?`, without the serial number.
        device_type: whose driver spoke; None for none.
        recorded: the day, `2026-11-22`.
        turns: what was said.
    """

    schema_version: int = Field(ge=SCHEMA, le=SCHEMA)
    idn: str = Field(max_length=200)
    device_type: int | None = Field(default=None, ge=0, le=99999)
    recorded: str = Field(pattern=r"\d{4}-\d\d-\d\d")
    turns: tuple[Turn, ...] = Field(min_length=1, max_length=MOST_TURNS)


def anonymous(idn: str, instead: str = RECORDED) -> str:
    """Put a word in place of the serial number; what is no identity stays as it is."""
    match = _IDENTITY.fullmatch(idn)
    return f"{match[1]},{instead}{match[2]}" if match else idn


@dataclass(slots=True)
class _Said:
    message: str
    at_ms: float
    answers: list[Answer] = field(default_factory=list)


class RecordingTransport:
    """A line that writes down what goes over it.

    Args:
        line: the true one.
        clock: monotonic time in seconds.

    Attributes:
        byte_s: see `Transport`.
    """

    def __init__(self, line: Transport, clock: Callable[[], float] = time.monotonic) -> None:
        self.byte_s = line.byte_s
        self._line, self._clock = line, clock
        self._begin_s: float | None = None
        self._said: list[_Said] = []

    def write(self, message: str) -> None:
        """See `Transport`."""
        now_s = self._clock()
        self._begin_s = now_s if self._begin_s is None else self._begin_s
        self._said.append(_Said(message, round((now_s - self._begin_s) * 1000, 3)))
        self._line.write(message)

    def read(self, timeout_s: float) -> tuple[str, int, int]:
        """See `Transport`."""
        answer = self._line.read(timeout_s)
        if self._said and self._begin_s is not None:
            last = self._said[-1]
            after_ms = (self._clock() - self._begin_s) * 1000 - last.at_ms
            last.answers.append(Answer(text=answer[0], after_ms=round(max(0.0, after_ms), 3)))
        return answer

    def read_block(self, timeout_s: float) -> tuple[bytes, str, int, int]:
        """Refuse: a recording holds text alone."""
        raise InstrumentError("an answer in binary cannot be recorded")

    def clear(self) -> None:
        """See `Transport`."""
        self._line.clear()

    def close(self) -> None:
        """See `Transport`."""
        self._line.close()

    @property
    def turns(self) -> tuple[Turn, ...]:
        """Get what was said, with the serial number left out of the identity wherever it was told."""
        asked = (said for said in self._said if said.message.upper().startswith("*IDN?"))
        known = {each.text: anonymous(each.text) for said in asked for each in said.answers}
        return tuple(_turn(said, known) for said in self._said)


def _turn(said: _Said, known: Mapping[str, str]) -> Turn:
    answers = (Answer(text=known.get(each.text, each.text), after_ms=each.after_ms) for each in said.answers)
    return Turn(message=said.message, at_ms=said.at_ms, answers=tuple(answers))


def recording_of(line: RecordingTransport, idn: str, device_type: int | None, day: str) -> Recording:
    """Make the recording of what was said so far; `day` as `2026-11-22`."""
    return Recording(
        schema_version=SCHEMA, idn=anonymous(idn), device_type=device_type, recorded=day, turns=line.turns
    )


def read_recording(path: Path) -> Recording:
    """Read a recording.

    Raises:
        ConfigError: the file cannot be read or is none.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE + 1)
    except OSError as problem:
        raise ConfigError(f"the recording '{path}' cannot be read: {problem}") from problem
    if len(text) > LARGEST_FILE:
        raise ConfigError(f"'{path}' is larger than {LARGEST_FILE} bytes, expected a recording")
    try:
        return Recording.model_validate_json(text)
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise ConfigError(
            f"'{path}' is no recording: {place}: {first['msg'][:200]}",
            "make one with 'wattrig analyzers record'",
        ) from problem
