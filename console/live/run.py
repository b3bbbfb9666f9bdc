"""The session that is open, or was open last."""

from dataclasses import dataclass, field
from typing import Literal

from console.live.model import Client, Clock


@dataclass(slots=True)
class Phase:
    """A phase: when it began and ended, UTC milliseconds."""

    name: Literal["ranging", "testing"]
    begun_ms: int
    ended_ms: int | None = None


@dataclass(slots=True)
class Run:
    """The session that is open, or was open last."""

    name: str
    opened_ms: int
    client: Client | None = None
    clock: Clock | None = None
    phases: list[Phase] = field(default_factory=list)
    outcome: Literal["open", "complete", "aborted"] = "open"
    reason: str = ""

    @property
    def phase(self) -> Phase | None:
        """Get the phase begun last."""
        return self.phases[-1] if self.phases else None

    @property
    def is_measuring(self) -> bool:
        """Tell whether a phase is being measured."""
        return self.outcome == "open" and self.phase is not None and self.phase.ended_ms is None
