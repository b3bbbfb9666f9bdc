"""GW Instek GPM-8213 and GPM-8310, whose commands are those of Yokogawa's WT310 with other words here and there.

Source: user manual of the GPM-8310 (interfaces and line ends p. 137 on, forms of commands p. 146, accuracy p. 232 on,
status byte p. 242), the public drivers GPMLink and that of powercalc, and published answers of a GPM-8213:
`GWInstek,GPM-8213,GES913349,V1.05`. PTDaemon has no number for these meters, so that ours are used.

Not verified with an instrument: that `:COMM:WAIT` waits for the end of an update as a WT310's does, the bits of the
condition register (taken from the WT310, whose register the manual copies), current ranges, and for the GPM-8213 all
of its accuracy, which is from memory.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from analyzers.driver import Family
from analyzers.drivers.wt310 import CURRENT_RANGES_A, ENHANCED_RATES_MS, VOLTAGE_RANGES_V
from analyzers.drivers.yokogawa import Yokogawa
from analyzers.drivers.yokogawa_model import RATES_MS, Model
from metrology import datasheet

ITEMS = ":NUM:NORM:ITEM1 U;ITEM2 I;ITEM3 P;ITEM4 LAMBDA;ITEM5 FU"
"""Without the number of an element, which there is but one of; source: GPMLink."""


class GPM8310(Yokogawa):
    """Driver of our device type 9011."""

    family: Family = Family(
        9011,
        "GW Instek GPM-8310",
        r"(?i:GW-?INSTEK),GPM-?8310,.*",
        "user manual of the GPM-8310, GPMLink",
        interfaces=("serial", "usbtmc", "gpib", "socket"),
        socket_port=23,
        verified="unverified: manual of the GPM-8310, public drivers",
    )
    model: ClassVar[Model] = Model(
        name="GWInstekGPM8310",
        voltage_ranges_v=VOLTAGE_RANGES_V,
        current_ranges_a=CURRENT_RANGES_A,
        accuracy=datasheet.GPM8310.accuracy,
        rates_ms=ENHANCED_RATES_MS,
    )
    modes: ClassVar[str] = ":MEAS:AVER OFF;:MEAS:MHOL OFF;:INP:MODE ACDC;:SYNC CURR;:FILT:LINE OFF"

    def recognise(self, model: str) -> Model:
        """Tell what a model is."""
        return self.model

    def setup(self, elements: Sequence[int]) -> list[str]:
        """Get the messages that set it up."""
        return [self.modes, ":NUM:FORM ASC;:NUM:NORM:NUM 5", ITEMS]

    def peak_mask(self, element: int) -> int:
        """Get the bits POV1 and POA1 of the condition register."""
        return 0b11 << 7


class GPM8310DC(GPM8310):
    """Driver of our device type 9012: a GPM-8310 that measures direct current."""

    family: Family = replace(GPM8310.family, device_type=9012, title="GW Instek DC GPM-8310", dc=True)
    model: ClassVar[Model] = replace(GPM8310.model, name="GWInstekGPM8310_DC", accuracy=datasheet.GPM8310_DC.accuracy)
    modes: ClassVar[str] = ":MEAS:AVER OFF;:MEAS:MHOL OFF;:INP:MODE DC;:SYNC OFF;:FILT:LINE OFF"


class GPM8213(GPM8310):
    """Driver of our device type 9010; a message less is sent for what is not known of it."""

    family: Family = replace(
        GPM8310.family,
        device_type=9010,
        title="GW Instek GPM-8213",
        idn=r"(?i:GW-?INSTEK),GPM-?8213,.*",
        source="published answers of a GPM-8213, powercalc",
    )
    model: ClassVar[Model] = replace(
        GPM8310.model, name="GWInstekGPM8213", accuracy=datasheet.GPM8213.accuracy, rates_ms=RATES_MS
    )
    modes: ClassVar[str] = ":MEAS:AVER OFF;:INP:MODE ACDC"
