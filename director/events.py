"""What a director tells while it works: small records for a log, a progress line, a live page."""

from collections.abc import Callable
from dataclasses import dataclass

from metrology.reading import Sample


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the director's log, cut where it is very long."""

    text: str


@dataclass(frozen=True, slots=True)
class Listening:
    """The analyzers answer and clients are served at this address."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A client began a session."""

    session: str


@dataclass(frozen=True, slots=True)
class ClientCame:
    """A session's client: its address, and the name under which its key is trusted, "" in plain text."""

    session: str
    peer: str
    name: str
    encrypted: bool


@dataclass(frozen=True, slots=True)
class ClockTold:
    """The client told the offset (this director's clock minus the client's) that it measured, milliseconds."""

    session: str
    offset_ms: float
    uncertainty_ms: float


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """A phase ("ranging" or "testing") is being measured."""

    session: str
    phase: str


@dataclass(frozen=True, slots=True)
class SampleTaken:
    """The daemon of an analyzer (numbered from 1) wrote a sample."""

    session: str
    phase: str
    analyzer: int
    sample: Sample


@dataclass(frozen=True, slots=True)
class PhaseEnded:
    """A phase was measured; `samples` came from the first analyzer."""

    session: str
    phase: str
    samples: int


@dataclass(frozen=True, slots=True)
class RangesChosen:
    """The ranges of the testing run of an analyzer (numbered from 1), and what they leave; see `metrology.headroom`.

    `advice` has what may go wrong, in words; it stands in the log as warnings, too.
    """

    session: str
    analyzer: int
    voltage_range_v: float
    current_range_a: float
    current_left: float
    crest_room: float
    uncertainty: float | None
    told: str
    advice: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """A session is closed; `reason` is empty where it was completed."""

    session: str
    reason: str


Event = (
    LogLine
    | Listening
    | SessionOpened
    | ClientCame
    | ClockTold
    | PhaseStarted
    | SampleTaken
    | PhaseEnded
    | RangesChosen
    | SessionEnded
)
Observe = Callable[[Event], None]


def unobserved(_event: Event) -> None:
    """Take no notice of an event."""
