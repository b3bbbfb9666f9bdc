"""Yokogawa WT500: one element, or several and their sum.

Sources: PTDaemon's logs (identity, synchronization, filters, items, values), IM 760201-01E (ranges, accuracy).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from analyzers.driver import MANUAL, PUBLISHED_LOGS, Family
from analyzers.drivers.yokogawa import Yokogawa
from analyzers.drivers.yokogawa_model import Model
from analyzers.drivers.yokogawa_values import item_messages
from metrology import accuracy, datasheet
from metrology.uncertainty import Accuracy

VOLTAGE_RANGES_V = (15.0, 30.0, 60.0, 100.0, 150.0, 300.0, 600.0, 1000.0)
CURRENT_RANGES_A = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0)
"""Full scales at crest factor 3; source: specifications of the WT500."""
RATES_MS = (100, 200, 500, 1000, 2000, 5000)
"""Update periods; from memory of IM 760201-01E."""
INTERFACES = ("usbtmc", "gpib", "vxi11")
IDN = r"YOKOGAWA,76020[1-3],.*"


class Elements(Yokogawa):
    """A meter whose elements have ranges, filters and synchronization each for itself: WT500 and its successors."""

    idle_rate_ms = 200
    place = ":ELEM{}"

    def setup(self, elements: Sequence[int]) -> list[str]:
        """Get the messages that set it up."""
        functions = ("UDC", "IDC") if self.family.dc else ("URMS", "IRMS")
        return [
            ":MEAS:AVER OFF;:MEAS:MHOL OFF",
            *(f":SYNC:ELEM{element} {self.source(element)};:FILT:LINE:ELEM{element} OFF" for element in elements),
            *item_messages(elements, (*functions, "P", "LAMB", "FU")),
        ]

    def source(self, element: int) -> str:
        """Get what an element's update period follows: whole cycles of its current, or nothing for DC."""
        return "NONE" if self.family.dc else f"I{element}"

    def peak_mask(self, element: int) -> int:
        """Get the bit POV of the condition register, which does not tell of which element.

        Sources: IM WT3001E-17EN p. 7-7, IM 760101-11E p. 6-5 (WT1600); not verified with the models here.
        """
        return 1 << 15


def counted(digit: str) -> tuple[int, ...]:
    """Get the elements from 1 on of a model whose name says how many it has."""
    return tuple(range(1, int(digit) + 1))


class WT500(Elements):
    """Driver of PTDaemon's device type 35."""

    family: Family = Family(
        35,
        "Yokogawa WT500",
        IDN,
        "IM 760201-01E, published PTDaemon logs",
        interfaces=INTERFACES,
        binary=True,
        channels=3,
        verified=PUBLISHED_LOGS,
    )
    name: ClassVar[str] = "YokogawaWT500"

    def recognise(self, model: str) -> Model:
        """Tell what a model is; the last digit of its code is the number of its elements."""
        return Model(
            self.name,
            VOLTAGE_RANGES_V,
            CURRENT_RANGES_A,
            self.accuracy(),
            elements=counted(model[-1]),
            rates_ms=RATES_MS,
        )

    def accuracy(self) -> Accuracy:
        """Get PTDaemon's own terms of one channel, as recovered from 9 of 9 sessions and 781 warnings of type 48."""
        return accuracy.WT210


class WT500Multichannel(WT500):
    """Driver of PTDaemon's device type 48: several elements and their sum."""

    family: Family = replace(WT500.family, device_type=48, title="Yokogawa WT500:MULTICHANNEL", multichannel=True)
    name: ClassVar[str] = "YokogawaWT500_multichannel"


class WT500DC(WT500):
    """Driver of PTDaemon's device type 535: a WT500 of which one element measures direct current."""

    family: Family = replace(WT500.family, device_type=535, title="Yokogawa WT500 DC", dc=True, verified=MANUAL)
    name: ClassVar[str] = "YokogawaWT500_DC"

    def accuracy(self) -> Accuracy:
        """Get the data sheet's terms: PTDaemon's for DC are not known."""
        return datasheet.WT500_DC.accuracy
