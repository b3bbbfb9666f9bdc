"""Several meters in one housing, which update together: each measures its share of one load."""

from collections.abc import Sequence
from dataclasses import dataclass

from analyzers.simulated.load import Load
from analyzers.simulated.meter import Channel, Mains, Meter, Update
from analyzers.simulated.status import Status

SHARES: dict[int, tuple[float, ...]] = {1: (1.0,), 2: (0.6, 0.4), 3: (0.5, 0.3, 0.2)}
"""What each of so many channels takes of the load: unequal, so that one taken for another shows."""


@dataclass(frozen=True, slots=True)
class Share:
    """A load that is a part of another."""

    load: Load
    part: float

    def energy_j(self, t_s: float) -> float:
        """See `Load`."""
        return self.part * self.load.energy_j(t_s)


class Channels:
    """The channels of an instrument.

    Args:
        load, mains: what they measure together.
        count: how many there are.
        voltage_ranges_v, current_ranges_a: full scales of each.
        period_ms: length of an update.
        now_s: when the first update begins.
    """

    def __init__(
        self,
        load: Load,
        mains: Mains,
        count: int,
        voltage_ranges_v: Sequence[float],
        current_ranges_a: Sequence[float],
        period_ms: int,
        now_s: float,
    ) -> None:
        volts, amperes = tuple(voltage_ranges_v), tuple(current_ranges_a)
        self.meters = [
            Meter(
                Share(load, part),
                mains,
                Status(),
                voltage=Channel(volts, len(volts) - 1),
                current=Channel(amperes, len(amperes) - 1),
            )
            for part in SHARES[count]
        ]
        self.set_period(period_ms, now_s)

    @property
    def period_ms(self) -> int:
        """Get the length of an update."""
        return self.meters[0].rate_ms

    @property
    def next_update_s(self) -> float:
        """Get when the running update ends."""
        return self.meters[0].next_update_s

    def set_period(self, period_ms: int, now_s: float) -> None:
        """Set the length of an update; one begins anew."""
        for meter in self.meters:
            meter.set_rate(period_ms, now_s)

    def update(self) -> Update:
        """End the running update; get the truth about all channels together."""
        parts = [meter.update() for meter in self.meters]
        return Update(parts[0].t_s, sum(part.energy_j for part in parts), sum(part.power_w for part in parts))
