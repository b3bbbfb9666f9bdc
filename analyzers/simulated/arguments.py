"""Arguments of commands, read as what they should be; what they should not be is a `CommandError`."""

import re
from collections.abc import Sequence

from analyzers.simulated.language import Call, short_form
from analyzers.simulated.status import CommandError

_NUMBER = re.compile(r"([+-]?\d{0,9}\.?\d{0,9}(?:E[+-]?\d{1,2})?)(M|U|K)?(V|A|S)?")
_MULTIPLIERS = {"": 1.0, "M": 1e-3, "U": 1e-6, "K": 1e3}


def boolean(call: Call) -> bool:
    """Read the only argument as ON, OFF, 1 or 0."""
    text = call.only()
    if text in ("ON", "OFF"):
        return text == "ON"
    return bool(integer(text, 0, 1))


def integer(text: str, lowest: int, highest: int) -> int:
    """Read a whole number within limits."""
    if not re.fullmatch(r"\d{1,9}", text):
        raise CommandError(224)
    if not lowest <= int(text) <= highest:
        raise CommandError(222)
    return int(text)


def quantity(text: str, unit: str) -> float:
    """Read `0.5`, `5.0E-01`, `500MA` or `0.5A` as a number in `unit`."""
    match = _NUMBER.fullmatch(text)
    if match is None or match[3] not in (None, unit):
        raise CommandError(224)
    try:
        return float(match[1]) * _MULTIPLIERS[match[2] or ""]
    except ValueError:
        raise CommandError(224) from None


def word(text: str, options: Sequence[str]) -> str:
    """Find the word meant among `options`, each written in full with its short form in capitals."""
    for option in options:
        if text in (option.upper(), short_form(option)):
            return option
    raise CommandError(224)
