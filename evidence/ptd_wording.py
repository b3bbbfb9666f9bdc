"""What an error or a warning of PTDaemon says; wordings of 1.9.2 to 1.11.1, from 293 published logs."""

import re
from typing import NamedTuple

ERROR, WARNING = "ERROR", "WARNING"

_CHANNEL = r"(?:! channel (\d{1,3})|, (?:logical )?channel (\d{1,3})!|!)"
_UNKNOWN = re.compile(r"WARNING: Uncertainty unknown for the last measurement sample" + _CHANNEL)
_ABOVE = re.compile(
    r"WARNING: Uncertainty (\d{1,9}\.\d{1,6})%(?:, which is)? above \d+\.\d+% limit for the last "
    r"(?:measurement )?sample" + _CHANNEL
)


class Wording(NamedTuple):
    """One wording of an error or a warning.

    Attributes:
        text: from `ERROR:` or `WARNING:` on.
        is_error: an error; else a warning.
        unknown: it says that the uncertainty of a sample is unknown.
        percent: the uncertainty that it says to be above the limit, in percent of the reading; else None.
        channel: the channel it names: 0 for the sum or the only one; None where it names none.
    """

    text: str
    is_error: bool
    unknown: bool = False
    percent: float | None = None
    channel: int | None = None


def wording(text: str) -> Wording:
    """Tell what an error or a warning says; the text begins with either word, or else counts by what it holds."""
    is_error = text.startswith(ERROR) or (not text.startswith(WARNING) and ERROR in text)
    if match := _UNKNOWN.fullmatch(text):
        return Wording(text, is_error, unknown=True, channel=_channel(match[1] or match[2]))
    if match := _ABOVE.fullmatch(text):
        return Wording(text, is_error, percent=float(match[1]), channel=_channel(match[2] or match[3]))
    return Wording(text, is_error)


def _channel(digits: str | None) -> int | None:
    return int(digits) if digits else None
