"""The rows of the official summary: performance, power and efficiency of each result; and two rounds side by side.

Rules compare efficiencies: from preview to available a system must be equal or better, with 2 % for noise
(submission_rules.adoc); an audit is waived where performance and efficiency are within 10 % of the last one's
(inference_rules.adoc).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from compliance.facts import SessionFacts, gather
from compliance.findings import MissingFactError
from compliance.power import performance_of, power_of
from compliance.rounds import find_round
from compliance.tree import Found, place_of
from evidence.ptd_protocol import parse_identity
from evidence.session import find_session
from rules.documents import RoundRules
from scoring.inference import Metric, samples_per_joule, scenario_of
from scoring.performance import Performance

NOISE, AUDIT = 0.02, 0.10
"""Relative: what counts as equal, and what waives an audit."""


class Row(NamedTuple):
    """One power result.

    Attributes:
        shown: what to call it.
        performance, performance_unit: as the submission checker has it; None where LoadGen's log does not tell.
        power, power_unit: the power metric of its scenario; None where it cannot be had.
        mean_w: mean power in the window.
        samples_per_j: the efficiency; tokens where the model answers in tokens.
        inferred: whether its run was of another scenario.
        simulated: whether the analyzer says that it is a simulation.
    """

    shown: str
    round: str
    division: str
    submitter: str
    system: str
    benchmark: str
    scenario: str
    performance: float | None
    performance_unit: str
    power: float | None
    power_unit: str
    mean_w: float | None
    samples_per_j: float | None
    inferred: bool
    simulated: bool

    @property
    def key(self) -> tuple[str, ...]:
        """What a row is told by in another tree."""
        return self.submitter, self.system, self.benchmark, self.scenario


class Comparison(NamedTuple):
    """A row and the same result in another tree.

    Attributes:
        performance_ratio, efficiency_ratio: new over old; of latencies, too. None where one of them is not known.
        equal_or_better: the efficiency, with 2 % for noise.
        within_audit: performance and efficiency both within 10 %.
    """

    row: Row
    against: Row | None
    performance_ratio: float | None
    efficiency_ratio: float | None
    equal_or_better: bool | None
    within_audit: bool | None


def rows_of(found: Iterable[Found], round_name: str = "auto") -> Iterator[Row]:
    """Get the row of each result found; what holds no session any more is passed over.

    Raises:
        ConfigError: there is no such round.
    """
    for each in found:
        row = _row(each, round_name)
        if row is not None:
            yield row


def _row(found: Found, round_name: str) -> Row | None:
    folder = find_session(found.path, found.within)
    if folder is None:
        return None
    facts = gather(folder)
    rules, _ = find_round(facts, round_name)
    power, place = power_of(facts, rules), place_of(found.path)
    ran = facts.loadgen_logs["testing"].detail.text("effective_scenario") or ""
    scenario = (scenario_of(place.scenario) if place else None) or ran
    speed = _performance(facts, scenario, rules)
    metric = power.metric if power else None
    per_j = None
    if power and metric is not None and power.unit:
        made = Metric(metric, power.unit, scenario, power.inferred)
        per_j = samples_per_joule(made, speed.rate_per_s if speed else None)
    reply = facts.server.ptd_reply("Identify") or ""
    return Row(
        found.shown,
        rules.name,
        place.division if place else "",
        place.submitter if place else "",
        place.system if place else "",
        place.benchmark if place else facts.server.session_name,
        scenario,
        speed.value if speed else None,
        speed.unit if speed else "",
        metric,
        (power.unit or "") if power else "",
        power.mean_w if power else None,
        per_j,
        bool(power and power.inferred),
        parse_identity(reply).is_simulated,
    )


def _performance(facts: SessionFacts, scenario: str, rules: RoundRules) -> Performance | None:
    try:
        return performance_of(facts, scenario, rules)
    except MissingFactError:
        return None


def compare(rows: Sequence[Row], old: Sequence[Row]) -> list[Comparison]:
    """Hold rows against those of another tree: the same submitter, system, benchmark and scenario."""
    known = {row.key: row for row in old}
    return [_compared(row, known.get(row.key)) for row in rows]


def _compared(row: Row, old: Row | None) -> Comparison:
    if old is None:
        return Comparison(row, None, None, None, None, None)
    same_unit = row.performance_unit == old.performance_unit
    speed = _ratio(row.performance, old.performance) if same_unit else None
    efficiency = _ratio(row.samples_per_j, old.samples_per_j)
    better = None if efficiency is None else efficiency >= 1 - NOISE
    known = speed is not None and efficiency is not None
    audit = max(abs((speed or 0) - 1), abs((efficiency or 0) - 1)) <= AUDIT if known else None
    return Comparison(row, old, speed, efficiency, better, audit)


def _ratio(new: float | None, old: float | None) -> float | None:
    return new / old if new is not None and old else None


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Get a row, with what it was held against, as JSON has it."""
    against = comparison.against
    compared = {
        "shown": against.shown,
        "round": against.round,
        "performance": against.performance,
        "samples_per_j": against.samples_per_j,
        "performance_ratio": comparison.performance_ratio,
        "efficiency_ratio": comparison.efficiency_ratio,
        "equal_or_better": comparison.equal_or_better,
        "within_audit": comparison.within_audit,
    } if against else None  # fmt: skip
    return {**comparison.row._asdict(), "against": compared}
