"""Accuracy terms of analyzers by their makers' data sheets, by the name of the driver that reads them.

All hold at 45 to 66 Hz or for direct current, at 18 to 28 degrees Celsius, with the line filter off and the display
renewed every 200 ms or slower, a year after calibration: where a maker states three or six months, his own factor for
a year is in. Each has its source; what was not found in public is named in `unverified`, and a lab that knows better
gives its own terms (`wattrig-ptd --accuracy`, `accuracy` in station.toml).

PTDaemon judges the E models by 0.2 % of the reactive power where the data sheet has 0.1 %: there `metrology.accuracy`
and this file differ.
"""

from typing import NamedTuple

from metrology.uncertainty import Accuracy

SELF_HEATING = (1e-9, 1.3e-6)
"""Per square volt and square ampere. Sources: IM WT310E-02EN p. 7-7, IM 760201-01E p. 14-8."""


class Sheet(NamedTuple):
    """What a data sheet says of active power.

    Attributes:
        accuracy: its terms.
        source: where they stand.
        unverified: which of them are from memory or were left out; empty where none is.
    """

    accuracy: Accuracy
    source: str
    unverified: str = ""


WT210 = Sheet(Accuracy(0.0015, 0.001, 0.002, per_active=True), "IM 760401-01E p. 16-4")
WT210_DC = Sheet(Accuracy(0.0045, 0.002, 0.0), "IM 760401-01E p. 16-4", "10 uA times the voltage is left out")
WT310 = Sheet(Accuracy(0.001, 0.001, 0.002, *SELF_HEATING), "IM WT310-02EN p. 7-7 and 7-8")
WT310E = Sheet(Accuracy(0.001, 0.0005, 0.001, *SELF_HEATING), "IM WT310E-02EN p. 7-7 and 7-8")
WT310_DC = Sheet(Accuracy(0.001, 0.002, 0.0, *SELF_HEATING), "IM WT310E-02EN p. 7-7", "drift of the zero is left out")
WT310EH_DC = WT310_DC._replace(accuracy=Accuracy(0.003, 0.002, 0.0, *SELF_HEATING))
WT500 = Sheet(
    Accuracy(0.0015, 0.001, 0.002, *SELF_HEATING, per_active=True),
    "IM 760201-01E p. 14-8 and 14-9",
    "influence of the power factor as PTDaemon has it",
)
WT500_DC = Sheet(
    Accuracy(0.0015, 0.001, 0.0, *SELF_HEATING),
    "IM 760201-01E p. 14-8",
    "the zero of the current input, 0.5 mA, is left out",
)
WT1800 = Sheet(
    Accuracy(0.0015, 0.0005, 0.001),
    "specifications of the WT1800, IM WT1801-03EN",
    "factor for a year from memory, self-heating is left out",
)
WT1800E = Sheet(Accuracy(0.0005, 0.0005, 0.0007), "data sheet of the WT1800E", "all from memory")
WT5000 = Sheet(Accuracy(0.00015, 0.0002, 0.0002), "data sheet of the WT5000 with 760901", "all from memory")
WT5000_DC = Sheet(Accuracy(0.0003, 0.0005, 0.0), "data sheet of the WT5000 with 760901", "all from memory")
PW3336 = Sheet(
    Accuracy(0.001, 0.0005, 0.001, per_active=True, upper_reading=0.0015),
    "catalogue of the PW3336, p. 8",
    "influence of the power factor, 0.0573 degrees between the inputs, from memory",
)
PW3335 = PW3336._replace(unverified="taken to be that of the PW3336")
PW3335_DC = Sheet(
    Accuracy(0.001, 0.001, 0.0, per_active=True, upper_reading=0.002),
    "catalogue of the PW3336, p. 8",
    "taken to be that of the PW3336",
)
LMG600 = Sheet(
    Accuracy(0.00015, 0.0012, 0.0005),
    "data sheet of the LMG600, channel type A1",
    # 0.01 % of the product of the peak ranges, which for the worst pair, 1000 V and 32 A, is 12 times that of the
    # ranges' names.
    "all from memory; influence of the power factor, 0.05 % of apparent power, is a cautious guess",
)
GPM8310 = Sheet(Accuracy(0.001, 0.0005, 0.001), "user manual of the GPM-8310, p. 232 and 233")
GPM8310_DC = Sheet(Accuracy(0.001, 0.002, 0.0), "user manual of the GPM-8310, p. 232")
GPM8213 = Sheet(Accuracy(0.001, 0.001, 0.002), "data sheet of the GPM-8213", "all from memory")

_BY_DRIVER = {
    "YokogawaWT210": WT210,
    "YokogawaWT210_DC": WT210_DC,
    "YokogawaWT310": WT310,
    "YokogawaWT310E": WT310E,
    "YokogawaWT310_DC": WT310_DC,
    "YokogawaWT330": WT310,
    "YokogawaWT330E": WT310E,
    "YokogawaWT330_DC": WT310_DC,
    "YokogawaWT500": WT500,
    "YokogawaWT500_multichannel": WT500,
    "YokogawaWT500_DC": WT500_DC,
    "YokogawaWT5000": WT5000,
    "YokogawaWT5000_DC": WT5000_DC,
    "HiokiPW3335": PW3335,
    "HiokiPW3335_DC": PW3335_DC,
    "HiokiPW3336": PW3336,
    "HiokiPW3336_multichannel": PW3336,
    "HiokiPW3337": PW3336,
    "HiokiPW3337_multichannel": PW3336,
    "GWInstekGPM8213": GPM8213,
    "GWInstekGPM8310": GPM8310,
    "GWInstekGPM8310_DC": GPM8310_DC,
}


def datasheet_of(driver: str, model: str) -> Sheet | None:
    """Get what the data sheet of an analyzer says; None where it is not known.

    Args:
        driver: the first field of the reply to `Identify`.
        model: the analyzer's own name of its model, as `WT333E`.
    """
    if driver == "YokogawaWT330_multichannel":
        return WT310E if model.endswith("E") else WT310
    if driver == "YokogawaWT310_DC" and model.endswith(("EH", "HC")):
        return WT310EH_DC
    if driver == "YokogawaWT1800":
        return WT1800E if model[6:7] == "E" else WT1800
    if driver.removesuffix("_multichannel").startswith("LMG6"):
        return LMG600
    return _BY_DRIVER.get(driver)
