"""What is shown of one session, gathered once: facts, verdicts and curves, for pages, the terminal and exports."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from compliance.checks.clocks import offset_of
from compliance.facts import PHASES, Phase, SessionFacts, gather
from compliance.findings import MissingFactError
from compliance.judge import BROKEN, judge
from compliance.power import performance_of
from compliance.result import Result
from compliance.uncertainty import sample_uncertainty
from console.charts import Curve
from console.plot import Floats
from console.result import throughput
from evidence.clock_record import ClockRecord, read_clock
from evidence.power_samples import GOOD
from evidence.session import find_session
from metrology.clock import Offset
from metrology.errors import EvidenceError
from rules.documents import RoundRules
from rules.rulebook import all_rounds
from scoring.inference import Metric, samples_per_joule
from scoring.performance import Performance

T = TypeVar("T")


class SessionView(NamedTuple):
    """One session as it is shown.

    Attributes:
        path: its folder.
        uncertainty: (n,) of each testing sample as a fraction, NaN where it is unknown; None where none can be.
        clock: wattrig's record of the clocks; None for sessions of others.
        offset: the director's clock minus the client's, by client.json; None where that does not tell.
    """

    path: Path
    facts: SessionFacts
    result: Result
    uncertainty: Floats | None
    clock: ClockRecord | None
    offset: Offset | None

    @property
    def name(self) -> str:
        """What to call it: its own name, else its folder's."""
        return self.facts.server.session_name or self.facts.client.session_name or self.path.name

    @property
    def mean_uncertainty(self) -> float | None:
        """Of the mean power, and so of the energy, as a fraction; None where it cannot be known."""
        return self.result.power.uncertainty if self.result.power else None

    @property
    def performance(self) -> float | None:
        """What the testing run did per second, of what `counted` says; None where LoadGen does not tell."""
        return self._rate[0] if self._rate else None

    @property
    def counted(self) -> str:
        """What performance and efficiency count: samples or tokens."""
        return self._rate[1] if self._rate else "samples"

    @property
    def performance_result(self) -> Performance | None:
        """The performance result as the round counts it, of streams a latency; None where LoadGen does not tell."""
        power = self.result.power
        if power is None or power.scenario is None:
            return None
        return or_none(performance_of, self.facts, power.scenario, self._rules)

    @property
    def _rules(self) -> RoundRules:
        return all_rounds()[self.result.round]

    @property
    def _rate(self) -> tuple[float, str] | None:
        power = self.result.power
        return None if power is None else or_none(throughput, self.facts, power.window_s, self._rules)

    @property
    def efficiency(self) -> float | None:
        """Samples per joule by the reference's formula; None where it cannot be had."""
        power = self.result.power
        if power is None or power.metric is None or power.scenario is None or power.unit is None:
            return None
        found = Metric(power.metric, power.unit, power.scenario, power.inferred)
        speed = self.performance_result
        return or_none(samples_per_joule, found, speed.rate_per_s if speed else None)

    @property
    def is_simulated(self) -> bool:
        """Tell whether an analyzer says that it is a simulation."""
        return any(
            sent == "Identify" and "SIMULATED" in said.upper() for sent, said in self.facts.server.ptd_messages
        )

    def curve(self, phase: Phase) -> Curve | None:
        """Get the power of a phase; None where it has no sample."""
        log = self.facts.power_logs[phase]
        if not len(log.t_utc_ns):
            return None
        return Curve(log.t_utc_ns, log.true_power_w(), log.quality[0] != GOOD, self.window_ns(phase), phase)

    def window_ns(self, phase: Phase) -> tuple[int, int] | None:
        """Get LoadGen's window of a phase; None where there is none."""
        window = or_none(self.facts.window, phase)
        return None if window is None else (window.begin_ns, window.end_ns)

    def uncertainty_curve(self) -> Curve | None:
        """Get the uncertainty of each testing sample in the form of a curve of fractions."""
        log = self.facts.power_logs["testing"]
        if self.uncertainty is None or not np.isfinite(self.uncertainty).any():
            return None
        nothing = np.zeros(len(self.uncertainty), np.bool_)
        return Curve(log.t_utc_ns, self.uncertainty, nothing, self.window_ns("testing"), "testing")


def or_none(ask: Callable[..., T], *about: object) -> T | None:
    """Ask for something that a session may lack, or hold in a form that makes no sense; None for both."""
    try:
        return ask(*about)
    except (*BROKEN, MissingFactError):
        return None


def view_session(path: Path, round_name: str = "auto", *, shown: str = "", within: Path | None = None) -> SessionView:
    """Read and judge a session.

    Args:
        path: a session folder, a `performance/` folder, or the folder that holds one.
        round_name: "v5.1", or "auto" to find it from the package.
        shown: what to call it; its path where not given.
        within: the folder that links must not lead out of; the session itself where not given.

    Raises:
        EvidenceError: the folder holds no session.
        ConfigError: there is no such round.
    """
    folder = find_session(path, within)
    if folder is None:
        raise EvidenceError(
            f"'{path}' holds no session (no power/, ranging/ or run_1/)", "give the folder that `measure` printed"
        )
    facts = gather(folder)
    return SessionView(
        folder.root,
        facts,
        judge(facts, shown or str(path), round_name),
        or_none(sample_uncertainty, facts),
        or_none(read_clock, folder.root),
        or_none(offset_of, facts),
    )


def phases_with_samples(view: SessionView) -> list[tuple[Phase, Curve]]:
    """Get the curve of each phase that has samples."""
    return [(phase, curve) for phase in PHASES if (curve := view.curve(phase)) is not None]
