"""`-c`: which channels of an instrument are read, as each device type means it."""

import re

from analyzers.driver import Family, Wanted
from analyzers.ptd.report import printable
from metrology.errors import ConfigError


def wanted(channels: str | None, family: Family) -> Wanted:
    """Read `-c` as the device type means it.

    Raises:
        ConfigError: it is no channel, or none that the family has.
    """
    match = re.fullmatch(r"([0-9]{1,2})(?:,([0-9]{1,2}))?", channels or ("1" if not family.multichannel else ""))
    if match is None:
        got = "no -c" if channels is None else f"-c {printable(channels)}"
        raise ConfigError(f"got {got}, expected {_channels_meant(family)}")
    if family.multichannel and match[2] is None:
        first, count = 1, int(match[1])
    else:
        first, count = int(match[1]), int(match[2] or 1)
    if first < 1 or count < 1 or (count > 1 and not family.multichannel) or first + count - 1 > family.channels:
        raise ConfigError(f"got -c {channels}, expected {_channels_meant(family)}")
    return Wanted(tuple(range(first, first + count)), family.dc)


def _channels_meant(family: Family) -> str:
    if family.multichannel:
        return f"first channel and count, or count, of the {family.channels} channels that a {family.title} has"
    return f"the channel of the {family.title} to read, 1 to {family.channels}"
