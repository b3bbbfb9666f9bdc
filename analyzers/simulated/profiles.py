"""What the simulated Yokogawa models are: elements, ranges, and how they say things.

Identities, number formats, items and marks for no data are those of published PTDaemon logs where these show the
model; of the WT1800E and the WT5000 nothing is published, and both are written from memory.
"""

from dataclasses import dataclass, replace

FAMILY_RATES_MS = (100, 250, 500, 1000, 2000, 5000)
ENHANCED_RATES_MS = (*FAMILY_RATES_MS, 10_000, 20_000)
WT500_RATES_MS = (100, 200, 500, 1000, 2000, 5000)
WT1800_RATES_MS = (50, *WT500_RATES_MS, 10_000, 20_000)
VOLTAGE_RANGES_V = (15.0, 30.0, 60.0, 150.0, 300.0, 600.0)
WT500_VOLTAGE_RANGES_V = (15.0, 30.0, 60.0, 100.0, 150.0, 300.0, 600.0, 1000.0)
WT1800_VOLTAGE_RANGES_V = (1.5, 3.0, 6.0, 10.0, *WT500_VOLTAGE_RANGES_V)
HIGH_RANGES_A = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
CURRENT_RANGES_A = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, *HIGH_RANGES_A)
"""Data sheets, and yoko-tool's choices."""

_BASIC = ("U", "I", "P", "S", "Q", "LAMB", "PHI", "FU", "FI")
_PEAKS = ("UPP", "UMP", "IPP", "IMP")
_INTEGRATED = ("TIME", "WH", "WHP", "WHM", "AH", "AHP", "AHM")
FUNCTIONS = (*_BASIC, "URMS", "IRMS", *_PEAKS, "PPP", "PMP", *_INTEGRATED, "MATH", "URAN", "IRAN", "NONE")
"""What an item of the WT300 family can show (public drivers); those that are not simulated show no data."""
WT500_FUNCTIONS = (
    *("URMS", "UMN", "UDC", "UAC", "IRMS", "IMN", "IDC", "IAC", "P", "S", "Q", "LAMB", "PHI", "FU", "FI"),
    *("UPP", "UMP", "IPP", "IMP", "TIME", "WP", "WPP", "WPM", "NONE"),
)
"""The same of the WT500 and its successors, as far as public programs use it."""
ALIASES = {"URMS": "U", "UDC": "U", "IRMS": "I", "IDC": "I", "WP": "WH", "WPP": "WHP", "WPM": "WHM"}
"""Names of one value in different families, or in different modes of which one is simulated."""
_CALLED_ELSEWHERE = {
    "V": "U",
    "A": "I",
    "W": "P",
    "VA": "S",
    "VAR": "Q",
    "PF": "LAMB",
    "DEGR": "PHI",
    "VHZ": "FU",
    "AHZ": "FI",
    "VPK": "UPP",
    "APK": "IPP",
}
WT210_FUNCTIONS = {
    name: _CALLED_ELSEWHERE.get(name, name)
    for name in (
        *("V", "A", "W", "VA", "VAR", "PF", "DEGR", "VHZ", "AHZ", "WH", "WHP", "WHM", "AH", "AHP", "AHM"),
        *("VPK", "APK", "TIME", "MATH"),
    )
}
"""Items of the WT210 in the order of its answers (IM 760401-01E p. 14-32), and what they are called elsewhere."""
PRESETS = {
    1: ("U", "I", "P"),
    2: _BASIC,
    3: _BASIC + _PEAKS,
    4: ("U", "I", "P", *_INTEGRATED),
}
"""Items of `:NUM:NORM:PRES`; 2 is what the instrument starts with (public sampler), the others from memory."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A model.

    Attributes:
        title: for people.
        identity: the answer to `*IDN?`; a real one bears a serial number where this says SIMULATED.
        dialect: "WT300", "WT200" (an older tree of commands) or "WT500" (elements have ranges of their own).
        shares: what each element takes of the load; the first has it all where drivers read one element only.
        voltage_ranges_v, current_ranges_a: full scales at crest factor 3.
        rates_ms: update periods; it starts with `first_rate_ms`.
        functions: what items can show.
        crest_factors: what `:CFAC` can be; it starts with the first.
        wiring: the answer to `:WIR?`.
        sentinels: how it says no data and over range.
        range_digits: "fine" (`5.000E+00`), "coarse" (`20.0E+00`), or "unscaled" (`0.500E+00`).
    """

    title: str
    identity: str
    dialect: str = "WT300"
    shares: tuple[float, ...] = (1.0,)
    voltage_ranges_v: tuple[float, ...] = VOLTAGE_RANGES_V
    current_ranges_a: tuple[float, ...] = CURRENT_RANGES_A
    rates_ms: tuple[int, ...] = FAMILY_RATES_MS
    first_rate_ms: int = 250
    functions: tuple[str, ...] = FUNCTIONS
    crest_factors: tuple[str, ...] = ("3", "6")
    wiring: str = "P1W2"
    sentinels: tuple[str, str] = ("NAN", "INF")
    range_digits: str = "fine"


WT210 = Profile(
    "Yokogawa WT210",
    "YOKOGAWA,760401,SIMULATED,F1.12",
    dialect="WT200",
    sentinels=("9.91E+37", "9.91E+37"),
    range_digits="unscaled",
)
WT310 = Profile("Yokogawa WT310", "YOKOGAWA,WT310,SIMULATED,F1.03", range_digits="coarse")
WT310E = Profile(
    "Yokogawa WT310E",
    "YOKOGAWA,WT310E,SIMULATED,F1.04",
    rates_ms=ENHANCED_RATES_MS,
    crest_factors=("3", "6", "6A"),
)
WT333E = replace(
    WT310E,
    title="Yokogawa WT333E",
    identity="YOKOGAWA,WT333E,SIMULATED,F1.04",
    shares=(0.5, 0.3, 0.2),
    current_ranges_a=HIGH_RANGES_A,
    wiring="V3A3",
)
WT500 = Profile(
    "Yokogawa WT500",
    "YOKOGAWA,760203,SIMULATED,F1.21",
    dialect="WT500",
    shares=(0.5, 0.3, 0.2),
    voltage_ranges_v=WT500_VOLTAGE_RANGES_V,
    current_ranges_a=(*HIGH_RANGES_A, 40.0),
    rates_ms=WT500_RATES_MS,
    first_rate_ms=200,
    functions=WT500_FUNCTIONS,
    wiring="P1W2,P1W2,P1W2",
    range_digits="coarse",
)
WT1804E = replace(
    WT500,
    title="Yokogawa WT1804E",
    identity="YOKOGAWA,WT1804E-50A4,SIMULATED,F1.01",
    shares=(1.0, 0.0, 0.0, 0.0),
    voltage_ranges_v=WT1800_VOLTAGE_RANGES_V,
    current_ranges_a=(1.0, 2.0, 5.0, 10.0, 20.0, 50.0),
    rates_ms=WT1800_RATES_MS,
    first_rate_ms=500,
    crest_factors=("3", "6", "A6"),
    wiring="P1W2,P1W2,P1W2,P1W2",
    range_digits="fine",
)
WT5000 = replace(
    WT1804E,
    title="Yokogawa WT5000",
    identity="YOKOGAWA,WT5000,SIMULATED,F3.01",
    shares=(1.0, 0.0, 0.0),
    current_ranges_a=(*HIGH_RANGES_A, 30.0),
    rates_ms=(10, *WT1800_RATES_MS),
    wiring="P1W2,P1W2,P1W2",
)
