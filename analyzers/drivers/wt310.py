"""Yokogawa WT310, WT310E, WT310EH, WT332, WT333 and their E models: one element, or all of them and their sum.

The dialogue is PTDaemon's own where its logs show it; see `metrology.uncertainty` for where the accuracy comes from.
All elements of a WT330 share one voltage range and one current range. How the elements are wired is left as it is.
A WT332 has no element 2 (IM WT310E-01EN p. 2-12, on its settings): its second channel is element 3.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from analyzers.driver import MANUAL, PUBLISHED_LOGS, Family
from analyzers.drivers.yokogawa import Yokogawa
from analyzers.drivers.yokogawa_model import RATES_MS, Model
from analyzers.drivers.yokogawa_values import item_messages
from metrology import accuracy, datasheet
from metrology.uncertainty import Accuracy

VOLTAGE_RANGES_V = (15.0, 30.0, 60.0, 150.0, 300.0, 600.0)
CURRENT_RANGES_A = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
HIGH_CURRENT_RANGES_A = (1.0, 2.0, 5.0, 10.0, 20.0, 40.0)
WT330_CURRENT_RANGES_A = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Full scales at crest factor 3. Sources: data sheets, yoko-tool's choices."""
ELEMENTS = {"WT332": (1, 3), "WT333": (1, 2, 3)}
ENHANCED_RATES_MS = (*RATES_MS, 10_000, 20_000)
INTERFACES = ("serial", "usbtmc", "gpib", "vxi11")
"""Sources: IM WT310E-17EN; PTDaemon read both `/dev/usbtmc` and RS-232 in published logs."""
MANUALS = "IM WT310E-17EN, IM WT310E-02EN, published PTDaemon logs"


class WT310(Yokogawa):
    """Driver of PTDaemon's device type 49."""

    family: Family = Family(
        49,
        "Yokogawa WT310",
        r"YOKOGAWA,WT310(E|EH|HC)?,.*",
        MANUALS,
        interfaces=INTERFACES,
        binary=True,
        verified=PUBLISHED_LOGS,
    )
    names: ClassVar[tuple[str, str]] = ("YokogawaWT310", "YokogawaWT310E")
    frequency: ClassVar[bool] = True

    def recognise(self, model: str) -> Model:
        """Tell what a model is; the last digit of a WT330's name is the number of its elements."""
        enhanced = model.endswith(("E", "EH"))
        return Model(
            name=self.names[enhanced],
            voltage_ranges_v=VOLTAGE_RANGES_V,
            current_ranges_a=current_ranges(model),
            accuracy=self.accuracy(model, enhanced=enhanced),
            elements=ELEMENTS.get(model[:5], (1,)),
            rates_ms=ENHANCED_RATES_MS if enhanced else RATES_MS,
            frequency=self.frequency,
        )

    def accuracy(self, model: str, *, enhanced: bool) -> Accuracy:
        """Get PTDaemon's own terms, as recovered from its warnings: 162,558 of an E model, 589 of another."""
        return accuracy.WT310E if enhanced else accuracy.WT310

    def setup(self, elements: Sequence[int]) -> list[str]:
        """Get the messages that set it up."""
        mode, source = ("DC", "OFF") if self.family.dc else ("RMS", "CURR")
        return [
            f":MEAS:AVER OFF;:MEAS:MHOL OFF;:INP:MODE {mode};:SYNC {source};:FILT:LINE OFF",
            *item_messages(elements, ("U", "I", "P", "LAMB", "FU")),
        ]

    def peak_mask(self, element: int) -> int:
        """Get the bits POV and POA of an element in the condition register (IM WT310E-17EN p. 7-5)."""
        return 0b11 << (4 + 3 * element)


class WT330(WT310):
    """Driver of PTDaemon's device type 52: a WT332, WT333 or its E model, of which one element is read."""

    family: Family = Family(
        52,
        "Yokogawa WT330",
        r"YOKOGAWA,WT33[23]E?,.*",
        MANUALS,
        interfaces=INTERFACES,
        binary=True,
        channels=3,
        verified=PUBLISHED_LOGS,
    )
    names: ClassVar[tuple[str, str]] = ("YokogawaWT330", "YokogawaWT330E")
    frequency: ClassVar[bool] = False


class WT330Multichannel(WT330):
    """Driver of PTDaemon's device type 77: several elements and their sum."""

    family: Family = replace(WT330.family, device_type=77, title="Yokogawa WT330:MULTICHANNEL", multichannel=True)
    names: ClassVar[tuple[str, str]] = ("YokogawaWT330_multichannel", "YokogawaWT330_multichannel")

    def accuracy(self, model: str, *, enhanced: bool) -> Accuracy:
        """Get the terms of PTDaemon 1.10, equal in 20 of 20 published sessions of E models; no self-heating."""
        return accuracy.WT330E if enhanced else accuracy.WT330


class WT310DC(WT310):
    """Driver of PTDaemon's device type 549: a WT310 that measures direct current."""

    family: Family = replace(WT310.family, device_type=549, title="Yokogawa WT310 DC", dc=True, verified=MANUAL)
    names: ClassVar[tuple[str, str]] = ("YokogawaWT310_DC", "YokogawaWT310_DC")

    def accuracy(self, model: str, *, enhanced: bool) -> Accuracy:
        """Get the data sheet's terms: PTDaemon's for DC are not known."""
        return (datasheet.WT310EH_DC if model.endswith(("EH", "HC")) else datasheet.WT310_DC).accuracy


class WT330DC(WT310DC):
    """Driver of PTDaemon's device type 586: a WT330 of which one element measures direct current."""

    family: Family = replace(WT330.family, device_type=586, title="Yokogawa WT330 DC", dc=True, verified=MANUAL)
    names: ClassVar[tuple[str, str]] = ("YokogawaWT330_DC", "YokogawaWT330_DC")
    frequency: ClassVar[bool] = False


def current_ranges(model: str) -> tuple[float, ...]:
    """Get the current ranges at crest factor 3 of a model of the family."""
    if model.startswith("WT33"):
        return WT330_CURRENT_RANGES_A
    return HIGH_CURRENT_RANGES_A if model.endswith(("EH", "HC")) else CURRENT_RANGES_A
