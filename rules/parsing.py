"""Typed values out of the tables of TOML documents.

A document with an unknown key, a missing one or a value of a wrong type is a `DocumentError`: a rulebook that is read
wrongly would judge wrongly.
"""

import datetime
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from rules.documents import (
    LEVELS,
    PROFILES,
    BenchmarkRules,
    DocumentError,
    LayoutRules,
    LoadgenRules,
    Param,
    PowerRules,
    PtdaemonRules,
    ReferenceRules,
    RoundRules,
    Rule,
    SampleRules,
    SourceRules,
)

T = TypeVar("T")


class Table:
    """A table of a document, whose keys are taken one by one; `done` refuses what is left."""

    def __init__(self, values: object, where: str) -> None:
        if not isinstance(values, dict):
            raise DocumentError(f"{where} is {type(values).__name__}, expected a table")
        self.values = dict(values)
        self.where = where

    def take(self, name: str, kind: type | tuple[type, ...], default: object = ...) -> Any:
        """Take a value of a type out of the table."""
        value = self.values.pop(name, default)
        if value is ...:
            raise DocumentError(f"{self.where} lacks '{name}'")
        kinds = kind if isinstance(kind, tuple) else (kind,)
        boolean = isinstance(value, bool) and bool not in kinds  # which Python takes for a number
        if value is not default and (boolean or not isinstance(value, kind)):
            raise DocumentError(f"'{name}' in {self.where} is {type(value).__name__}")
        return value

    def texts(self, name: str, default: object = ...) -> tuple[str, ...]:
        """Take a list of texts."""
        found = self.take(name, list, default)
        if not all(isinstance(entry, str) for entry in found):
            raise DocumentError(f"'{name}' in {self.where} holds something else than texts")
        return tuple(found)

    def choice(self, name: str, *choices: str) -> Any:
        """Take a text that is one of several."""
        value = self.take(name, str)
        if value not in choices:
            raise DocumentError(f"'{name}' in {self.where} is '{value}', expected one of {', '.join(choices)}")
        return value

    def table(self, name: str) -> "Table":
        """Take a table within."""
        return Table(self.take(name, dict), f"[{name}] of {self.where}")

    def done(self) -> None:
        """Refuse keys that nobody took."""
        if self.values:
            raise DocumentError(f"{self.where} has an unknown key '{next(iter(self.values))}'")


def parse_rule(values: object, where: str) -> Rule:
    """Make a rule of a TOML table.

    Raises:
        DocumentError: the document is not as it must be.
    """
    table = Table(values, where)
    params = {name: _param(name, value, where) for name, value in table.take("params", dict, {}).items()}
    rule = Rule(
        code=table.take("code", str),
        title=table.take("title", str),
        level=table.choice("level", *LEVELS),
        profile=table.choice("profile", *PROFILES),
        check=table.take("check", str),
        source=table.texts("source"),
        why=table.take("why", str).strip(),
        fix=table.take("fix", str).strip(),
        since=table.take("since", str, ""),
        until=table.take("until", str, ""),
        params=params,
    )
    table.done()
    return rule


def _param(name: str, value: object, where: str) -> Param:
    table = Table(value, f"parameter '{name}' of {where}")
    param = Param(table.take("value", (bool, int, float, str, list)), table.take("unit", str))
    table.done()
    return param


def parse_round(values: object, sets: Mapping[str, Mapping[str, str]], where: str) -> RoundRules:
    """Make the rules of a round of a TOML table.

    Args:
        values: the table.
        sets: all known sets of sources, by name.
        where: what to call the document in errors.

    Raises:
        DocumentError: the document is not as it must be.
    """
    table = Table(values, where)
    rules = RoundRules(
        family=table.take("family", str),
        name=table.take("round", str),
        checker=table.take("checker", str),
        published=table.take("published", datetime.date, None),
        loadgen=_within(table, "loadgen", _loadgen),
        layout=_within(table, "layout", _layout),
        power=_within(table, "power", _power),
        ptdaemon=_within(table, "ptdaemon", _ptdaemon),
        sources=_within(table, "sources", lambda t: _sources(t, sets)),
        reference=_within(table, "reference", _reference),
        rules=table.take("rules", dict, {}),
        benchmarks=_benchmarks(Table(table.take("benchmarks", dict, {}), f"[benchmarks] of {where}")),
    )
    table.done()
    return rules


def _within(table: Table, name: str, make: Callable[[Table], T]) -> T:
    inner = table.table(name)
    made = make(inner)
    inner.done()
    return made


def _loadgen(table: Table) -> LoadgenRules:
    # Seeds have 64 bits without sign, more than TOML promises, so they are written as texts.
    seeds = tuple(int(text) for text in table.texts("seeds"))
    if len(seeds) != 3:
        raise DocumentError(f"'seeds' in {table.where} has {len(seeds)} entries, expected 3")
    return LoadgenRules(
        seeds,
        table.take("minimum_duration_ms", int),
        table.choice("server_result", "scheduled", "completed"),
        table.texts("releases", []),
        table.take("results", dict, {}),
        table.texts("in_seconds", []),
    )


def _layout(table: Table) -> LayoutRules:
    return LayoutRules(
        code=table.take("code", str),
        measurements=table.take("measurements", str),
        compliance=table.take("compliance", str),
        implementation=table.take("implementation", str),
        measurement_files=table.texts("measurement_files"),
        scenarios=table.texts("scenarios"),
        nameplate=table.take("nameplate", bool),
        plain_conf=table.take("plain_conf", bool, False),
    )


def _benchmarks(table: Table) -> BenchmarkRules:
    tests = Table(table.take("tests", dict, {}), f"[tests] of {table.where}")
    scenarios = Table(table.take("scenarios", dict, {}), f"[scenarios] of {table.where}")
    categories = {name: scenarios.table(name) for name in list(scenarios.values)}
    made = BenchmarkRules(
        aliases=table.take("aliases", dict, {}),
        tests={name: tests.texts(name) for name in list(tests.values)},
        scenarios={
            name: {each: category.texts(each) for each in list(category.values)}
            for name, category in categories.items()
        },
        samples={name: _samples(name, counts, table) for name, counts in table.take("samples", dict, {}).items()},
    )
    table.done()
    return made


def _samples(name: str, counts: object, table: Table) -> SampleRules:
    if not isinstance(counts, list) or len(counts) != 3 or any(type(count) is not int for count in counts):
        raise DocumentError(f"'samples.{name}' in {table.where} is {counts!r}, expected three whole numbers")
    return SampleRules(*counts)


def _power(table: Table) -> PowerRules:
    metric = table.choice("stream_metric", "millijoules per query", "joules per sample")
    return PowerRules(metric, table.take("units", dict))


def _ptdaemon(table: Table) -> PtdaemonRules:
    return PtdaemonRules(table.texts("versions"), table.texts("builds"), table.take("models", dict))


def _sources(table: Table, sets: Mapping[str, Mapping[str, str]]) -> SourceRules:
    names = table.texts("sets")
    unknown = [name for name in names if name not in sets]
    if unknown:
        raise DocumentError(f"{table.where} names the set '{unknown[0]}', which sources.toml does not have")
    chosen = tuple(sets[name] for name in names)
    return SourceRules(chosen, names, table.texts("server_prefixes", []), table.take("complete", bool))


def _reference(table: Table) -> ReferenceRules:
    return ReferenceRules(
        phase_tolerance_s=table.take("phase_tolerance_s", float),
        phase_tolerance_inclusive=table.take("phase_tolerance_inclusive", bool),
        duration_difference=table.take("duration_difference", float),
        duration_rule=table.choice("duration_rule", "either way", "shorter warns"),
        power_change=table.take("power_change", float, None),
        log_window_shrink_s=table.take("log_window_shrink_s", float),
        log_times=table.choice("log_times", "utc", "ptd_log", "recorded"),
        ranging_errors=table.texts("ranging_errors"),
        accepted_errors=table.texts("accepted_errors"),
        uncertainty_above_fails=table.take("uncertainty_above_fails", bool),
        ptd_config=table.choice("ptd_config", "table", "list"),
        restoring_amps=tuple(table.take("restoring_amps", list)),
        reads_every_line=table.take("reads_every_line", bool),
        server_messages_more=table.take("server_messages_more", int, 0),
    )
