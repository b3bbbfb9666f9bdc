"""user.conf: the settings that a submitter may give LoadGen, read, and held against what LoadGen logged.

A line is `<model>.<scenario>.<key> = <value>`; model and scenario may be `*`. LoadGen passes over keys it does not
know without a word, which is how a wrong name goes unnoticed.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from compliance.package_spec import nearest
from evidence.loadgen_log import DetailLog
from scoring.inference import SCENARIOS, STREAMS

KEYS = {
    "target_qps": "effective_target_qps",
    "target_latency": None,
    "target_latency_percentile": "effective_target_latency_percentile",
    "min_duration": "effective_min_duration_ms",
    "max_duration": "effective_max_duration_ms",
    "min_query_count": "effective_min_query_count",
    "max_query_count": "effective_max_query_count",
    "samples_per_query": None,
    "max_async_queries": "effective_max_async_queries",
    "performance_sample_count_override": "effective_performance_sample_count",
    "performance_issue_unique": None,
    "performance_issue_same": None,
    "performance_issue_same_index": None,
    "accuracy_log_rng_seed": None,
    "accuracy_log_sampling_target": None,
    "accuracy_sample_count_override": None,
    "sample_concatenate_permutation": None,
    "coalesce_queries": None,
    "use_token_latencies": None,
    "infer_token_latencies": None,
    "ttft_latency": None,
    "tpot_latency": None,
    "print_timestamps": None,
    "mode": None,
}
"""Keys that LoadGen obeys in a user.conf, each with the record of its log that tells what was in force.

Source: each key given to the wheels 4.1.30, 5.0.25, 5.1.2 and 6.0.17, and the settings read back; `accuracy_log_*`
and `sample_concatenate_permutation` are obeyed by later ones alone.
"""
PASSED_OVER = (
    "qsl_rng_seed", "sample_index_rng_seed", "schedule_rng_seed", "accuracy_log_probability",
    "token_latency_scaling_factor", "test05", "test05_qsl_rng_seed", "test05_sample_index_rng_seed",
    "test05_schedule_rng_seed",
)  # fmt: skip
"""Keys that all of these wheels obey in their own mlperf.conf alone; in a user.conf they have no effect."""
NOT_IN_CLOSED: dict[str, tuple[str, ...]] = {
    "mode": SCENARIOS,
    "target_latency": ("Server",),
    "target_latency_percentile": SCENARIOS,
    "ttft_latency": ("Server",),
    "tpot_latency": ("Server",),
    "samples_per_query": ("MultiStream",),
    "performance_issue_unique": SCENARIOS,
    "performance_issue_same": SCENARIOS,
}
"""Keys that the rules fix, with the scenarios in which they do; of streams, target_latency is what is expected.

Source: inference_rules.adoc, LoadGen settings and scenarios; `performance_issue_*` belong to compliance tests.
"""
TOLERANCE = 1e-4
"""LoadGen logs numbers with six digits."""
_SCENARIO = "effective_scenario"
_LINE = re.compile(r"(?P<model>[^.\s]+)\.(?P<scenario>[^.\s]+)\.(?P<key>\w+)\s*=\s*(?P<value>\S+)")
_MODEL_WITH_DOTS = re.compile(r"(?P<model>\S+)\.(?P<scenario>[^.\s]+)\.(?P<key>\w+)\s*=\s*(?P<value>\S+)")


class Setting(NamedTuple):
    """A line of a user.conf, counted from 1."""

    line: int
    scenario: str
    key: str
    value: str


class Fault(NamedTuple):
    """What is wrong with a user.conf, where, and what to do."""

    line: int
    message: str
    hint: str


def parse_conf(text: str) -> tuple[list[Setting], list[Fault]]:
    """Read a user.conf: its settings, and what is no setting."""
    settings, faults = [], []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        match = _LINE.fullmatch(content) or _MODEL_WITH_DOTS.fullmatch(content)
        if match is None:
            hint = "write <model>.<scenario>.<key> = <value>, as in *.Offline.target_qps = 100"
            faults.append(Fault(number, f"got {content[:80]!r}, which is no setting", hint))
        else:
            settings.append(Setting(number, match["scenario"], match["key"], match["value"]))
    return settings, faults


def ends_the_checker(text: str) -> Iterator[Fault]:
    """Get the lines at which a submission checker that takes every line apart ends with an error of its own.

    Source: check_measurement_dir of submission_checker.py of v4.1, for benchmarks that need equal issue mode: a line
    is split at each `=`, its name at each dot, a comment behind a setting is not cut off, and tabs are no blanks.
    """
    for number, line in enumerate(text.split("\n"), 1):
        content = line.replace(" ", "")
        name, *values = content.split("=")
        if content and not content.startswith("#") and (len(values) != 1 or name.count(".") != 2):
            hint = "write <model>.<scenario>.<key> = <value>, * for a model with a dot, and no = in its comment"
            yield Fault(number, f"the round's submission checker ends at {line.strip()[:80]!r}", hint)


def faults_of(text: str, division: str, log: DetailLog) -> Iterator[Fault]:
    """Get all that is wrong with a user.conf, alone and against the log of the run that had it."""
    settings, faults = parse_conf(text)
    yield from faults
    ran = log.text(_SCENARIO) or ""
    for setting in settings:
        if setting.scenario != "*" and setting.scenario not in SCENARIOS:
            yield Fault(setting.line, f"'{setting.scenario}' is no scenario", nearest(setting.scenario, SCENARIOS))
        elif setting.key in PASSED_OVER:
            hint = "remove the line: the release of LoadGen sets it"
            yield Fault(setting.line, f"LoadGen passes over '{setting.key}' in a user.conf", hint)
        elif setting.key not in KEYS:
            yield Fault(setting.line, f"LoadGen does not know '{setting.key}'", nearest(setting.key, KEYS))
        elif division != "open" and _is_fixed(setting, ran):
            yield Fault(setting.line, f"the {division} division fixes '{setting.key}'", "remove the line")
        elif setting.scenario in ("*", ran):
            yield from _against_log(setting, log)


def _is_fixed(setting: Setting, ran: str) -> bool:
    scenarios = NOT_IN_CLOSED.get(setting.key, ())
    return (ran if setting.scenario == "*" else setting.scenario) in scenarios


def _against_log(setting: Setting, log: DetailLog) -> Iterator[Fault]:
    record = KEYS[setting.key]
    in_force = log.number(record) if record else None
    if record is None or in_force is None or (setting.key == "target_qps" and log.text(_SCENARIO) in STREAMS):
        return
    try:
        said = float(setting.value)
    except ValueError:
        yield Fault(setting.line, f"'{setting.key}' is {setting.value!r}, expected a number", "write a number")
        return
    if abs(said - in_force) > TOLERANCE * max(abs(said), abs(in_force)):
        yield Fault(
            setting.line,
            f"'{setting.key}' is {said:g}, the run had {record} {in_force:g}",
            "package the user.conf that the run was given",
        )
