"""The reference's check of times: moments of both sides, LoadGen's windows, and the power of ranging and testing."""

from typing import Any

from compliance.checks.reference_result import Failed, Warned, readable
from compliance.facts import PHASES, Phase, SessionFacts
from evidence.loadgen_log import Window
from evidence.power_samples import PowerLog
from evidence.stamps import parse_loose_stamp
from metrology.errors import EvidenceError
from rules.documents import RoundRules
from scoring.energy import reference_mean

SHORT_OF_AN_HOUR_S = 3600.0
"""The allowance for daylight saving: LoadGen's times may lie an hour after the phase."""


def judge_phases(facts: SessionFacts, rules: RoundRules) -> str:
    """Compare the moments of both sides, then LoadGen's windows with them, then the power of both windows.

    Raises:
        Failed, Warned: what the reference makes of it.
        EvidenceError: it ends in an exception.
    """
    client, server = (facts.record(side).raw["phases"] for side in ("client", "server"))
    for phase in PHASES:
        _moments(client[phase], server[phase], phase, rules)
    spans = {phase: _load_span_s(facts, phase, rules) for phase in PHASES}
    for phase in PHASES:
        for name, moment_s in zip(("begins", "ends"), spans[phase], strict=True):
            _within_phase(moment_s, client[phase], f"the load of {phase} {name}")
    _durations(spans, rules)
    return _power_change(facts, rules)


def _moments(client: list[Any], server: list[Any], phase: str, rules: RoundRules) -> None:
    limit_s, inclusive = rules.reference.phase_tolerance_s, rules.reference.phase_tolerance_inclusive
    if len(client) != len(server):
        raise Failed(f"client.json has {len(client)} moments of {phase}, server.json {len(server)}")
    for number, (ours, theirs) in enumerate(zip(client, server, strict=True), 1):
        difference_s = abs(ours[0] - theirs[0])
        if not (difference_s < limit_s or (inclusive and difference_s == limit_s)):
            raise Failed(
                f"client and director are {difference_s * 1000:.3f} ms apart at moment {number} of {phase}, "
                f"expected at most {limit_s * 1000:g} ms"
            )


def _load_span_s(facts: SessionFacts, phase: Phase, rules: RoundRules) -> tuple[float, float]:
    """Get power_begin and power_end as Unix seconds; v1.0 wrote them in local time."""
    window = load_window(facts, phase)
    zone_s = facts.record("client").raw["timezone"] if rules.reference.log_times == "recorded" else 0
    return window.begin_ns / 1e9 + zone_s, window.end_ns / 1e9 + zone_s


def _durations(spans: dict[Phase, tuple[float, float]], rules: RoundRules) -> None:
    ranging_s, testing_s = (spans[phase][1] - spans[phase][0] for phase in PHASES)
    limit = rules.reference.duration_difference
    told = f"ranging ran {ranging_s:.2f} s, testing {testing_s:.2f} s"
    if rules.reference.duration_rule == "shorter warns":
        if (ranging_s - testing_s) / ranging_s > limit:
            raise Warned(f"{told}: shorter by more than {limit:.0%}; the power of the two was not compared")
    elif not abs(ranging_s - testing_s) / max(ranging_s, testing_s) < limit:
        raise Failed(f"{told}: expected to differ by less than {limit:.0%}")


def _within_phase(moment_s: float, phase: list[Any], what: str) -> None:
    first_s, last_s = phase[1][0], phase[2][0]
    if not (first_s < moment_s < last_s or first_s < moment_s - SHORT_OF_AN_HOUR_S < last_s):
        raise Failed(
            f"{what} {moment_s - first_s:.3f} s after the measurement began, expected within "
            f"its {last_s - first_s:.3f} s"
        )


def _power_change(facts: SessionFacts, rules: RoundRules) -> str:
    """Compare the mean power of both phases; the mean of an empty window is -1, and two such pass."""
    limit = rules.reference.power_change
    if limit is None:
        return ""
    ranging_w, testing_w = (round(_mean_w(facts, phase, rules), 5) for phase in PHASES)
    change = round((testing_w / ranging_w - 1) * 100, 2) / 100  # the reference rounds before it compares
    told = f"ranging drew {ranging_w:.3f} W, testing {testing_w:.3f} W ({change:+.2%})"
    if not change > limit:
        raise Failed(f"{told}: expected a change above {limit:.0%}")
    return told


def _mean_w(facts: SessionFacts, phase: Phase, rules: RoundRules) -> float:
    log, window = facts.power_log(phase), load_window(facts, phase)
    readable(log.file)
    broken = log.unreadable_time_lines - _outside(log, window)
    if rules.reference.reads_every_line:
        broken += log.unreadable_other_lines + log.blank_lines
    if broken:
        raise EvidenceError(f"{log.file.name} has {broken} lines that the reference cannot read")
    return reference_mean(log.t_utc_ns, log.power_w, window.begin_ns, window.end_ns)


def _outside(log: PowerLog, window: Window) -> int:
    """Count the damaged sample lines whose time is whole and outside the window: nobody looks at their numbers."""
    return sum(
        _is_outside(line.text, window) for line in log.irregular if line.starts_with_time and not line.readable
    )


def _is_outside(line: str, window: Window) -> bool:
    try:
        t_utc_ns = parse_loose_stamp(line.split(",")[1])
    except (ValueError, IndexError):
        return False
    return not window.begin_ns < t_utc_ns < window.end_ns


def load_window(facts: SessionFacts, phase: Phase) -> Window:
    """Get the power window of a phase.

    Raises:
        Failed: LoadGen's log has none.
        MissingFactError: there is no such log.
    """
    windows = facts.loadgen(phase).windows
    if not windows:
        raise Failed(f"LoadGen's log of {phase} has no power_begin and power_end")
    return windows[0]
