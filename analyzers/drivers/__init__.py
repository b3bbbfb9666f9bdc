"""The drivers, by PTDaemon's device type: a new family is one file here and one line in `KNOWN`."""

import importlib

from analyzers.driver import Driver
from metrology.errors import ConfigError

KNOWN: dict[int, str] = {
    0: "analyzers.drivers.dummy:Dummy",
    8: "analyzers.drivers.wt210:WT210",
    35: "analyzers.drivers.wt500:WT500",
    47: "analyzers.drivers.wt1800:WT1800",
    48: "analyzers.drivers.wt500:WT500Multichannel",
    49: "analyzers.drivers.wt310:WT310",
    52: "analyzers.drivers.wt310:WT330",
    57: "analyzers.drivers.hioki:PW3335",
    58: "analyzers.drivers.hioki_pw3336:PW3336",
    59: "analyzers.drivers.hioki_pw3336:PW3336Multichannel",
    60: "analyzers.drivers.hioki_pw3336:PW3337",
    61: "analyzers.drivers.hioki_pw3336:PW3337Multichannel",
    66: "analyzers.drivers.wt5000:WT5000",
    77: "analyzers.drivers.wt310:WT330Multichannel",
    500: "analyzers.drivers.dummy:DummyDC",
    508: "analyzers.drivers.wt210:WT210DC",
    535: "analyzers.drivers.wt500:WT500DC",
    549: "analyzers.drivers.wt310:WT310DC",
    557: "analyzers.drivers.hioki:PW3335DC",
    566: "analyzers.drivers.wt5000:WT5000DC",
    586: "analyzers.drivers.wt310:WT330DC",
    9000: "analyzers.drivers.lmg:LMG600",
    9001: "analyzers.drivers.lmg:LMG600Multichannel",
    9010: "analyzers.drivers.gpm:GPM8213",
    9011: "analyzers.drivers.gpm:GPM8310",
    9012: "analyzers.drivers.gpm:GPM8310DC",
}
"""Where the driver of each device type is; imported when it is asked for: no driver needs another's libraries."""


DC_TYPES = {0: 500, 8: 508, 35: 535, 49: 549, 52: 586, 57: 557, 66: 566}
"""The device type that measures direct current with the instrument of another, which `-D` means."""


THREE_PHASE = {36: 48, 53: 77, 62: 61}
"""PTDaemon's three-phase types, which are not read: what voltage, current, power factor and uncertainty it tells of
three phases together is not public. Each with the type that reads the same instrument's channels and their sum."""


def driver_for(device_type: int, *, dc: bool = False) -> Driver:
    """Get a driver, not yet connected, for one of PTDaemon's device types, or for the type that is its DC one.

    Raises:
        ConfigError: no driver is known for the number, or none for DC.
    """
    if dc and device_type not in DC_TYPES.values():
        if DC_TYPES.get(device_type) not in KNOWN:
            raise ConfigError(f"device type {device_type} cannot measure DC here", "leave -D out to measure AC")
        device_type = DC_TYPES[device_type]
    if device_type in THREE_PHASE:
        raise ConfigError(
            f"device type {device_type} takes three phases for one channel, and is not read: what PTDaemon tells of "
            "them is not public",
            f"with four wires, take type {THREE_PHASE[device_type]} with -c 1,3: each channel is a phase against "
            "neutral, and the sum of their watts that of all three",
        )
    if device_type not in KNOWN:
        known = ", ".join(f"{number} ({path.rpartition(':')[2]})" for number, path in sorted(KNOWN.items()))
        raise ConfigError(f"there is no driver for device type {device_type}", f"the device types known are {known}")
    module, _, name = KNOWN[device_type].partition(":")
    driver: Driver = getattr(importlib.import_module(module), name)()
    return driver
