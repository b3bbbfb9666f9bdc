"""How sure a reading is, as its daemon judges it."""

from collections.abc import Sequence

from console.live.daemon_log import Told
from metrology.reading import Sample
from metrology.uncertainty import combined_uncertainty, power_uncertainty, sum_uncertainty


def of_sample(told: Told | None, sample: Sample) -> float | None:
    """Get the uncertainty of an analyzer's power as a fraction; None where ranges or accuracy are not known."""
    if told is None or told.judgement is None or not sample.total.usable:
        return None
    accuracy, ranges = told.judgement.in_force, told.ranges
    readings = sample.channels or (sample.total,)
    parts = [
        (power_uncertainty(accuracy, reading, ranges.product_va(channel)), reading.power_w)
        for channel, reading in enumerate(readings, 1)
    ]
    return sum_uncertainty(parts)


def of_all(parts: Sequence[tuple[float | None, Sample]]) -> float | None:
    """Get the uncertainty of the sum of analyzers at worst, as a fraction; None where one's is not known."""
    known = [(uncertainty, sample.total.power_w) for uncertainty, sample in parts if uncertainty is not None]
    both = combined_uncertainty(known) if known and len(known) == len(parts) else None
    return both and both[0]
