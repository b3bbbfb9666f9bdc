"""The items that a Yokogawa meter is told to show, and what its answers about them mean."""

import struct
from collections.abc import Sequence

from analyzers.driver import Ranges
from metrology.ranges import Range
from metrology.reading import BAD_READING, Reading, Validity

LARGEST_VALUE = 9.9e37
"""From here on a number means error or no data, as 9.91E+37 does; source: published logs."""
ITEMS = 5
"""Values of each element in an answer: voltage, current, power, power factor, frequency, as PTDaemon reads them."""
FLOAT_BYTES = 4
"""A value in a block: IEEE 754, single precision, big-endian, as these meters start (`:NUM:FORM FLO`)."""


SWITCH = {"0": False, "1": True, "OFF": False, "ON": True}
"""How a switch is told: in numbers by Yokogawa's meters (published logs), in words by Hioki's (3332's manual)."""


def parse_floats(block: bytes) -> str:
    """Write a block of floats as an answer in text has them; raises `ValueError` where it is none."""
    if len(block) % FLOAT_BYTES:
        raise ValueError(f"got a block of {len(block)} bytes, expected {FLOAT_BYTES} for each value")
    return ",".join(f"{value:.9g}" for (value,) in struct.iter_unpack(">f", block))


def item_messages(elements: Sequence[int], functions: Sequence[str]) -> list[str]:
    """Get the messages that choose the items of `:NUM:NORM:VAL?`, all functions of one element after another."""
    count = len(functions)
    messages = [f":NUM:FORM ASC;:NUM:NORM:NUM {count * len(elements)}"]
    for place, element in enumerate(elements):
        items = (f"ITEM{place * count + at} {name},{element}" for at, name in enumerate(functions, 1))
        messages.append(f":NUM:NORM:{';'.join(items)}")
    return messages


def parse_full_scale(text: str) -> float:
    """Read a range; raises `ValueError` where it is none."""
    full_scale = float(text)
    if not 0 < full_scale < LARGEST_VALUE:
        raise ValueError(f"got {text[:40]!r}, expected a range")
    return full_scale


def parse_ranges(parts: Sequence[str]) -> Ranges:
    """Read the current range, whether it is automatic, and the same of the voltage.

    Raises:
        ValueError: they are something else; what is not known to be fixed must not pass for it.
    """
    current_a, current_auto, voltage_v, voltage_auto = parts
    if not {current_auto, voltage_auto} <= SWITCH.keys():
        raise ValueError(f"got {current_auto[:40]!r} and {voltage_auto[:40]!r}, expected {', '.join(SWITCH)}")
    current = Range(SWITCH[current_auto], parse_full_scale(current_a))
    return current, Range(SWITCH[voltage_auto], parse_full_scale(voltage_v))


def parse_pairs(scales: Sequence[str], count: int) -> tuple[tuple[float, float], ...]:
    """Read the full scales of current and voltage in turn, of so many elements; raises `ValueError`."""
    if len(scales) != 2 * count:
        raise ValueError(f"got {len(scales)} ranges, expected {2 * count}")
    numbers = list(map(parse_full_scale, scales))
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def parse_reading(values: Sequence[str], *, peak_over: bool) -> Reading:
    """Read the `ITEMS` of one element; raises `ValueError` where they are no numbers."""
    voltage_v, current_a, power_w, power_factor, _ = map(float, values)
    if power_w == 0.0 and not abs(power_factor) < LARGEST_VALUE:
        power_factor = 0.0  # without current there is none; PTDaemon writes 0 for an element that is not used
    if not all(abs(value) < LARGEST_VALUE for value in (voltage_v, current_a, power_w, power_factor)):
        return BAD_READING
    validity = Validity.PEAK_OVER if peak_over else Validity.GOOD
    return Reading(power_w, voltage_v, current_a, power_factor, validity)
