"""Yokogawa WT1800 and WT1800E, of which one element is read.

Not verified with an instrument. Sources: IM WT1801-17EN (commands, as public programs use them), a public
specification of the WT1800's accuracy. From memory: ranges, accuracy of the WT1800E, influence of the power factor.
PTDaemon's terms are not known. The identity names the inputs, `WT1806E-5A3-50A3` in a program of Yokogawa's: three
for 5 A, three for 50 A; an analyzer with both kinds gets the ranges that both have, as which is which is not told.
"""

import re

from analyzers.driver import Family
from analyzers.drivers.wt500 import Elements, counted
from analyzers.drivers.yokogawa_model import Model
from metrology import datasheet

VOLTAGE_RANGES_V = (1.5, 3.0, 6.0, 10.0, 15.0, 30.0, 60.0, 100.0, 150.0, 300.0, 600.0, 1000.0)
CURRENT_RANGES_A = {
    "5": (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
    "50": (1.0, 2.0, 5.0, 10.0, 20.0, 50.0),
}
"""Full scales at crest factor 3 of an input for 5 A and for 50 A."""
RATES_MS = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
"""Update periods; 50 ms is left out."""


class WT1800(Elements):
    """Driver of PTDaemon's device type 47."""

    family: Family = Family(
        47,
        "Yokogawa WT1800",
        r"YOKOGAWA,WT180[1-6]E?(-[0-9A-Z-]*)?,.*",
        "IM WT1801-17EN, public programs",
        interfaces=("usbtmc", "gpib", "vxi11"),
        binary=True,
        channels=6,
        verified="unverified: written after public programs and from memory of the manual",
    )

    def recognise(self, model: str) -> Model:
        """Tell what a model is; the last digit of its name is the number of its elements."""
        return Model(
            "YokogawaWT1800",
            VOLTAGE_RANGES_V,
            current_ranges(model),
            (datasheet.WT1800E if model[6:7] == "E" else datasheet.WT1800).accuracy,
            elements=counted(model[5]),
            rates_ms=RATES_MS,
        )


def current_ranges(model: str) -> tuple[float, ...]:
    """Get the current ranges that all inputs of a model have; inputs for 50 A where it does not tell."""
    inputs = [CURRENT_RANGES_A[amperes] for amperes in re.findall(r"-(5|50)A[1-6]", model)]
    first, *others = inputs or [CURRENT_RANGES_A["50"]]
    return tuple(full_scale for full_scale in first if all(full_scale in other for other in others))
