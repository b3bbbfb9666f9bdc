"""How sure the power of a testing run is: the uncertainty of each meter in it, and of all of them together."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from compliance.facts import SessionFacts
from compliance.findings import MissingFactError
from evidence.columns import Floats, Ints
from evidence.power_samples import GOOD, PowerLog
from evidence.ptd_parts import AnalyzerPart, split_by_analyzer
from metrology.errors import EvidenceError
from metrology.judgement import DATASHEET, Judgement
from metrology.uncertainty import combined_uncertainty
from scoring.energy import inside, mean_uncertainty
from scoring.meters import channel_rows, meter_uncertainty


class MeterShare(NamedTuple):
    """What one meter adds.

    Attributes:
        number: counted from 1, as in the station file.
        analyzer: the name of its driver.
        model: "ptd" or "datasheet", by which it was judged.
        mean_w: the plain mean of its good samples in the power window.
        uncertainty: of that mean, as a fraction of it.
    """

    number: int
    analyzer: str
    model: str
    mean_w: float
    uncertainty: float


class PowerUncertainty(NamedTuple):
    """The uncertainty of mean power and energy in the power window, as fractions.

    Attributes:
        at_worst: all meters err by their whole limit to the same side; of one meter its own.
        independent: the meters' errors have nothing to do with each other.
        meters: what each one adds.
    """

    at_worst: float
    independent: float
    meters: tuple[MeterShare, ...]

    @property
    def model(self) -> str:
        """The model of all meters, or "mixed"."""
        models = {meter.model for meter in self.meters}
        return models.pop() if len(models) == 1 else "mixed"


class Samples(NamedTuple):
    """The samples of one meter: (n,) fractions and watts, NaN where it has no good one."""

    part: AnalyzerPart
    judgement: Judgement
    fractions: Floats
    power_w: Floats


def parts_of(facts: SessionFacts) -> list[AnalyzerPart]:
    """Split what the daemons were told and said by analyzer.

    Raises:
        MissingFactError: it cannot be.
    """
    try:
        return split_by_analyzer(facts.record("server"), facts.ptd_log())
    except EvidenceError as problem:
        raise MissingFactError(problem.message) from problem


@lru_cache(maxsize=1)  # several rules ask for the same of one session
def samples_of_testing(facts: SessionFacts, model: str | None) -> tuple[Samples, ...] | None:
    """Get the uncertainty of each testing sample of each meter.

    Args:
        model: "ptd" or "datasheet"; None for that of each daemon itself.

    Returns:
        None where a meter's accuracy, a range or its samples are not known.

    Raises:
        MissingFactError: a file tells nothing.
    """
    parts, log = parts_of(facts), facts.power_log("testing")
    found = [_samples(part, len(parts), log, model) for part in parts]
    known = tuple(samples for samples in found if samples is not None)
    return known if len(known) == len(found) else None


def _samples(part: AnalyzerPart, count: int, log: PowerLog, model: str | None) -> Samples | None:
    rows, judgement = channel_rows(log, part.number, count), part.judgement(model)
    try:
        ranges = part.ranges("testing")
    except EvidenceError as problem:
        raise MissingFactError(problem.message) from problem
    products = [ranges.product_va(channel) for channel in range(1, len(rows) + 1)]
    known = [product for product in products if product is not None]
    if judgement is None or not rows or len(known) < len(rows):
        return None
    return Samples(part, judgement, *meter_uncertainty(log, rows, judgement.in_force, known))


def sample_uncertainty(facts: SessionFacts) -> Floats | None:
    """Get the uncertainty of the sum of each testing sample as a fraction, at worst.

    NaN where a reading is not good; None as in `samples_of_testing`, whose errors it raises.
    """
    found = samples_of_testing(facts, None)
    if found is None or len(found) == 1:
        return found[0].fractions if found else None
    with np.errstate(all="ignore"):  # absurd numbers make absurd uncertainties
        limits_w = np.sum([samples.fractions * samples.power_w for samples in found], axis=0)
        total_w = np.sum([samples.power_w for samples in found], axis=0)
        return np.where(total_w > 0, limits_w / total_w, np.nan)


def uncertainty_of_power(facts: SessionFacts, model: str | None = None) -> PowerUncertainty | None:
    """Get the uncertainty of the mean power in the power window, which is that of the energy too.

    A meter's error does not change from sample to sample, so within a meter it does not shrink with their number.

    Args:
        model: "ptd" or "datasheet"; None for that of each daemon itself, or the data sheet's where it is not known.

    Returns:
        None where it cannot be known: see `samples_of_testing`, or a good sample has an unknown uncertainty.
    """
    try:
        found = samples_of_testing(facts, model)
        if found is None and model is None:
            found = samples_of_testing(facts, DATASHEET)
        window, log = facts.window("testing"), facts.power_log("testing")
    except MissingFactError:
        return None
    within = inside(log.t_utc_ns, window.begin_ns, window.end_ns) & (log.quality[0] == GOOD)
    shares = [_share(samples, np.flatnonzero(within)) for samples in found or ()]
    known = tuple(share for share in shares if share is not None)
    both = combined_uncertainty([(share.uncertainty, share.mean_w) for share in known])
    return None if both is None or len(known) < len(shares) else PowerUncertainty(*both, known)


def _share(samples: Samples, places: Ints) -> MeterShare | None:
    power_w = samples.power_w[places]
    uncertainty = mean_uncertainty(samples.fractions[places], power_w) if len(places) else None
    if uncertainty is None:
        return None
    driver = samples.part.identity.driver
    return MeterShare(samples.part.number, driver, samples.judgement.model, float(power_w.mean()), uncertainty)
