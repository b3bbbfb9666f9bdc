"""What Hioki's PW333x meters measure, how well, and what their answers mean; sources are named in `hioki`."""

import re
from collections.abc import Sequence

from analyzers.drivers.yokogawa_values import parse_pairs
from metrology.reading import BAD_READING, Reading, Validity

VOLTAGE_RANGES_V = (15.0, 30.0, 60.0, 150.0, 300.0, 600.0, 1000.0)
CURRENT_RANGES_A = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
PW3335_VOLTAGE_RANGES_V = (6.0, *VOLTAGE_RANGES_V)
PW3335_CURRENT_RANGES_A = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Full scales; from memory of the data sheets, not verified. There is no crest factor to set."""
LARGEST_VALUE = 700e9
"""Larger numbers are error data: 777.77E+9 no data, 888.88E+9 scaling, 999.99E+9 over range (PW3335A985-01 p. 68)."""
ITEMS = ("U", "I", "P", "PF", "UPK", "IPK")
"""Peaks are read since one over range means that the waveform was cut off while the rms values may look well."""
ITEM_BYTES, RANGE_BYTES = 11, 5
PARTS = re.compile("[;,]")
"""What parts values: `:TRANsmit:SEParator` chooses between the two."""


def parse_sample(answer: str, channels: int) -> tuple[tuple[Reading, ...], tuple[tuple[float, float], ...]]:
    """Get the readings, and (current range in A, voltage range in V), of each channel.

    Raises:
        ValueError: the answer is something else.
    """
    texts = PARTS.split(answer)
    count = len(ITEMS) * channels
    if len(texts) != count + 2 * channels:
        raise ValueError(f"got {len(texts)} values, expected {count + 2 * channels}")
    values = list(map(float, texts[:count]))
    readings = (_reading(values[first : first + len(ITEMS)]) for first in range(0, count, len(ITEMS)))
    return tuple(readings), parse_pairs(texts[count:], channels)


def _reading(values: Sequence[float]) -> Reading:
    voltage_v, current_a, power_w, power_factor, *peaks = values
    if power_w == 0.0 and not abs(power_factor) < LARGEST_VALUE:
        power_factor = 0.0  # without current there is none
    if not all(abs(value) < LARGEST_VALUE for value in (voltage_v, current_a, power_w, power_factor)):
        return BAD_READING
    clipped = not all(abs(peak) < LARGEST_VALUE for peak in peaks)
    return Reading(power_w, voltage_v, current_a, power_factor, Validity.PEAK_OVER if clipped else Validity.GOOD)
