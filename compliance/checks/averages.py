"""A rule that holds PTDaemon's own averages of a run against its samples."""

import math

import numpy as np

from compliance.facts import PHASES, Phase, SessionFacts
from compliance.findings import Ask, Findings
from compliance.uncertainty import sample_uncertainty
from evidence.power_samples import GOOD

FIELDS = {"Watts": 7, "Uncertainty": 8}
"""Fields of each reply, its name the first and the average the second."""
HALF_A_DIGIT = 0.5e-6
"""PTDaemon tells both averages with six decimals; source: its replies in published sessions."""


def averages_agree(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that PTDaemon's mean power, and its mean uncertainty of testing, follow from the samples."""
    if len(facts.record("server").ptd_configs) > 1:
        ask.not_applicable("each of several analyzers told its own averages; the log has their sum")
    told = {phase: _replies(facts, phase) for phase in PHASES}
    if not any(told.values()):
        ask.not_applicable("the director did not ask for averages; until 2021 it did not")
    for phase, replies in told.items():
        log = facts.power_log(phase)
        good = log.power_w[log.quality[0] == GOOD]
        with np.errstate(over="ignore"):
            mean_w = float(good.mean()) if len(good) else None
        yield from _compare(replies.get("Watts"), mean_w, phase, "W", facts, ask)
    fractions = sample_uncertainty(facts)
    if fractions is not None and np.isfinite(fractions).any():
        mean = float(np.nanmean(fractions))
        yield from _compare(told["testing"].get("Uncertainty"), mean, "testing", "1", facts, ask)


def _replies(facts: SessionFacts, phase: Phase) -> dict[str, float]:
    """Get the averages that were told last of a run of the first analyzer, by the name of the reply."""
    found: dict[str, float] = {}
    running = False
    for command, reply in facts.record("server").ptd_messages:
        if command.startswith("Go,"):
            running = command.endswith(f"_{phase}")
        elif command == "Hello" and found:
            break
        words = reply.split(",")
        if running and words[0] == command and len(words) == FIELDS.get(command):
            found[command] = _number(words[1])
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _compare(
    told: float | None, computed: float | None, phase: Phase, unit: str, facts: SessionFacts, ask: Ask
) -> Findings:
    # The average of no known value is told as -1.
    if told is None or computed is None or told < 0:
        return
    if not abs(told - computed) <= ask.number("difference") * computed + HALF_A_DIGIT:
        what = "mean power" if unit == "W" else "mean uncertainty"
        yield ask.fail(
            f"PTDaemon told a {what} of {told:g} for {phase}, its samples have {computed:g}",
            file=facts.power_log(phase).file.name,
            got=float(computed),
            expected=told,
            unit=unit,
        )
