"""The report of one session as a page that needs nothing else."""

import numpy as np

from compliance.facts import PHASES
from compliance.findings import Finding, Outcome
from console import report_station as rig
from console import report_tables as tables
from console.charts import against, estimates, histogram, over_time, timeline
from console.report_headroom import headroom
from console.session_view import SessionView, phases_with_samples
from console.templates import render
from evidence.power_samples import GOOD
from metrology.uncertainty import LIMIT
from rules.documents import LEVELS, Rule
from rules.rulebook import all_rules
from scoring.energy import inside

ORDER = (Outcome.FAIL, Outcome.ERROR, Outcome.NOT_EVALUATED)


def report_page(view: SessionView) -> str:
    """Write the report.

    Raises:
        ConfigError: jinja2 is not installed.
    """
    return render("report.html", **values_of(view))


def values_of(view: SessionView) -> dict[str, object]:
    """Get what the template `session.html` shows."""
    found = shown_findings(view)
    return {
        "view": view,
        "result": view.result,
        "heading": f"Power report of {view.name}",
        "ended": tables.ended(view),
        "simulated": view.is_simulated,
        "headline": tables.headline(view),
        "uncertainty_percent": (view.mean_uncertainty or 0.0) * 100,
        "broken": _once(tables.broken(view)),
        "reasons": _reasons(view),
        "passed": sum(check.outcome in {"pass", "warn"} for check in view.result.reference_checks),
        "steps": list(tables.steps(view)),
        "phases": list(tables.phases(view)),
        "channels": list(tables.channels(view)),
        "bad": tables.bad_samples(view),
        "meters": list(tables.meters(view)),
        "uncertainties": list(tables.uncertainties(view)),
        "clock_words": rig.clock_estimates(view),
        "keepers": list(rig.time_keepers(view)),
        "station": [*rig.station(view), *headroom(view)],
        "found": found,
        "rules": named_rules(found),
        "files": list(rig.files(view)),
        **_charts(view),
    }


def _charts(view: SessionView) -> dict[str, object]:
    drawn = phases_with_samples(view)
    certainty = view.uncertainty_curve()
    clock, spans = rig.clock_estimates(view), list(rig.spans(view))
    return {
        "curves": [(phase, over_time(curve, "power, W"), bool(curve.bad.any())) for phase, curve in reversed(drawn)],
        "against": against([curve for _, curve in drawn], "power, W") if len(drawn) == len(PHASES) else "",
        "histogram": _histogram(view),
        "uncertainty": over_time(certainty, "uncertainty, %", limit=LIMIT, factor=100) if certainty else "",
        "clock": estimates(clock, "offset, ms") if len(clock) > 1 else "",
        "timeline": timeline(spans) if spans else "",
    }


def _histogram(view: SessionView) -> str:
    log, window, power = view.facts.power_logs["testing"], view.window_ns("testing"), view.result.power
    if window is None or power is None:
        return ""
    good = inside(log.t_utc_ns, *window) & (log.quality[0] == GOOD) & (log.power_w > 0)
    return histogram(log.power_w[good], power.mean_w, "power, W") if np.any(good) else ""


def shown_findings(view: SessionView) -> list[Finding]:
    """Get the findings that a page shows: what counts most first."""
    return sorted(
        view.result.shown(), key=lambda each: (ORDER.index(each.outcome), LEVELS.index(each.level), each.code)
    )


def named_rules(found: list[Finding]) -> dict[str, Rule]:
    """Get the rules that findings name, by code."""
    return {code: all_rules()[code] for code in sorted({each.code for each in found}) if code in all_rules()}


def _once(found: list[Finding]) -> list[Finding]:
    """Keep the first finding of each rule."""
    return list({each.code: each for each in reversed(found)}.values())[::-1]


def _reasons(view: SessionView) -> str:
    found = tables.broken(view)
    failed = len({each.code for each in found if each.outcome is Outcome.FAIL})
    other = len({each.code for each in found if each.outcome is not Outcome.FAIL})
    words = [f"{failed} required rule{'s' * (failed != 1)} broken"] if failed else []
    words += [f"{other} could not be evaluated"] if other else []
    return ", ".join(words)
