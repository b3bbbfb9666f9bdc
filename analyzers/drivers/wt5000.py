"""Yokogawa WT5000, of which one element is read: an input element 760901 for 30 A.

Not verified with an instrument: identity, ranges and accuracy are from memory of the data sheet, commands are those
of the WT1800 (IM WT5000-17EN describes the same language). PTDaemon's terms are not known. The analyzer does not tell
which input elements it has: for a 760902 change `CURRENT_RANGES_A`.
"""

from dataclasses import replace

from analyzers.driver import Family
from analyzers.drivers.wt500 import Elements
from analyzers.drivers.yokogawa_model import Model
from metrology import datasheet

VOLTAGE_RANGES_V = (1.5, 3.0, 6.0, 10.0, 15.0, 30.0, 60.0, 100.0, 150.0, 300.0, 600.0, 1000.0)
CURRENT_RANGES_A = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""Full scales at crest factor 3."""
RATES_MS = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
"""Update periods; 10 and 50 ms are left out."""
ELEMENTS = (1, 2, 3, 4, 5, 6, 7)


class WT5000(Elements):
    """Driver of PTDaemon's device type 66."""

    family: Family = Family(
        66,
        "Yokogawa WT5000",
        r"YOKOGAWA,WT5000[^,]*,.*",
        "IM WT5000-17EN, data sheet",
        interfaces=("usbtmc", "gpib", "vxi11"),
        binary=True,
        channels=len(ELEMENTS),
        verified="unverified: written from memory of the data sheet, with the commands of the WT1800",
    )

    def recognise(self, model: str) -> Model:
        """Tell what it is."""
        return Model(
            "YokogawaWT5000_DC" if self.family.dc else "YokogawaWT5000",
            VOLTAGE_RANGES_V,
            CURRENT_RANGES_A,
            (datasheet.WT5000_DC if self.family.dc else datasheet.WT5000).accuracy,
            elements=ELEMENTS,
            rates_ms=RATES_MS,
        )


class WT5000DC(WT5000):
    """Driver of PTDaemon's device type 566: a WT5000 of which one element measures direct current."""

    family: Family = replace(WT5000.family, device_type=566, title="Yokogawa WT5000 DC", dc=True)
