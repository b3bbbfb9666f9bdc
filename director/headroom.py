"""What the ranges of the testing run leave, from the ranging run and what the daemons say of themselves."""

from collections.abc import Sequence

from director.analyzer import Analyzer
from director.ranging import CURRENT_MARGIN, FixedRanges
from evidence.ptd_output import Told, read_told
from evidence.ptd_protocol import parse_sample
from metrology.headroom import Headroom
from metrology.reading import Sample, mean_reading

ENOUGH = 2000
"""Samples that are looked at, spread over the ranging run: means of that many are sure enough for advice."""


def spread(listing: Sequence[str]) -> list[str]:
    """Pick up to `ENOUGH` lines of a listing, evenly."""
    return list(listing[:: len(listing) // ENOUGH + 1])


def headroom_of(analyzer: Analyzer, ranges: FixedRanges, lines: Sequence[str]) -> Headroom | None:
    """Work out what an analyzer's ranges leave; None where its daemon does not tell them, or no sample was good.

    Args:
        analyzer: the analyzer, its ranges set.
        ranges: what was asked for, the largest values of the ranging run.
        lines: samples of the ranging run.
    """
    told = read_told(analyzer.output)
    samples = [sample for sample in map(parse_sample, lines) if sample.total.usable]
    volts, amps = told.full_scales if told else (None, None)
    if told is None or volts is None or amps is None or not samples:
        return None
    total = mean_reading([sample.total for sample in samples])
    return Headroom(
        voltage_range_v=volts,
        current_range_a=amps,
        voltage_v=float(ranges.voltage),
        current_a=float(ranges.current) / CURRENT_MARGIN,
        power_w=total.power_w,
        power_factor=total.power_factor if not samples[0].channels else _power_factor(samples),
        uncertainty=_expected(told, samples),
        crest_factor=told.judgement.crest_factor if told.judgement else 3,
    )


def _power_factor(samples: Sequence[Sample]) -> float:
    """Get the mean power factor of channels, weighted by their apparent power; a sum line may not have one."""
    channels = [reading for sample in samples for reading in sample.channels if reading.usable]
    apparent_va = sum(reading.voltage_v * reading.current_a for reading in channels)
    return sum(reading.power_w for reading in channels) / apparent_va if apparent_va > 0 else 0.0


def _expected(told: Told, samples: Sequence[Sample]) -> float | None:
    known = [found for found in map(told.uncertainty, samples) if found is not None]
    return sum(known) / len(known) if known else None
