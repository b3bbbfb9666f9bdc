"""A simulated Yokogawa meter: what it keeps and what it shows; `commands` says how it is spoken to."""

import math

from analyzers.simulated import status as bits
from analyzers.simulated.channels import Share
from analyzers.simulated.device import Setting
from analyzers.simulated.language import Command, Interpreted, Interpreter
from analyzers.simulated.meter import Channel, Meter, Update, choose_together
from analyzers.simulated.numbers import NO_DATA, display
from analyzers.simulated.profiles import ALIASES, PRESETS, Profile
from analyzers.simulated.status import Status

Item = tuple[str, int]
"""What an answer shows: a function, and the number of an element."""


class Analyzer(Interpreted):
    """The instrument.

    Args:
        profile: which model it is.
        setting: what it measures.
        commands: what it understands.

    Attributes:
        meters, status: its elements, and what it reports about itself.
        words: settings that are kept and answered only, where they are not as it starts.
        items: what an answer about values shows.
        binary: whether values go out as a block of floats.
        title, spoiled, range_unit: see `device.Device`.
    """

    def __init__(self, profile: Profile, setting: Setting, commands: tuple[Command["Analyzer"], ...]) -> None:
        self.profile, self.clock, self.title = profile, setting.clock, profile.title
        self.status = Status()
        self.spoiled: str | None = None
        self.range_unit = 1.0
        self._shared = profile.dialect != "WT500"
        self.meters = self._elements(setting)
        self.set_rate(profile.first_rate_ms)
        self.words: dict[str, str] = {}
        self.items: list[Item] = []
        self.binary = False
        self.preset()
        self._interpreter = Interpreter(self, self.status, commands)

    def _elements(self, setting: Setting) -> list[Meter]:
        profile, inputs = self.profile, [_widest(self.profile) for _ in self.profile.shares]
        return [
            Meter(
                Share(setting.load, part),
                setting.mains,
                Status(),
                voltage=inputs[0 if self._shared else at][0],
                current=inputs[0 if self._shared else at][1],
                alone=not self._shared,
            )
            for at, part in enumerate(profile.shares)
        ]

    def preset(self) -> None:
        """Set what is shown to how the instrument starts."""
        self.items, self.binary = self.listed(PRESETS[2]), False

    def listed(self, functions: tuple[str, ...]) -> list[Item]:
        """Get functions as items of each element in turn."""
        return [(name, number) for number in range(1, len(self.meters) + 1) for name in functions]

    @property
    def rate_ms(self) -> int:
        """Get the update period."""
        return self.meters[0].rate_ms

    def set_rate(self, rate_ms: int) -> None:
        """Set the update period, which begins anew."""
        for meter in self.meters:
            meter.set_rate(rate_ms, self.clock())

    @property
    def integrating(self) -> bool:
        """Tell whether energy is being counted, or was and is shown."""
        return self.meters[0].integration.state != "RESet"

    def range_changed(self) -> None:
        """Show no data until a whole update period has passed."""
        for meter in self.meters:
            meter.range_changed()

    @property
    def next_update_s(self) -> float:
        """See `Device`."""
        return self.meters[0].next_update_s

    def update(self) -> Update:
        """See `Device`."""
        parts = [meter.update() for meter in self.meters]
        condition = self._condition()
        if self._shared:
            choose_together(self.meters)
        # UPD rises and falls at this very moment: a command that waits for its fall goes on right at the edge.
        self.status.change(condition | bits.UPDATING)
        self.status.change(condition)
        return Update(parts[0].t_s, sum(part.energy_j for part in parts), sum(part.power_w for part in parts))

    def _condition(self) -> int:
        flags = [meter.status.condition for meter in self.meters]
        condition = flags[0] & bits.INTEGRATING
        for at, flag in enumerate(flags):
            if self._shared:
                condition |= (flag >> 6 & 7) << (6 + 3 * at)  # IM WT310E-17EN p. 7-5
            else:
                condition |= (flag >> 6 & 1) << (8 + at) | bool(flag >> 7 & 3) << 15  # IM WT3001E-17EN p. 7-7
        return condition

    @property
    def peaks(self) -> int:
        """Get which peaks are over range: U1, I1, U2, I2 and so on from bit 0, as lamps on the front panel show."""
        return sum((meter.status.condition >> 7 & 3) << 2 * at for at, meter in enumerate(self.meters))

    def text(self, item: Item) -> str:
        """Get a measured value as it is shown."""
        value, full_scale = self.value(item)
        if self.spoiled is not None:
            return self.spoiled
        if math.isfinite(value):
            return display(value, full_scale)
        return self.profile.sentinels[math.isinf(value)]

    def value(self, item: Item) -> tuple[float, float]:
        """Get a measured value and the full scale that its digits follow."""
        name, number = item
        if name == "NONE":
            return NO_DATA, 1.0
        return _shown(self.meters[number - 1]).get(ALIASES.get(name, name), (NO_DATA, 1.0))


def _widest(profile: Profile) -> tuple[Channel, Channel]:
    volts, amperes = profile.voltage_ranges_v, profile.current_ranges_a
    return Channel(volts, len(volts) - 1), Channel(amperes, len(amperes) - 1)


def _shown(meter: Meter) -> dict[str, tuple[float, float]]:
    """Get the values of an element, each with the full scale that its digits follow."""
    values, range_v, range_a = meter.values, meter.range_v, meter.range_a
    apparent_va = values.voltage_v * values.current_a
    angle_deg = math.degrees(math.acos(values.power_factor)) if abs(values.power_factor) <= 1 else NO_DATA
    peak_v, peak_a = values.voltage_v * math.sqrt(2), values.current_a * meter.mains.crest
    energy_wh, elapsed_s = meter.integration.energy_j / 3600, meter.integration.elapsed_s
    return {
        "U": (values.voltage_v, range_v),
        "I": (values.current_a, range_a),
        "P": (values.power_w, range_v * range_a),
        "S": (apparent_va, range_v * range_a),
        "Q": (apparent_va * math.sin(math.radians(angle_deg)), range_v * range_a),
        "LAMB": (values.power_factor, 1.0),
        "PHI": (angle_deg, 100.0),
        "FU": (values.frequency_hz, 10.0),
        "FI": (values.frequency_hz, 10.0),
        "UPP": (peak_v, range_v),
        "UMP": (-peak_v, range_v),
        "IPP": (peak_a, range_a),
        "IMP": (-peak_a, range_a),
        "TIME": (elapsed_s, max(1.0, elapsed_s)),
        "WH": (energy_wh, max(1.0, abs(energy_wh))),
        "WHP": (max(0.0, energy_wh), max(1.0, abs(energy_wh))),
        "WHM": (min(0.0, energy_wh), max(1.0, abs(energy_wh))),
        "URAN": (range_v, range_v),
        "IRAN": (range_a, range_a),
    }
