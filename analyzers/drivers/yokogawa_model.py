"""What one model of Yokogawa's power meters is: its elements, ranges, update periods, and what follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass

from analyzers.driver import Family, Instrument
from metrology.errors import ConfigError, InstrumentError
from metrology.uncertainty import Accuracy

RATES_MS = (100, 250, 500, 1000, 2000, 5000)
"""Update periods of the WT200 and WT300 families; sources: yoko-tool's choices, manuals."""
CREST_FACTORS = {"3": 3, "6": 6, "6A": 6, "A6": 6}
"""What `:CFAC?` answers, and what it means; all but 3 halve the ranges."""


@dataclass(frozen=True, slots=True)
class Model:
    """What one model of a family is.

    Attributes:
        name: PTDaemon's driver name for it.
        voltage_ranges_v, current_ranges_a: full scales at crest factor 3, half of which are those at 6.
        accuracy: its accuracy terms.
        elements: the numbers of its input elements, which are its channels in this order.
        rates_ms: its update periods.
        frequency: whether PTDaemon says that it measures frequency.
    """

    name: str
    voltage_ranges_v: tuple[float, ...]
    current_ranges_a: tuple[float, ...]
    accuracy: Accuracy
    elements: tuple[int, ...] = (1,)
    rates_ms: tuple[int, ...] = RATES_MS
    frequency: bool = False

    def chosen(self, channels: Sequence[int], identity: str) -> tuple[int, ...]:
        """Get the elements that are the channels asked for.

        Raises:
            ConfigError: it has not so many.
        """
        if max(channels) > len(self.elements):
            raise ConfigError(
                f"got channel {max(channels)}, but {identity!r} has {len(self.elements)}",
                f"its channels, counted from 1, are its elements {', '.join(map(str, self.elements))}",
            )
        return tuple(self.elements[channel - 1] for channel in channels)

    def period_ms(self, interval_ms: int, family: Family) -> int:
        """Get the longest update period that divides an interval.

        Raises:
            InstrumentError: none does.
        """
        fitting = [rate_ms for rate_ms in self.rates_ms if interval_ms % rate_ms == 0]
        if not fitting:
            raise InstrumentError(
                f"the {family.title} cannot give means over {interval_ms} ms",
                f"take a multiple of one of its update periods: {', '.join(map(str, self.rates_ms))} ms",
            )
        return max(fitting)

    def described(self, identity: str, crest_factor: str, channels: int) -> Instrument:
        """Describe the instrument found.

        Args:
            identity: its answer to `*IDN?`.
            crest_factor: its answer to `:CFAC?`.
            channels: as in `Instrument`.

        Raises:
            KeyError: the crest factor is none of `CREST_FACTORS`.
        """
        crest = CREST_FACTORS[crest_factor]
        scale = 1.0 if crest == 3 else 0.5
        return Instrument(
            name=self.name,
            idn=identity,
            voltage_ranges_v=tuple(full_scale * scale for full_scale in self.voltage_ranges_v),
            current_ranges_a=tuple(full_scale * scale for full_scale in self.current_ranges_a),
            accuracy=self.accuracy,
            crest_factor=crest,
            frequency=self.frequency,
            channels=channels,
        )
