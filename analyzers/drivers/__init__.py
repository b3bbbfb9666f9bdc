"""The drivers, by PTDaemon's device type: a new family is one file here and one line in `KNOWN`."""

import importlib

from analyzers.driver import Driver
from metrology.errors import ConfigError

KNOWN: dict[int, str] = {
    0: "analyzers.drivers.dummy:Dummy",
    49: "analyzers.drivers.wt310:WT310",
    52: "analyzers.drivers.wt310:WT330",
}
"""Where the driver of each device type is; imported when it is asked for: no driver needs another's libraries."""


def driver_for(device_type: int) -> Driver:
    """Get a driver, not yet connected, for one of PTDaemon's device types.

    Raises:
        ConfigError: no driver is known for the number.
    """
    if device_type not in KNOWN:
        known = ", ".join(f"{number} ({path.rpartition(':')[2]})" for number, path in sorted(KNOWN.items()))
        raise ConfigError(f"there is no driver for device type {device_type}", f"the device types known are {known}")
    module, _, name = KNOWN[device_type].partition(":")
    driver: Driver = getattr(importlib.import_module(module), name)()
    return driver
