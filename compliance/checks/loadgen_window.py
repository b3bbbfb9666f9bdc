"""Rules about the power window of LoadGen: that there is one, as long as its own numbers say, and where they say.

The window begins right before the first query is issued and ends when the last answer comes (LoadGen's loadgen.cc,
results.cc and issue_query_controller.cc). So it is

    Offline        as long as the longest latency
    SingleStream   (queries - 1) / result_qps_with_loadgen_overhead, and the latency of the last query
    Server         (queries - 1) / result_completed_samples_per_sec, and at most the longest latency
    MultiStream    the sum of all query latencies, and what LoadGen itself takes
"""

import math
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from compliance.checks.sample_places import softer
from compliance.facts import PHASES, Phase, SessionFacts
from compliance.findings import Ask, Findings, MissingFactError
from evidence.loadgen_log import DetailLog, Window
from evidence.stamps import format_stamp

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
QUARTER_HOUR_S = 900.0
"""Zones differ from UTC by whole quarters of an hour."""


class Span(NamedTuple):
    """How long the window may be, in seconds, and what says so."""

    shortest_s: float
    longest_s: float
    told: str


def one_window(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that each run has exactly one power_begin and one power_end, in this order."""
    for phase, asked in loadgen_runs(facts, ask):
        log, name = facts.loadgen(phase), facts.loadgen_logs[phase].detail_file.name
        if len(log.windows) != 1 or log.unpaired:
            line = log.windows[1].begin_line if len(log.windows) > 1 else None
            told = f"'{name}' has {len(log.windows)} pairs of power_begin and power_end"
            told += f" and {log.unpaired} without a partner or a time" if log.unpaired else ""
            yield asked.fail(told, file=name, line=line, got=len(log.windows), expected=1, unit="windows")
        for window in log.windows[:1]:
            if window.end_ns <= window.begin_ns:
                yield asked.fail(
                    "power_end is not after power_begin",
                    file=name,
                    line=window.end_line,
                    got=format_stamp(window.end_ns),
                    expected=f"after {format_stamp(window.begin_ns)}",
                )


def loadgen_runs(facts: SessionFacts, ask: Ask) -> Iterator[tuple[Phase, Ask]]:
    """Get testing, then ranging where its log was read; failures of ranging are recommended ones at most."""
    yield "testing", ask
    if facts.loadgen_logs["ranging"].detail_file.was_read:
        yield "ranging", softer(ask)


def as_long_as_told(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that the window is as long as LoadGen's own results make it."""
    for phase, asked in loadgen_runs(facts, ask):
        log, name = facts.loadgen(phase), facts.loadgen_logs[phase].detail_file.name
        if phase == "ranging" and not log.windows:
            continue
        window = facts.window(phase)
        seconds = (window.end_ns - window.begin_ns) / 1e9
        spans = [span for span in (_by_results(log, ask), _by_duration(log, ask), _by_clock(log, ask)) if span]
        if not spans and phase == "testing":
            raise MissingFactError(f"{name} holds no results that tell how long the run took")
        for span in spans:
            if not span.shortest_s <= seconds <= span.longest_s:
                expected = f"{max(0.0, span.shortest_s):.3f} to {span.longest_s:.3f}".removesuffix(" to inf")
                told = f"the power window is {seconds:.3f} s long; {span.told}: {expected} s"
                line = window.end_line
                yield asked.fail(told, file=name, line=line, got=seconds, expected=expected, unit="s")


def _by_results(log: DetailLog, ask: Ask) -> Span | None:
    """Get the length that the results of the scenario tell; None where they lack a number, as in v1.1."""
    by_scenario: dict[str, Callable[[DetailLog, Ask], Span | None]] = {
        "Offline": _offline, "SingleStream": _single_stream, "MultiStream": _multi_stream, "Server": _server,
    }  # fmt: skip
    length = by_scenario.get(log.text("effective_scenario") or "")
    found = length(log, ask) if length else None
    if found is None:
        return None
    slack_s = ask.number("slack_s")
    return Span(found.shortest_s - slack_s, found.longest_s + slack_s, found.told)


def _offline(log: DetailLog, _ask: Ask) -> Span | None:
    latency_s = number_of(log, "result_max_latency_ns", 1e-9)
    return Span(latency_s, latency_s, "the longest latency makes it") if latency_s else None


def _single_stream(log: DetailLog, ask: Ask) -> Span | None:
    queries, per_s = number_of(log, "result_query_count"), number_of(log, "result_qps_with_loadgen_overhead")
    shortest_s, longest_s = (number_of(log, f"result_{name}_latency_ns", 1e-9) for name in ("min", "max"))
    if not queries or not per_s or shortest_s is None or longest_s is None:
        return None
    issued_s, rounding = (queries - 1) / per_s, ask.number("rounding")
    told = "result_query_count, result_qps_with_loadgen_overhead and the latency of the last query make it"
    return Span(issued_s * (1 - rounding) + shortest_s, issued_s * (1 + rounding) + longest_s, told)


def _multi_stream(log: DetailLog, ask: Ask) -> Span | None:
    queries, latency_s = number_of(log, "result_query_count"), number_of(log, "result_mean_query_latency_ns", 1e-9)
    if not queries or not latency_s:
        return None
    told = "result_query_count and result_mean_query_latency_ns make it"
    return Span(queries * latency_s, queries * latency_s * (1 + ask.number("multi_stream_overhead")), told)


def _server(log: DetailLog, ask: Ask) -> Span | None:
    queries = number_of(log, "result_query_count") or number_of(log, "generated_query_count")
    per_s, latency_s = (
        number_of(log, "result_completed_samples_per_sec"),
        number_of(log, "result_max_latency_ns", 1e-9),
    )
    if not queries or not per_s or latency_s is None:
        return None
    done_s, tolerance = (queries - 1) / per_s, ask.number("server_tolerance")
    told = "the number of queries, result_completed_samples_per_sec and the longest latency make it"
    return Span(done_s * (1 - tolerance), done_s * (1 + tolerance) + latency_s, told)


def number_of(log: DetailLog, key: str, times: float = 1.0) -> float | None:
    """Get a number of the log that is finite and not negative, times a factor; None for anything else."""
    value = log.number(key)
    return float(value) * times if value is not None and 0 <= value < 1e300 else None


def _by_duration(log: DetailLog, ask: Ask) -> Span | None:
    """Get the least that a run takes which LoadGen says was long enough: queries go on at least that long."""
    least_s = number_of(log, "effective_min_duration_ms", 1e-3)
    if least_s is None or log.values.get("result_min_duration_met") is not True:
        return None
    told = "LoadGen says that it lasted (result_min_duration_met) at least effective_min_duration_ms"
    return Span(least_s - ask.number("slack_s"), math.inf, told)


def _by_clock(log: DetailLog, ask: Ask) -> Span | None:
    """Get what LoadGen's own clock leaves for the window: from the first record to that of the window."""
    logged_s = _logged_s(log)
    told = "from the first record of the log to that of power_end there is room for"
    return None if logged_s is None else Span(0.0, logged_s + ask.number("slack_s"), told)


def _logged_s(log: DetailLog) -> float | None:
    """Get the seconds from the record of test_datetime to that of power_end; None where one has no time."""
    first, last = log.logged_ms.get("test_datetime"), log.logged_ms.get("power_end")
    return None if first is None or last is None else (last - first) / 1000


def within_phases(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that each window lies within the measurement (UTC, the client's clock), and ranging before testing."""
    windows = {phase: facts.window(phase) for phase in PHASES}
    for phase, window in windows.items():
        yield from _within(facts, ask, phase, window)
    ranging, testing = windows["ranging"], windows["testing"]
    if ranging.end_ns >= testing.begin_ns:
        yield ask.fail(
            "the power window of testing begins before that of ranging ends",
            file=facts.loadgen_logs["testing"].detail_file.name,
            line=testing.begin_line,
            got=format_stamp(testing.begin_ns),
            expected=f"after {format_stamp(ranging.end_ns)}",
        )


def _within(facts: SessionFacts, ask: Ask, phase: Phase, window: Window) -> Findings:
    begin_s, end_s = _measuring(facts, phase)
    name = facts.loadgen_logs[phase].detail_file.name
    early_s, late_s = begin_s - window.begin_ns / 1e9, window.end_ns / 1e9 - end_s
    if not early_s < 0:
        told = f"the load of {phase} begins {early_s:.3f} s before the client's measurement"
        yield ask.fail(told, file=name, line=window.begin_line, got=round(early_s, 3), expected="below 0", unit="s")
    if not late_s < 0:
        told = f"the load of {phase} ends {late_s:.3f} s after the client's measurement"
        yield ask.fail(told, file=name, line=window.end_line, got=round(late_s, 3), expected="below 0", unit="s")


def _measuring(facts: SessionFacts, phase: Phase) -> tuple[float, float]:
    """Get when the client knew that the measurement ran, and when it was about to stop it, Unix seconds."""
    phases = facts.record("client").phases or {}
    moments = phases[phase].wall_s if phase in phases else ()
    if len(moments) < 3:
        raise MissingFactError(f"{facts.client.file.name} has no moments of {phase}")
    return moments[1], moments[2]


def plausible_zone(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that test_datetime, a local time, and power_end are a time zone apart, as LoadGen's own clock has it.

    test_datetime is cut to seconds and begins the log; both power records are written when the last answer is there.
    """
    for phase, asked in loadgen_runs(facts, ask):
        log, name = facts.loadgen(phase), facts.loadgen_logs[phase].detail_file.name
        begun, logged_s = _test_datetime(log), _logged_s(log)
        if begun is None or logged_s is None or (phase == "ranging" and not log.windows):
            if phase == "testing":
                raise MissingFactError(f"{name} has no test_datetime, or no times of its own clock")
            continue
        window = facts.window(phase)
        ahead_s = begun.timestamp() + logged_s - window.end_ns / 1e9
        zone_s = round(ahead_s / QUARTER_HOUR_S) * QUARTER_HOUR_S
        rest_s = ahead_s - zone_s
        if abs(zone_s) > ask.number("largest_zone_s"):
            told = f"test_datetime and power_end are {zone_s / 3600:+.2f} h apart, further than any time zone"
            yield asked.fail(told, file=name, line=window.end_line, got=zone_s, unit="s")
        elif not -ask.number("earliest_s") <= rest_s <= ask.number("latest_s"):
            told = f"by test_datetime and LoadGen's own clock the load ended {rest_s:+.3f} s from power_end"
            yield asked.fail(told, file=name, line=window.end_line, got=round(rest_s, 3), expected=0, unit="s")


def _test_datetime(log: DetailLog) -> datetime | None:
    text = log.text("test_datetime") or ""
    try:
        # Importing what strptime needs takes as long as checking a session.
        return datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
    except ValueError:
        return None
