"""Two sessions held against each other: figures with limits, what was different, and what that says.

The audit guidelines take results more than 2 % apart as materially different (MLPerf_Audit_Guidelines.adoc, "2 %");
the rules let a system stand for an equivalent one within 10 % of performance and of efficiency (inference_rules.adoc,
exclusion from audits).
"""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from compliance.tree import place_of
from console.report_station import station
from console.report_tables import said_unit
from console.session_view import SessionView
from scoring.energy import NOTHING, reference_mean

MATERIAL, EQUIVALENT = 0.02, 0.10
"""Largest difference of a reproduction, and of a system that stands for another, as fractions."""


class Figure(NamedTuple):
    """One figure of both sessions.

    Attributes:
        name, unit: what it is.
        a, b: of each session; None where it cannot be had.
        judged: whether the guidelines set a limit to its difference.
        uncertainty: how far the difference may be off, as a fraction; None where that is not known.
    """

    name: str
    unit: str
    a: float | None
    b: float | None
    judged: bool = False
    uncertainty: float | None = None

    @property
    def difference(self) -> float | None:
        """B over A less one; None where either is missing or A is nothing."""
        if self.a is None or self.b is None or not self.a or not math.isfinite(self.b / self.a):
            return None
        return self.b / self.a - 1

    @property
    def band(self) -> str:
        """Say how far apart they are: "within 2 %", "within 10 %", "more than 10 %", or "" where none is judged."""
        apart = self.difference
        if apart is None or not self.judged:
            return ""
        # Digits beyond those of any reading must not decide.
        apart = round(abs(apart), 9)
        if apart <= MATERIAL:
            return "within 2 %"
        return "within 10 %" if apart <= EQUIVALENT else "more than 10 %"

    def as_json(self) -> dict[str, Any]:
        """Get the figure as JSON has it."""
        return {**self._asdict(), "difference": self.difference, "band": self.band or None}


class Other(NamedTuple):
    """Something that is no figure and is not the same in both sessions."""

    name: str
    a: str
    b: str


class Comparison(NamedTuple):
    """Two sessions held against each other; `notes` say what the differences mean."""

    a: SessionView
    b: SessionView
    figures: tuple[Figure, ...]
    others: tuple[Other, ...]
    notes: tuple[str, ...]

    @property
    def band(self) -> str:
        """The widest band of all judged figures; "" where none could be judged."""
        order = ("", "within 2 %", "within 10 %", "more than 10 %")
        return max((figure.band for figure in self.figures), key=order.index, default="")


def compare(a: SessionView, b: SessionView) -> Comparison:
    """Compare two sessions, A the one that was submitted and B its reproduction, or any two."""
    figures, others = tuple(_figures(a, b)), tuple(_others(a, b))
    return Comparison(a, b, figures, others, tuple(dict.fromkeys(_notes(a, b, figures, others))))


def _figures(a: SessionView, b: SessionView) -> Iterator[Figure]:
    one, two = a.result.power, b.result.power
    apart = _both(a.mean_uncertainty, b.mean_uncertainty)
    if one is not None and two is not None:
        if one.unit == two.unit and one.scenario == two.scenario:
            yield Figure("power result", said_unit(one), one.metric, two.metric, judged=True, uncertainty=apart)
        yield Figure("mean power", "W", one.mean_w, two.mean_w, judged=True, uncertainty=apart)
    yield Figure("performance", f"{a.counted}/s", a.performance, b.performance, judged=True)
    yield Figure("efficiency", f"{a.counted}/J", a.efficiency, b.efficiency, judged=True, uncertainty=apart)
    if one is not None and two is not None:
        yield Figure("energy", "J", one.energy_j, two.energy_j)
        yield Figure("window", "s", one.window_s, two.window_s)
        yield Figure("ranging, mean power", "W", one.ranging_mean_w, two.ranging_mean_w)
        yield Figure("bad samples", "", one.samples_bad, two.samples_bad)
    yield Figure("uncertainty of mean power", "%", _percent(a.mean_uncertainty), _percent(b.mean_uncertainty))
    for row, (name, unit) in enumerate((("voltage", "V"), ("current", "A"), ("power factor", "")), 1):
        yield Figure(name, unit, _mean(a, row), _mean(b, row))


def _both(a: float | None, b: float | None) -> float | None:
    """Get how far a ratio may be off: both err to opposite sides, the worst that can be."""
    return None if a is None or b is None else a + b


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else fraction * 100


def _mean(view: SessionView, row: int) -> float | None:
    log, window = view.facts.power_logs["testing"], view.window_ns("testing")
    if window is None or not len(log.t_utc_ns):
        return None
    found = reference_mean(log.t_utc_ns, log.values[0, row], *window)
    return None if found == NOTHING else found


def _others(a: SessionView, b: SessionView) -> Iterator[Other]:
    one, two = dict(_told(a)), dict(_told(b))
    for name in dict.fromkeys([*one, *two]):
        if one.get(name) != two.get(name):
            yield Other(name, one.get(name, "-"), two.get(name, "-"))


def _told(view: SessionView) -> Iterator[tuple[str, str]]:
    if place := place_of(view.path):
        yield from (("system", place.system), ("benchmark", place.benchmark))
    yield "strict verdict", view.result.strict_verdict
    yield "reference verdict", view.result.reference_verdict.replace("_", " ")
    yield "round", view.result.round
    yield from ((row[0], row[1]) for row in station(view) if row[0] != "session")


def _notes(a: SessionView, b: SessionView, figures: tuple[Figure, ...], others: tuple[Other, ...]) -> Iterator[str]:
    names = {other.name for other in others if "-" not in (other.a, other.b)}
    if names & {"benchmark", "scenario"}:
        yield "Benchmark or scenario differ: the figures measure different things."
    else:
        yield from _power_notes({figure.name: figure for figure in figures})
    for figure in figures:
        if figure.judged and figure.difference and figure.uncertainty and abs(figure.difference) < figure.uncertainty:
            yield f"The difference in {figure.name} is within what both analyzers may err ({figure.uncertainty:.2%})."
    if names & {"analyzer", "serial number", "firmware"}:
        yield "Another analyzer, or another firmware of it, measured."
    if "LoadGen" in names:
        yield "Another version of LoadGen ran."
    yield from (f"{view.name} has a simulated analyzer." for view in (a, b) if view.is_simulated)
    yield from (f"{view.name} has no power result." for view in (a, b) if view.result.power is None)


def _power_notes(figures: dict[str, Figure]) -> Iterator[str]:
    """Say where a difference in efficiency or in the power of a run comes from."""
    power, speed, volts = (figures[name].difference if name in figures else None
                           for name in ("mean power", "performance", "voltage"))  # fmt: skip
    if power is not None and speed is not None and max(abs(power), abs(speed)) > MATERIAL:
        if abs(power - speed) <= MATERIAL:
            yield f"Power and performance moved together ({power:+.1%}, {speed:+.1%}): the same work at another pace."
        elif abs(speed) <= MATERIAL:
            yield f"The same performance at another power ({power:+.1%}): look at power supply, cooling, firmware."
        else:
            yield f"Power changed by {power:+.1%} and performance by {speed:+.1%}: look at clocks and power limits."
    if volts is not None and abs(volts) > MATERIAL:
        yield f"The mains voltage differs by {volts:+.1%}: power supplies draw and waste other amounts at it."
