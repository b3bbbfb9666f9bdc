"""The ranges of an analyzer, as its daemon tells them line by line."""

import re
from collections.abc import Iterable
from typing import NamedTuple

_VALUE = r"set to (?:(?P<value>\d{1,6}\.\d{1,6})[AV]|Auto)"
_ONE_CHANNEL = r"range for channel (?P<channel>\d{1,2}), physical channel \d{1,2}, "
_VOLTS = re.compile(rf"(?:Volt range |Voltage {_ONE_CHANNEL}){_VALUE}")
_AMPS = re.compile(rf"Amp(?:ere)? (?:range |{_ONE_CHANNEL}){_VALUE}")


class Ranges(NamedTuple):
    """Ranges in force: by channel, or for all channels alike under the key 0; None where it is automatic."""

    volts: dict[int, float | None]
    amps: dict[int, float | None]

    def product_va(self, channel: int) -> float | None:
        """Get the range of a channel (counted from 1) in VA; None where it is unknown or automatic."""
        volts, amps = (found.get(channel, found.get(0)) for found in self)
        return None if volts is None or amps is None else volts * amps


def ranges_told(texts: Iterable[str]) -> Ranges:
    """Get the ranges in force after what a daemon told, line by line."""
    found = Ranges({}, {})
    for text in texts:
        for pattern, ranges in ((_VOLTS, found.volts), (_AMPS, found.amps)):
            if match := pattern.fullmatch(text):
                channel = int(match["channel"] or 0)
                if not channel:
                    ranges.clear()
                ranges[channel] = float(match["value"]) if match["value"] else None
    return found
