"""What an analyzer's daemon tells in its own output about the instrument, its ranges and how it judges readings.

The file is looked at while the daemon writes it: its beginning for the instrument, its end for the ranges in force.
Nobody has to ask the daemon anything for it, which would be recorded in the session.
"""

import re
from pathlib import Path
from typing import Literal, NamedTuple

from evidence.ptd_protocol import RESPONSE, Identity, parse_identity
from evidence.ptd_ranges import Ranges, ranges_told
from metrology.judgement import Judgement, judgement_of, parse_told
from metrology.reading import Sample
from metrology.uncertainty import power_uncertainty, sum_uncertainty

LOOK_BYTES = 64 << 10
"""How much is read from each end; a daemon tells its instrument in the first 2 kB, its ranges right before Go."""
_STAMP = re.compile(r"\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d{3}: ")


class Told(NamedTuple):
    """What a daemon told."""

    identity: Identity
    ranges: Ranges
    judgement: Judgement | None

    @property
    def full_scales(self) -> tuple[float | None, float | None]:
        """Get the voltage and the current range, the smallest of all channels; None where automatic or unknown."""
        volts, amps = ([value for value in found.values() if value is not None] for found in self.ranges)
        return min(volts, default=None), min(amps, default=None)

    @property
    def setting(self) -> Literal["unknown", "automatic", "fixed"]:
        """Tell how the ranges are set: "unknown", "automatic" or "fixed"."""
        values = [*self.ranges.volts.values(), *self.ranges.amps.values()]
        if not values:
            return "unknown"
        return "automatic" if None in values else "fixed"

    def uncertainty(self, sample: Sample) -> float | None:
        """Get the uncertainty of a sample's power in these ranges; None where they or the accuracy are not known."""
        if self.judgement is None or not sample.total.usable:
            return None
        parts = [
            (power_uncertainty(self.judgement.in_force, reading, self.ranges.product_va(channel)), reading.power_w)
            for channel, reading in enumerate(sample.channels or (sample.total,), 1)
        ]
        return sum_uncertainty(parts)


def read_told(path: Path) -> Told | None:
    """Read what a daemon has told so far; None where it says no analyzer, or cannot be read."""
    try:
        texts = _texts(path)
    except OSError:
        return None
    replies = (text.removeprefix(RESPONSE) for text in texts if text.startswith(RESPONSE) and ",version=" in text)
    identity = next(map(parse_identity, replies), None)
    return Told(identity, ranges_told(texts), _judgement(identity, texts)) if identity else None


def _texts(path: Path) -> list[str]:
    with path.open("rb") as file:
        content = file.read(LOOK_BYTES)
        if len(content) == LOOK_BYTES:
            size = file.seek(0, 2)
            file.seek(max(LOOK_BYTES, size - LOOK_BYTES))
            content += b"\n" + file.read(LOOK_BYTES)
    return [_STAMP.sub("", line, count=1) for line in content.decode("ascii", "replace").splitlines()]


def _judgement(identity: Identity, texts: list[str]) -> Judgement | None:
    if told := next(filter(None, map(parse_told, texts)), None):
        return told
    model = None if identity.is_wattrig else "ptd"
    return judgement_of(model, identity.driver, identity.version, identity.model)
