"""The documents of the rulebook as typed values: rules (checks/) and rounds (rounds/)."""

import datetime
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

Level = Literal["required", "recommended", "info"]
LEVELS: tuple[Level, ...] = ("required", "recommended", "info")
Profile = Literal["reference", "strict", "package", "tree"]
PROFILES: tuple[Profile, ...] = ("reference", "strict", "package", "tree")
Value = bool | int | float | str | list[Any]


class DocumentError(Exception):
    """A document of the rulebook is not as it must be; a defect of wattrig, not of what is checked."""


class Param(NamedTuple):
    """A parameter of a rule with its unit; "1" is a ratio or a count."""

    value: Value
    unit: str


class Rule(NamedTuple):
    """One rule.

    Attributes:
        code: stable, never used again for something else: REF, PWR, SMP, LGN, FIL or SUB and three digits.
        title: what must hold, one line.
        level: what it means for the strict verdict; only required rules decide it.
        profile: "reference" for one of the eleven checks of the reference; "strict" for what a session shows by
            itself, "package" for what stands beside it in a submission, "tree" for results held against each other:
            these three make the strict verdict.
        check: the function that checks it, `module:function` below `compliance.checks`.
        since, until: first and last round it applies to; empty for no limit.
        source: where the rule comes from, one entry each.
        why, fix: prose.
        params: limits by name; a round may have its own (`RoundRules.rules`).
    """

    code: str
    title: str
    level: Level
    profile: Profile
    check: str
    source: tuple[str, ...]
    why: str
    fix: str
    params: Mapping[str, Param]
    since: str = ""
    until: str = ""


class LoadgenRules(NamedTuple):
    """What a round fixes of LoadGen.

    Attributes:
        seeds: of QSL, sample index and schedule.
        minimum_duration_ms: the shortest run.
        server_result: which rate is the result of Server, that of queries scheduled or completed.
        releases: how the versions of LoadGen begin that have these seeds; empty where that is not known.
        results: by benchmark and scenario that ran, the record that is the result instead of the usual.
        in_seconds: benchmarks whose latency is told in seconds instead of milliseconds.
    """

    seeds: tuple[int, int, int]
    minimum_duration_ms: int
    server_result: Literal["scheduled", "completed"]
    releases: tuple[str, ...] = ()
    results: Mapping[str, Mapping[str, str]] = MappingProxyType({})
    in_seconds: tuple[str, ...] = ()


class LayoutRules(NamedTuple):
    """Where a submission of a round has what.

    Attributes:
        code, measurements, compliance: folders below the submitter's, the latter two over system/benchmark/scenario.
        implementation: name of the file about the implementation among the measurements; `{system}`, `{scenario}`.
        measurement_files: what must stand beside it.
        scenarios: names of the folders of scenarios.
        nameplate: whether the design power may be stated in `systems/<system>_power.yaml`.
        plain_conf: whether the submission checker takes the lines of a user.conf apart, and ends at what it cannot.
    """

    code: str
    measurements: str
    compliance: str
    implementation: str
    measurement_files: tuple[str, ...]
    scenarios: tuple[str, ...]
    nameplate: bool
    plain_conf: bool = False


class SampleRules(NamedTuple):
    """How many samples a benchmark wants; 0 where that is not known.

    Attributes:
        performance: at least, that a performance run chooses from.
        data_set: exactly, of an accuracy run.
        offline_query: at least, in the query of Offline.
    """

    performance: int
    data_set: int
    offline_query: int


class BenchmarkRules(NamedTuple):
    """What a round asks of each benchmark; tests and scenarios in the closed and network divisions alone.

    Attributes:
        aliases: other names of benchmarks, each with the benchmark's own.
        tests: by compliance test, the benchmarks that it is asked of.
        scenarios: by category of system and benchmark, the scenarios that it needs; of those that end in "?" one is
            enough, and a single one may be left out. Empty where they are not known.
        samples: by benchmark; empty where they are not known.
    """

    aliases: Mapping[str, str]
    tests: Mapping[str, tuple[str, ...]]
    scenarios: Mapping[str, Mapping[str, tuple[str, ...]]]
    samples: Mapping[str, SampleRules] = MappingProxyType({})


class PowerRules(NamedTuple):
    """How a round turns power into a result.

    Attributes:
        stream_metric: the metric of SingleStream and MultiStream.
        units: of the result, by scenario.
    """

    stream_metric: Literal["millijoules per query", "joules per sample"]
    units: Mapping[str, str]


class PtdaemonRules(NamedTuple):
    """Accepted versions of PTDaemon, its builds seen in published sessions, and device numbers by driver name."""

    versions: tuple[str, ...]
    builds: tuple[str, ...]
    models: Mapping[str, int]


class SourceRules(NamedTuple):
    """Accepted sets of the reference's sources.

    Attributes:
        sets: SHA-1 by file, of each set.
        server_prefixes: starts of lib/server.py's SHA-1 of sets of which nothing else is known.
        complete: whether all sets of the round are known.
    """

    sets: tuple[Mapping[str, str], ...]
    names: tuple[str, ...]
    server_prefixes: tuple[str, ...]
    complete: bool


class ReferenceRules(NamedTuple):
    """Limits and quirks of the reference checker of a round; each is explained in the round's document.

    Attributes:
        phase_tolerance_s: largest difference of both sides at a moment; `phase_tolerance_inclusive` tells whether
            the limit itself passes.
        duration_difference, duration_rule: as a fraction; "either way" fails, "shorter warns" warns and ends.
        power_change: mean power of testing over ranging minus one must be greater; None where there is no such rule.
        log_window_shrink_s: what is cut off each end of the load window before warnings count, in seconds.
        log_times: "utc"; "ptd_log" where zones are added when the PTDaemon log is compared; "recorded" everywhere.
        ranging_errors: texts of errors that pass in silence while ranging.
        accepted_errors: texts of errors that are a warning anywhere.
        uncertainty_above_fails: whether the wording of PTDaemon 1.11 for one channel is a failure in the load window.
        ptd_config: shape of that entry of server.json.
        restoring_amps: which `SR,A`, counted from 1, may restore the range that was set at the start.
        reads_every_line: whether lines of spl.txt that do not begin with `Time` make it fail.
        server_messages_more: how many more messages server.json must have than client.json.
    """

    phase_tolerance_s: float
    phase_tolerance_inclusive: bool
    duration_difference: float
    duration_rule: Literal["either way", "shorter warns"]
    power_change: float | None
    log_window_shrink_s: float
    log_times: Literal["utc", "ptd_log", "recorded"]
    ranging_errors: tuple[str, ...]
    accepted_errors: tuple[str, ...]
    uncertainty_above_fails: bool
    ptd_config: Literal["table", "list"]
    restoring_amps: tuple[int, ...]
    reads_every_line: bool
    server_messages_more: int


class RoundRules(NamedTuple):
    """The constants of one round.

    Attributes:
        name: "v5.1".
        checker: which version of the reference checker `reference` describes.
        published: the day its results came out; sessions of it are older. None where that is not known.
        rules: parameters of rules that this round has otherwise: code, then name, then value.
        benchmarks: what is asked of each benchmark; of rounds before v4.1 nothing is held.
    """

    family: str
    name: str
    checker: str
    published: datetime.date | None
    loadgen: LoadgenRules
    layout: LayoutRules
    power: PowerRules
    ptdaemon: PtdaemonRules
    sources: SourceRules
    reference: ReferenceRules
    rules: Mapping[str, Mapping[str, Value]]
    benchmarks: BenchmarkRules

    @property
    def order(self) -> tuple[int, ...]:
        """Numbers that sort rounds by age."""
        return round_order(self.name)


def round_order(name: str) -> tuple[int, ...]:
    """Turn `v5.1` into (5, 1)."""
    try:
        return tuple(int(part) for part in name.removeprefix("v").split("."))
    except ValueError as problem:
        raise DocumentError(f"got round '{name}', expected a name like 'v5.1'") from problem
