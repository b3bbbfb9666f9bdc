"""Yokogawa WT210 and WT230, of which one element is read.

The meter must be switched to its IEEE 488.2 commands on the front panel; its identity is its model code, 760401 for
the WT210, 760502 and 760503 for the WT230 with two and three elements. Sources: IM 760401-01E (data p. 14-8 and
14-32, accuracy p. 16-4), PTDaemon's logs, yoko-tool, public programs for both models. Not verified with an
instrument: that the condition register of a WT230 has the bits of its elements where the WT330 has them.
"""

from collections.abc import Sequence
from dataclasses import replace

from analyzers.driver import MANUAL, PUBLISHED_LOGS, Family
from analyzers.drivers.yokogawa import Yokogawa
from analyzers.drivers.yokogawa_model import Model
from metrology import accuracy, datasheet
from metrology.uncertainty import Accuracy

VOLTAGE_RANGES_V = (15.0, 30.0, 60.0, 150.0, 300.0, 600.0)
WT230_CURRENT_RANGES_A = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
CURRENT_RANGES_A = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, *WT230_CURRENT_RANGES_A)
"""Full scales at crest factor 3; source: yoko-tool's choices."""
ELEMENTS = {"760401": (1,), "760502": (1, 3), "760503": (1, 2, 3)}
"""The one with two has elements 1 and 3 (IM 760401-01E p. 14-32)."""
ITEMS = ("V", "A", "W", "PF", "VHZ")
"""In the order in which the meter answers them, whatever the order of asking (IM 760401-01E p. 14-32)."""


class WT210(Yokogawa):
    """Driver of PTDaemon's device type 8."""

    family: Family = Family(
        8,
        "Yokogawa WT210",
        r"YOKOGAWA,760(401|502|503),.*",
        "IM 760401-01E, published PTDaemon logs",
        interfaces=("serial", "gpib"),
        channels=3,
        verified=PUBLISHED_LOGS,
    )
    rate = ":SAMP:RATE"
    values = ":MEAS:VAL?"

    def recognise(self, model: str) -> Model:
        """Tell what a model is, by its code."""
        return Model(
            name="YokogawaWT210_DC" if self.family.dc else "YokogawaWT210",
            voltage_ranges_v=VOLTAGE_RANGES_V,
            current_ranges_a=CURRENT_RANGES_A if model == "760401" else WT230_CURRENT_RANGES_A,
            accuracy=self.accuracy(),
            elements=ELEMENTS[model],
        )

    def accuracy(self) -> Accuracy:
        """Get PTDaemon's own terms, as recovered from its warnings: 1,686 of 1,686, and 9 of 9 sessions."""
        return accuracy.WT210

    def end_integration(self) -> None:
        """End an integration; the meter cannot be asked whether one runs, and refuses what is not needed."""
        for message in (":INTEG:STOP", ":INTEG:RES", "*CLS"):
            self._line.write(message)

    def setup(self, elements: Sequence[int]) -> list[str]:
        """Get the messages that set it up."""
        mode, source = ("DC", "OFF") if self.family.dc else ("RMS", "CURR")
        return [
            f":CONF:AVER:STAT OFF;:CONF:MHOL OFF;:CONF:MODE {mode};:CONF:SYNC {source};:CONF:LFIL OFF",
            ":SAMP:HOLD OFF",
            ":MEAS:NORM:ITEM:PRES CLE",
            *(f":MEAS:NORM:ITEM:{name}:ELEM{element} ON" for element in elements for name in ITEMS),
        ]

    def peak_mask(self, element: int) -> int:
        """Get the bits of voltage and current peaks of an element in the condition register (Yokogawa's FAQ)."""
        return 0b11 << (4 + 3 * element)


class WT210DC(WT210):
    """Driver of PTDaemon's device type 508: a WT210 that measures direct current."""

    family: Family = replace(WT210.family, device_type=508, title="Yokogawa WT210 DC", dc=True, verified=MANUAL)

    def accuracy(self) -> Accuracy:
        """Get the data sheet's terms: PTDaemon's for DC are not known."""
        return datasheet.WT210_DC.accuracy
