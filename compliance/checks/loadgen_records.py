"""Rules about the records of LoadGen: that both of its logs agree, that it met no error, and that nothing is lost."""

import re
from collections.abc import Iterator

from compliance.checks.loadgen_window import loadgen_runs, number_of
from compliance.facts import Phase, SessionFacts
from compliance.findings import Ask, Findings, MissingFactError, Shown
from evidence.loadgen_log import DetailLog

TEXTS = {"Scenario": "effective_scenario", "Mode": "effective_test_mode"}
FIGURES = {
    "Samples per second": "result_samples_per_second",
    "Tokens per second": "result_tokens_per_second",
    "Scheduled samples per second": "result_scheduled_samples_per_sec",
    "Completed samples per second": "result_completed_samples_per_sec",
    "QPS w/ loadgen overhead": "result_qps_with_loadgen_overhead",
    "min_duration (ms)": "effective_min_duration_ms",
    "min_query_count": "effective_min_query_count",
    "qsl_rng_seed": "effective_qsl_rng_seed",
    "sample_index_rng_seed": "effective_sample_index_rng_seed",
    "schedule_rng_seed": "effective_schedule_rng_seed",
}
"""Labels of the summary, and keys of the detail log that say the same; results.cc of LoadGen 1.1 to 6.0."""
LAST_RECORDS = ("effective_scenario", "result_validity", "test_datetime")
"""Records of every whole log, from its beginning to its end."""
_HEADLINE = re.compile(r"(\d{1,3}(?:\.\d{1,4})?)th percentile latency \(ns\)")


def summary_agrees(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that the summary says what the detail log says: scenario, mode, validity, result and seeds."""
    for phase, asked in loadgen_runs(facts, ask):
        log, summary = facts.loadgen(phase), _summary(facts, phase)
        name = facts.loadgen_logs[phase].summary_file.name
        for label, got, expected in _differences(log, summary, ask):
            said = "does not say" if got is None else f"says '{got}' for"
            yield asked.fail(
                f"'{name}' {said} '{label}', the detail log says '{expected}'", file=name, got=got, expected=expected
            )


def _summary(facts: SessionFacts, phase: Phase) -> dict[str, str]:
    logs = facts.loadgen_logs[phase]
    if not logs.summary_file.was_read:
        raise MissingFactError(f"{logs.summary_file.name}: {logs.summary_file.reason}")
    return logs.summary


def _differences(log: DetailLog, summary: dict[str, str], ask: Ask) -> Iterator[tuple[str, Shown, Shown]]:
    """Get (label, what the summary says, what the detail log says) of all that does not agree."""
    for label, key in TEXTS.items():
        expected = log.text(key)
        if expected is not None and summary.get(label) != expected:
            yield label, _short(summary.get(label)), _short(expected)
    validity = log.text("result_validity")
    if validity is not None and summary.get("Result is") != validity and not _differ_by_design(log, summary):
        yield "Result is", _short(summary.get("Result is")), _short(validity)
    for label, value in summary.items():
        key = _key_of(label, log)
        number, is_rate = log.number(key), key.startswith("result_") and not key.endswith("_ns")
        if number is not None and not _same(value, number, ask, is_rate=is_rate):
            yield label, _short(value), number


def _differ_by_design(log: DetailLog, summary: dict[str, str]) -> bool:
    """Tell whether a run is VALID in the summary alone, because too few queries count in the detail log only."""
    return summary.get("Result is") == "VALID" and log.values.get("result_min_queries_met") is False


def _key_of(label: str, log: DetailLog) -> str:
    """Get the key of the detail log that says the same as a label of the summary; "" for none."""
    headline = _HEADLINE.fullmatch(label)
    if headline is None:
        return FIGURES.get(label, "")
    of = "per_query_latency" if log.text("effective_scenario") == "MultiStream" else "latency"
    return f"result_{float(headline[1]):.2f}_percentile_{of}_ns"


def _same(text: str, number: float, ask: Ask, *, is_rate: bool) -> bool:
    """Tell whether a text says a number: to the digit, or, for a rate, as closely as both are written."""
    if text == str(number):
        return True
    if not is_rate:
        return False
    try:
        off = abs(float(text) - number)
    except ValueError:
        return False
    return off <= ask.number("rounding") * abs(number) + ask.number("digits")


def _short(text: str | None) -> str | None:
    return None if text is None else text[:100]


def no_errors(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that LoadGen recorded no error; uncommitted changes are for the rule on LoadGen itself to judge."""
    others = ask.texts("judged_elsewhere")
    for phase, asked in loadgen_runs(facts, ask):
        log, name = facts.loadgen(phase), facts.loadgen_logs[phase].detail_file.name
        errors = [problem for problem in log.problems if problem.is_error]
        for error in errors:
            if not any(other in error.text for other in others):
                told = f"LoadGen met an error: {error.key}: {error.text}"
                yield asked.fail(told, file=name, line=error.line, got=error.key, expected="no error")
        counted = max(log.n_errors, int(min(number_of(log, "num_errors") or 0, 1e9)))
        if counted > len(errors):
            told = f"LoadGen counts {counted} errors, {counted - len(errors)} of which are not shown here"
            yield asked.fail(told, file=name, got=counted, expected=0, unit="errors")


def nothing_lost(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that every line of the detail log is a whole record, and that the log goes on to its end."""
    for phase, asked in loadgen_runs(facts, ask):
        log, name = facts.loadgen(phase), facts.loadgen_logs[phase].detail_file.name
        if log.damaged:
            told = f"'{name}' has {log.damaged} line(s) that are no whole record"
            yield asked.fail(told, file=name, line=log.damaged_line, got=log.damaged, expected=0, unit="lines")
        absent = [key for key in LAST_RECORDS if key not in log.values]
        if absent:
            told = f"'{name}' lacks records that every run writes: {', '.join(absent)}"
            yield asked.fail(told, file=name, got=absent[0], expected="a record of it")
