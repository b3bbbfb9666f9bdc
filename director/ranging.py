"""The ranges of the testing run, from what the ranging run showed."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from metrology.errors import SessionError
from metrology.reading import Reading, Sample

CURRENT_MARGIN = 1.1
"""The current range holds 1.1 times the largest current seen; source: the reference director, published sessions."""
SETTING = r"[0-9]{1,9}(\.[0-9]{1,17})?|Auto"
"""What names a range, as a regular expression; whatever else a peer or a file says must not reach the daemon."""


@dataclass(frozen=True, slots=True)
class FixedRanges:
    """What `SR` is given for the testing run: volts and amperes as text, in the reference's own notation."""

    voltage: str
    current: str


def readings_of(sample: Sample, channels: Sequence[int]) -> list[Reading]:
    """Get the readings that count: the sum, and each channel (from 1) of the SUT; usable ones alone.

    Raises:
        SessionError: the analyzer has fewer channels than are configured.
    """
    if channels and channels[-1] > len(sample.channels):
        raise SessionError(
            f"the analyzer shows {len(sample.channels)} channels, but 'channel' in [[analyzer]] asks for "
            f"number {channels[-1]}"
        )
    return [
        reading for reading in (sample.total, *(sample.channels[number - 1] for number in channels)) if reading.usable
    ]


def choose_ranges(samples: Iterable[Sample], channels: Sequence[int] = ()) -> FixedRanges:
    """Choose the ranges of the testing run: the largest voltage seen, and 1.1 times the largest current.

    Args:
        samples: all samples of the ranging run.
        channels: numbers, from 1, of the channels that count beside the sum.

    Raises:
        SessionError: no sample had a usable voltage and current above zero.
    """
    voltage_v = current_a = 0.0
    count = 0
    for count, sample in enumerate(samples, 1):  # noqa: B007 - the count is for the message
        for reading in readings_of(sample, channels):
            # NaN, as in the sum lines of PTDaemon 1.9.2, compares false and is passed over.
            voltage_v = reading.voltage_v if reading.voltage_v > voltage_v else voltage_v
            current_a = reading.current_a if reading.current_a > current_a else current_a
    if not (voltage_v > 0 and current_a > 0 and math.isfinite(voltage_v + current_a)):
        raise SessionError(
            f"none of the {count} samples of the ranging run has a usable voltage and current",
            "does current flow through the analyzer, and is the workload longer than a few seconds?",
        )
    return FixedRanges(voltage=f"{voltage_v:.6f}", current=str(float(f"{current_a:.6f}") * CURRENT_MARGIN))
