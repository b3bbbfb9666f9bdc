"""Rules about the LoadGen runs: what ran, with what, and whether it counts."""

import re
import uuid

import numpy as np

from compliance.checks.common import SIDES
from compliance.facts import PHASES, SessionFacts
from compliance.findings import Ask, Findings, MissingFactError
from evidence.loadgen_log import DetailLog
from scoring.energy import NOTHING, reference_mean

NS_PER_MS = 1_000_000
_NEW = re.compile(r"new,[^,]*,([^,]+)")
_OPENED = re.compile(r"OK ([^,]+),([^,]+)")
_REVISION = re.compile(r"\S+ @ [0-9a-f]{7,40}")


def performance_alone(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that power was measured while LoadGen ran for performance, once, with nothing overridden."""
    log, name = facts.loadgen("testing"), facts.loadgen_logs["testing"].detail_file.name
    yield from _mode(log, name, ask)
    if len(log.windows) > 1:
        yield ask.fail(
            f"'{name}' has {len(log.windows)} power windows",
            file=name,
            line=log.windows[1].begin_line,
            got=len(log.windows),
            expected=1,
        )
    if log.audit_line is not None:
        yield ask.fail(
            "an audit.config in the working folder overrode the settings",
            file=name,
            line=log.audit_line,
            got="audit.config",
            hint="run in a folder without audit.config",
        )


def _mode(log: DetailLog, name: str, ask: Ask) -> Findings:
    mode = log.text("effective_test_mode")
    if mode != "PerformanceOnly":
        yield ask.fail(f"'{name}' is of a run for '{mode}'", file=name, got=mode, expected="PerformanceOnly")


def unaltered_loadgen(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that LoadGen was built from sources without changes of its own, the same one in both runs."""
    versions = {}
    for phase in PHASES:
        log, name = facts.loadgen(phase), facts.loadgen_logs[phase].detail_file.name
        versions[phase] = log.text("loadgen_version")
        status = log.text("loadgen_git_status_message")
        if not versions[phase]:
            yield ask.fail(f"'{name}' does not tell LoadGen's version", file=name, expected="loadgen_version")
        if status is None or status not in ask.texts("clean"):
            got = "no loadgen_git_status_message" if status is None else status
            yield ask.fail(f"LoadGen was built from changed sources: '{got[:200]}'", file=name, got=got, expected="")
    if versions["ranging"] != versions["testing"]:
        yield ask.fail(
            f"ranging ran with LoadGen {versions['ranging']}, testing with {versions['testing']}",
            file=facts.loadgen_logs["ranging"].detail_file.name,
            got=versions["ranging"],
            expected=versions["testing"],
        )


def loadgen_revision(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that LoadGen tells the revision it was built from."""
    log, name = facts.loadgen("testing"), facts.loadgen_logs["testing"].detail_file.name
    version = log.text("loadgen_version") or ""
    if not _REVISION.fullmatch(version):
        yield ask.fail(
            f"LoadGen's version '{version[:60]}' tells no revision",
            file=name,
            got=version,
            expected="X.Y.Z @ <commit>",
        )


def one_run(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that client and director recorded the same pair of identifiers, which they told each other on the way."""
    pairs = {side: (facts.record(side).client_uuid, facts.record(side).server_uuid) for side in SIDES}
    for side, number in ((side, number) for side in SIDES for number in (0, 1)):
        if not _is_uuid(pairs[side][number]):
            yield ask.fail(
                f"the {SIDES[number]}'s identifier is '{pairs[side][number][:60]}'",
                file=facts.record(side).file.name,
                got=pairs[side][number],
                expected="a UUID",
            )
    told = _told(facts)
    for what, got in (("server.json", pairs["server"]), ("the opening of the session", told)):
        if got != pairs["client"]:
            yield ask.fail(
                f"client.json has the identifiers {pairs['client']}, {what} {got}",
                file=facts.client.file.name,
                got=str(pairs["client"]),
                expected=str(got),
            )


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _told(facts: SessionFacts) -> tuple[str, str]:
    """Get the identifiers that were exchanged when the session was opened."""
    for entry in facts.record("client").messages:
        asked, answered = _NEW.fullmatch(entry.command), _OPENED.fullmatch(entry.reply)
        if asked and answered:
            return asked[1], answered[2]
    raise MissingFactError("client.json has no exchange that opens the session")


def all_logs(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that the logs of both runs have content: samples, a power window, a result, PTDaemon's start."""
    started = {mark.rpartition("_")[2] for _, mark in facts.ptd_log().goes()}
    for phase in PHASES:
        log, logs = facts.power_log(phase), facts.loadgen_logs[phase]
        for lacks, what, name in (
            (not len(log.lines), "holds no sample", log.file.name),
            (not facts.loadgen(phase).windows, "holds no power window", logs.detail_file.name),
            (
                logs.summary_file.was_read and "Result is" not in logs.summary,
                "tells no result",
                logs.summary_file.name,
            ),
            (phase not in started, f"has no start of {phase}", facts.ptd.file.name),
        ):
            if lacks:
                yield ask.fail(f"'{name}' {what}", file=name, got="nothing")


def testing_counts(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that the testing run is valid, long enough, and of the round."""
    log, name = facts.loadgen("testing"), facts.loadgen_logs["testing"].detail_file.name
    yield from _valid(log, name, ask)
    minimum_ms = ask.round.loadgen.minimum_duration_ms
    configured_ms = log.number("effective_min_duration_ms")
    if configured_ms is None or configured_ms < minimum_ms:
        yield ask.fail(
            f"'{name}' is of a run set to at least {configured_ms} ms",
            file=name,
            got=configured_ms,
            expected=minimum_ms,
            unit="ms",
        )
    window = facts.window("testing")
    lasted_ms = (window.end_ns - window.begin_ns) / NS_PER_MS
    # Both ends are cut to milliseconds.
    if lasted_ms < minimum_ms - 1:
        yield ask.fail(
            f"the power window lasts {lasted_ms / 1000:.3f} s",
            file=name,
            line=window.end_line,
            got=lasted_ms,
            expected=minimum_ms,
            unit="ms",
        )
    seeds = log.seeds()
    if seeds != ask.round.loadgen.seeds:
        yield ask.fail(
            f"the seeds are not those of {ask.round.name}",
            file=name,
            got=str(seeds),
            expected=str(ask.round.loadgen.seeds),
        )


def _valid(log: DetailLog, name: str, ask: Ask) -> Findings:
    validity = log.text("result_validity")
    if validity != "VALID":
        yield ask.fail(f"the result of '{name}' is {validity}", file=name, got=validity, expected="VALID")
    for key in ask.texts("met"):
        if log.values.get(key) is False:
            yield ask.fail(f"'{name}' says '{key}' is false", file=name, got=False, expected=True)


def same_power(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that testing did not draw much less than ranging."""
    limit = ask.round.reference.power_change
    if limit is None:
        ask.not_applicable(f"{ask.round.name} compares the durations of both runs, not their power")
    means = {}
    for phase in PHASES:
        log, window = facts.power_log(phase), facts.window(phase)
        power_w = np.nan_to_num(log.true_power_w(), nan=0.0)
        means[phase] = reference_mean(log.t_utc_ns, power_w, window.begin_ns, window.end_ns)
        if means[phase] == NOTHING:
            raise MissingFactError(f"{log.file.name} has no good sample in the power window")
    change = means["testing"] / means["ranging"] - 1
    if change <= limit:
        yield ask.fail(
            f"ranging drew {means['ranging']:.3f} W, testing {means['testing']:.3f} W ({change:+.2%})",
            file=facts.power_log("testing").file.name,
            got=change,
            expected=limit,
            unit="1",
        )


def ranging_alike(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that the ranging run was of the same scenario and workload, for performance."""
    name = facts.loadgen_logs["ranging"].detail_file.name
    ranging, testing = facts.loadgen("ranging"), facts.loadgen("testing")
    yield from _mode(ranging, name, ask)
    for key in ask.texts("same"):
        if ranging.values.get(key) != testing.values.get(key):
            got, expected = str(ranging.values.get(key)), str(testing.values.get(key))
            yield ask.fail(
                f"'{key}' is {got[:60]} in ranging, {expected[:60]} in testing", file=name, got=got, expected=expected
            )


def ranging_counts(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that the ranging run was valid, long enough to range, and had the round's seeds."""
    log, name = facts.loadgen("ranging"), facts.loadgen_logs["ranging"].detail_file.name
    yield from _valid(log, name, ask)
    window = facts.window("ranging")
    lasted_s, shortest_s = (window.end_ns - window.begin_ns) / 1e9, ask.number("shortest_s")
    if lasted_s < shortest_s:
        yield ask.fail(f"ranging ran for {lasted_s:.3f} s", file=name, got=lasted_s, expected=shortest_s, unit="s")
    if log.seeds() != ask.round.loadgen.seeds:
        yield ask.fail(
            f"the seeds of ranging are not those of {ask.round.name}",
            file=name,
            got=str(log.seeds()),
            expected=str(ask.round.loadgen.seeds),
        )
