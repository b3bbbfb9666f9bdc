"""What a client tells while it works: small records for a log, a progress line, a live page."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the client's log."""

    text: str


@dataclass(frozen=True, slots=True)
class ClockMeasured:
    """The offset (director's clock minus ours) was measured at a place of the session, milliseconds."""

    where: str
    offset_ms: float
    uncertainty_ms: float


@dataclass(frozen=True, slots=True)
class SessionNamed:
    """The director named the session; its files go to `folder`."""

    session: str
    folder: Path


@dataclass(frozen=True, slots=True)
class PhaseStarted:
    """A phase ("ranging" or "testing") begins: the director prepares the analyzer."""

    phase: str


@dataclass(frozen=True, slots=True)
class WorkloadStarted:
    """The workload of a phase runs as this process; it writes its output to `output`."""

    phase: str
    pid: int
    output: Path


@dataclass(frozen=True, slots=True)
class PhaseEnded:
    """A phase was measured and its LoadGen result is valid; the power window was this long, seconds."""

    phase: str
    window_s: float


@dataclass(frozen=True, slots=True)
class Finished:
    """The session is complete in this folder."""

    folder: Path


Event = LogLine | ClockMeasured | SessionNamed | PhaseStarted | WorkloadStarted | PhaseEnded | Finished
Observe = Callable[[Event], None]


def unobserved(_event: Event) -> None:
    """Take no notice of an event."""
