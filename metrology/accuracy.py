"""Accuracy terms of analyzers, by the name of the driver that reads them.

The terms are those that PTDaemon itself uses. They were recovered from published sessions: the percentages of 166,000
warnings and the replies to `Uncertainty` of 38 sessions follow from them to the last digit. For the E models PTDaemon
takes 0.2 % of the reactive power, where the data sheet has 0.1 %.
"""

from metrology.uncertainty import Accuracy

WT310 = Accuracy(0.001, 0.001, 0.002, self_heating_voltage=1e-9, self_heating_current=1.3e-6)
"""WT310 and WT330 with one channel: 589 of 589 warnings."""
WT310E = Accuracy(0.001, 0.0005, 0.002, self_heating_voltage=1e-9, self_heating_current=1.3e-6)
"""WT310E and WT330E with one channel: 162,558 of 162,558 warnings."""
WT330 = Accuracy(0.001, 0.001, 0.002)
"""Each channel of a WT332 or WT333, after the E model; no session of one is published."""
WT330E = Accuracy(0.001, 0.0005, 0.002)
"""Each channel of a WT332E or WT333E by PTDaemon 1.10 and later: 20 of 20 sessions."""
WT210 = Accuracy(0.0015, 0.001, 0.002, per_active=True)
"""WT210, each channel of a WT500, and those of a WT333E by PTDaemon 1.9: 3,425 of 3,425 warnings, 18 sessions.

A WT500 of which one channel is read is taken to be judged as each of several; no session of one is published."""

_BY_DRIVER = {
    "YokogawaWT210": WT210,
    "YokogawaWT310": WT310,
    "YokogawaWT310E": WT310E,
    "YokogawaWT330": WT310,
    "YokogawaWT330E": WT310E,
    "YokogawaWT500": WT210,
    "YokogawaWT500_multichannel": WT210,
}
_WT330_MULTICHANNEL = "YokogawaWT330_multichannel"


def accuracy_of(driver: str, version: str, model: str) -> Accuracy | None:
    """Get the terms by which a daemon judges an analyzer; None where they are not known.

    Args:
        driver: the first field of the reply to `Identify`.
        version: the daemon's version, `1.9.2-...` or `wattrig_...`.
        model: the analyzer's own name of its model, as `WT333E`.
    """
    if driver == _WT330_MULTICHANNEL:
        if version.startswith("1.9."):
            return WT210
        return WT330E if model.endswith("E") else WT330
    return _BY_DRIVER.get(driver)
