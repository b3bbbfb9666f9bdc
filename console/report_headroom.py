"""What the ranges of a testing run left, for a report."""

from collections.abc import Iterator

import numpy as np

from compliance.facts import SessionFacts
from compliance.uncertainty import parts_of
from console.report_tables import Row
from console.session_view import SessionView, or_none
from evidence.power_samples import GOOD
from evidence.ptd_parts import AnalyzerPart
from evidence.ptd_ranges import Ranges
from metrology.headroom import Headroom, advice, told


def headroom(view: SessionView) -> Iterator[Row]:
    """Tell what the ranges left, and what that advises; of one meter with one channel, whose ranges are known."""
    found = or_none(_headroom, view)
    if found is not None:
        yield "room in the ranges", told(found)
        yield from (("advice", text) for text in advice(found))


def _headroom(view: SessionView) -> Headroom | None:
    ranges = _ranges(view.facts)
    volts, amps = (ranges.volts.get(0), ranges.amps.get(0)) if ranges else (None, None)
    log = view.facts.power_logs["testing"]
    good = log.quality[0] == GOOD
    if volts is None or amps is None or len(log.channels) > 1 or not good.any():
        return None
    power_w, voltage_v, current_a, factor = (log.values[0][column][good] for column in range(4))
    if not current_a.max() > 0:
        return None
    return Headroom(
        voltage_range_v=volts,
        current_range_a=amps,
        voltage_v=float(voltage_v.max()),
        current_a=float(current_a.max()),
        power_w=float(np.mean(power_w)),
        power_factor=float(np.mean(factor)),
        uncertainty=view.result.power.uncertainty if view.result.power else None,
    )


def _ranges(facts: SessionFacts) -> Ranges | None:
    parts: list[AnalyzerPart] | None = or_none(parts_of, facts)
    return or_none(parts[0].ranges, "testing") if parts and len(parts) == 1 else None
