"""What analyzers can be read here, and how far each was tried; the drivers themselves declare it."""

import re
from dataclasses import dataclass

from analyzers.driver import Family
from analyzers.drivers import KNOWN, THREE_PHASE, driver_for

UNTRIED = {
    "usbtmc": "no machine of ours had an instrument on USB",
    "gpib": "no machine of ours had a GPIB board",
}
"""Interfaces whose transport was never tried with an instrument (`analyzers.transport.usbtmc`, `.visa`)."""
NOT_READ = {
    ", ".join(
        map(str, THREE_PHASE)
    ): "three phases as one channel: what PTDaemon tells of them is not public; with four "
    f"wires types {', '.join(map(str, THREE_PHASE.values()))} read each phase and their sum",
    "LMG600 DC": "its accuracy for direct current, and what ends a cycle without a period, are not public",
}
"""What a lab may look for and does not find, and why."""
ANY = Family(
    -1,
    "power analyzer",
    ".*",
    "IEEE 488.2",
    interfaces=("serial", "usbtmc", "gpib", "vxi11", "socket"),
    verified="unverified: not known yet",
)
"""Whatever answers `*IDN?`."""
OURS = 9000
"""From here on device types are ours; PTDaemon knows none of them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A device type.

    Attributes:
        family: what its driver declares.
        untried: its interfaces that nobody has tried with an instrument.
    """

    family: Family
    untried: tuple[str, ...]

    @property
    def is_verified(self) -> bool:
        """Tell whether the dialogue was seen in logs of real sessions or is written after the maker's manual."""
        return not self.family.verified.startswith("unverified")


def catalogue() -> list[Entry]:
    """Get all device types, ascending."""
    families = [driver_for(number).family for number in sorted(KNOWN)]
    return [Entry(family, tuple(filter(UNTRIED.__contains__, family.interfaces))) for family in families]


def suiting(idn: str) -> list[Family]:
    """Get the families whose driver reads the instrument with an identity, ascending by device type."""
    return [entry.family for entry in catalogue() if re.fullmatch(entry.family.idn, idn)]


def best_of(families: list[Family], *, dc: bool = False, several: bool = False) -> Family | None:
    """Get the family to read an instrument with: of AC or DC, one channel or several; None where there is none."""
    fitting = [family for family in families if (family.dc, family.multichannel) == (dc, several)]
    return fitting[0] if fitting else None
