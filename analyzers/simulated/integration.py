"""The energy counter of a simulated meter."""

from dataclasses import dataclass

from analyzers.simulated.status import CommandError


@dataclass(slots=True)
class Integration:
    """The energy counter; `state` is one of RESet, STARt, STOP."""

    state: str = "RESet"
    energy_j: float = 0.0
    elapsed_s: float = 0.0
    _from: tuple[float, float] = (0.0, 0.0)

    def start(self, t_s: float, energy_j: float) -> None:
        """Count from a moment on, at which the load has drawn `energy_j`."""
        if self.state == "STARt":
            raise CommandError(842)
        self.state, self._from = "STARt", (t_s, energy_j)

    def count(self, t_s: float, energy_j: float) -> None:
        """Count what was drawn until a moment."""
        if self.state == "STARt":
            self.elapsed_s += t_s - self._from[0]
            self.energy_j += energy_j - self._from[1]
            self._from = (t_s, energy_j)

    def stop(self, t_s: float, energy_j: float) -> None:
        """Count until a moment and no further."""
        if self.state != "STARt":
            raise CommandError(844)
        self.count(t_s, energy_j)
        self.state = "STOP"

    def reset(self) -> None:
        """Set the counter to nothing."""
        if self.state == "STARt":
            raise CommandError(845)
        self.state, self.energy_j, self.elapsed_s = "RESet", 0.0, 0.0
