"""A simulated Yokogawa WT310E: what it keeps and what it shows; `commands` says how it is spoken to."""

import math
from collections.abc import Callable

from analyzers.simulated.meter import Meter
from analyzers.simulated.numbers import NO_DATA

IDENTITY = "YOKOGAWA,WT310E,SIMULATED,F1.04"
"""Marks every session that was measured with it; real ones bear a serial number there."""
_BASIC = ("U", "I", "P", "S", "Q", "LAMB", "PHI", "FU", "FI")
_PEAKS = ("UPP", "UMP", "IPP", "IMP")
_INTEGRATED = ("TIME", "WH", "WHP", "WHM", "AH", "AHP", "AHM")
FUNCTIONS = (*_BASIC, *_PEAKS, "PPP", "PMP", *_INTEGRATED, "MATH", "URAN", "IRAN", "NONE")
"""What an item can show (public drivers); those that are not simulated show no data."""
PRESETS = {
    1: ("U", "I", "P"),
    2: _BASIC,
    3: _BASIC + _PEAKS,
    4: ("U", "I", "P", *_INTEGRATED),
}
"""Items of `:NUM:NORM:PRES`; 2 is what the instrument starts with (public sampler), the others from memory."""
KEPT_WORDS = {
    "[:INPut]:SYNChronize": ("VOLTage", "CURRent", "OFF"),
    "[:INPut]:FILTer:LINE": ("0", "1"),
    "[:INPut]:FILTer:FREQuency": ("0", "1"),
    "[:INPut]:MODE": ("RMS", "VMEan", "DC"),
    ":MEASure:AVERaging[:STATe]": ("0", "1"),
    ":MEASure:AVERaging:TYPE": ("LINear", "EXPonent"),
    ":MEASure:AVERaging:COUNt": ("8", "16", "32", "64"),
    ":MEASure:MHOLd": ("0", "1"),
    ":INTEGrate:MODE": ("NORMal", "CONTinuous"),
}
"""Settings that are kept and answered only, and what each can be; it starts with the first."""


class Wt310e:
    """The instrument.

    Attributes:
        meter, status: what it measures and what it reports about itself.
        clock: seconds since the start.
        words: settings that are kept and answered only.
        items: names of what `:NUM:NORM:VAL?` answers.
        binary: whether values go out as a block of floats.
    """

    def __init__(self, meter: Meter, clock: Callable[[], float]) -> None:
        self.meter, self.status, self.clock = meter, meter.status, clock
        self.words: dict[str, str] = {}
        self.items: list[str] = []
        self.binary = False
        self.preset()

    def preset(self) -> None:
        """Set all to how the instrument starts, but the range, the rate and how it answers."""
        self.words = {name: options[0] for name, options in KEPT_WORDS.items()}
        self.items, self.binary = list(PRESETS[2]), False

    def value(self, item: str) -> tuple[float, float]:
        """Get a measured value and the full scale that its digits follow."""
        values, range_v, range_a = self.meter.values, self.meter.range_v, self.meter.range_a
        apparent_va = values.voltage_v * values.current_a
        angle_deg = math.degrees(math.acos(values.power_factor)) if abs(values.power_factor) <= 1 else NO_DATA
        peak_v, peak_a = values.voltage_v * math.sqrt(2), values.current_a * self.meter.mains.crest
        energy_wh, elapsed_s = self.meter.integration.energy_j / 3600, self.meter.integration.elapsed_s
        known = {
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
        return known.get(item, (NO_DATA, 1.0))
