"""A simulated instrument as the simulator's process sees it, whatever its make."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Protocol

from analyzers.simulated.load import Load
from analyzers.simulated.meter import Mains, Update


class Device(Protocol):
    """A simulated instrument.

    Attributes:
        title: for people, "Yokogawa WT310E".
        spoiled: a fault: what is shown in place of every measured value, "NAN", "INF" or "9.91E+37"; None for none.
        range_unit: a fault: what ranges are multiplied by when they are told; 1 for none.
    """

    title: str
    spoiled: str | None
    range_unit: float

    @property
    def next_update_s(self) -> float:
        """Get when the running update period ends, on the clock of `Setting`."""

    def update(self) -> Update:
        """End the running update period; get the truth about it."""

    def run(self, message: str) -> Generator[None, None, str]:
        """Carry out a message (no line end); get the answer, empty for none; yields while a command waits."""

    def tell(self) -> str:
        """Get what it sends without being asked, after an update; empty for nothing."""

    def overrun(self) -> None:
        """Note that a message was too long to be taken in."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a simulated instrument is put to.

    Attributes:
        load, mains: what it measures.
        clock: seconds since the start, the time of `load`; the instrument's first update period begins now.
    """

    load: Load
    mains: Mains
    clock: Callable[[], float]


Maker = Callable[[Setting], Device]
"""Makes an instrument as it is when it is switched on; `models.MODELS` names one for each model."""
