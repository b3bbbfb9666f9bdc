"""How sure a reading is, as its daemon judges it."""

from collections.abc import Sequence

from evidence.ptd_output import Told
from metrology.reading import Sample
from metrology.uncertainty import combined_uncertainty


def of_sample(told: Told | None, sample: Sample) -> float | None:
    """Get the uncertainty of an analyzer's power as a fraction; None where ranges or accuracy are not known."""
    return told.uncertainty(sample) if told else None


def of_all(parts: Sequence[tuple[float | None, Sample]]) -> float | None:
    """Get the uncertainty of the sum of analyzers at worst, as a fraction; None where one's is not known."""
    known = [(uncertainty, sample.total.power_w) for uncertainty, sample in parts if uncertainty is not None]
    both = combined_uncertainty(known) if known and len(known) == len(parts) else None
    return both and both[0]
