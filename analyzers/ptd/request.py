"""Commands of the PTDaemon protocol, read from their lines; every byte of them is hostile until here."""

import re
from collections.abc import Sequence

from analyzers.ptd.measure import Plan
from evidence.ptd_protocol import MAXIMUM_SAMPLES, WRONG_COUNT_REPLY

DEFAULT_INTERVAL_MS = 1000
"""What an interval of 0 stands for; source: the averaging interval that every published Identify reply names."""
SHORTEST_INTERVAL_MS = 100
"""Fastest update of the WT300 family (`:RATE 100MS`, IM WT310E-17EN)."""
LONGEST_INTERVAL_MS = 20_000
"""Slowest update of the WT310E (`:RATE 20S`)."""
LONGEST_MARK = 200
_WHOLE = re.compile(r"\d{1,9}")
_NUMBER = re.compile(r"(\d{1,9}(\.\d{0,20})?|\.\d{1,20})([eE][+-]?\d{1,2})?")


class RequestError(Exception):
    """A command cannot be carried out; the text is the reply to it."""


def _whole(words: Sequence[str], position: int, low: int, high: int, what: str) -> int:
    word = words[position - 1]
    if not (word.isascii() and _WHOLE.fullmatch(word) and low <= int(word) <= high):
        raise RequestError(f"Error in parameter {position}: expected {what} of {low} to {high}")
    return int(word)


def _interval_ms(words: Sequence[str], position: int) -> int:
    if words[position - 1] == "0":
        return DEFAULT_INTERVAL_MS
    return _whole(words, position, SHORTEST_INTERVAL_MS, LONGEST_INTERVAL_MS, "an interval in ms")


def parse_mark(words: Sequence[str], position: int) -> str:
    """Get the mark, which goes into files whose fields are parted by commas.

    Raises:
        RequestError: it is not short printable ASCII.
    """
    mark = words[position - 1]
    if not (mark.isascii() and mark.isprintable() and len(mark) <= LONGEST_MARK):
        raise RequestError(f"Error in parameter {position}: expected up to {LONGEST_MARK} printable characters")
    return mark


def parse_go(words: Sequence[str]) -> Plan:
    """Read what follows `Go`: interval in ms, ramp-up samples, mark (may be absent).

    Raises:
        RequestError: a parameter is absent or makes no sense.
    """
    if len(words) not in (2, 3):
        raise RequestError(WRONG_COUNT_REPLY)
    return Plan(
        interval_ms=_interval_ms(words, 1),
        rampup=_whole(words, 2, 0, MAXIMUM_SAMPLES, "a number of samples"),
        mark=parse_mark(words, 3) if len(words) == 3 else "",
    )


def parse_timed(words: Sequence[str]) -> Plan:
    """Read what follows `Timed`: samples, interval in ms, ramp-up samples.

    Raises:
        RequestError: a parameter is absent or makes no sense.
    """
    if len(words) != 3:
        raise RequestError(WRONG_COUNT_REPLY)
    return Plan(
        samples=_whole(words, 1, 1, MAXIMUM_SAMPLES, "a number of samples"),
        interval_ms=_interval_ms(words, 2),
        rampup=_whole(words, 3, 0, MAXIMUM_SAMPLES, "a number of samples"),
        timed=True,
    )


def parse_range(words: Sequence[str], channels: int) -> tuple[str, float | None, int]:
    """Read what follows `SR`.

    Returns:
        The quantity "V" or "A", the least full scale (None for automatic), and the channel (0 for all).

    Raises:
        RequestError: a parameter is absent or makes no sense.
    """
    if len(words) not in ((2, 3) if channels else (2,)):
        raise RequestError(WRONG_COUNT_REPLY)
    quantity, value = words[0].upper(), words[1]
    if quantity not in ("V", "A"):
        raise RequestError("Error in parameter 1: expected V or A")
    channel = parse_channel(words[2], 3, channels) if words[2:] and words[2] != "*" else 0
    if value.casefold() == "auto":
        return quantity, None, channel
    if not (value.isascii() and _NUMBER.fullmatch(value)):
        raise RequestError("Error in parameter 2: expected Auto or a number")
    return quantity, float(value), channel


def parse_channel(word: str, position: int, channels: int) -> int:
    """Read the number of a channel.

    Raises:
        RequestError: it is none of the instrument's.
    """
    if not (word.isascii() and _WHOLE.fullmatch(word)):
        raise RequestError(f"Invalid channel in parameter {position}: expected * or 1 to {channels}")
    if not 1 <= int(word) <= channels:
        raise RequestError(f"Channel number out of range in parameter {position}: expected 1 to {channels}")
    return int(word)


def parse_list(words: Sequence[str], channels: int) -> tuple[int | None, bool]:
    """Read what follows `RL`: how many samples (None for all unread), and whether of each channel.

    Args:
        words: the parameters.
        channels: of the instrument; 0 for a single channel, which has no second parameter.

    Raises:
        RequestError: there are too many parameters, or they make no sense.
    """
    if len(words) > (2 if channels else 1):
        raise RequestError(WRONG_COUNT_REPLY)
    count = None if not words or words[0] == "*" else _whole(words, 1, 1, MAXIMUM_SAMPLES, "a number of samples")
    return count, parse_each(words[1:], 2)


def parse_each(words: Sequence[str], position: int) -> bool:
    """Read a channel parameter, of which only `*` is known: whether each channel is asked for.

    Raises:
        RequestError: it is something else.
    """
    if words and words[0] != "*":
        raise RequestError(f"Invalid channel in parameter {position}: expected *")
    return bool(words)
