"""The one screen after a measurement: power, energy, throughput, how sure that is, and both verdicts."""

import json
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from compliance.facts import SessionFacts, gather
from compliance.findings import Outcome
from compliance.judge import judge
from compliance.power import PowerResult, performance_of
from compliance.result import Result, document
from console.plain import plain
from evidence.clock_record import read_clock
from evidence.layout import OURS
from evidence.power_samples import GOOD
from evidence.session import find_session
from evidence.statement import STATEMENT
from metrology.errors import EvidenceError
from rules.documents import RoundRules
from rules.rulebook import all_rounds
from scoring.inference import SAMPLES_PER_QUERY
from scoring.truth import compare, read_truth

TRUTH_CSV = "wattrig/truth.csv"
"""What a simulated analyzer truly drew; the demo leaves it in the session's folder."""
COLOURS = {"valid": "green", "valid_with_warnings": "yellow", "incomplete": "yellow", "invalid": "red"}


Row = tuple[str, str]


def show_result(console: Console, session: Path) -> None:
    """Judge a session and show the result.

    Raises:
        EvidenceError: the folder holds no session, or a record in it is damaged.
    """
    folder = find_session(session)
    if folder is None:
        raise EvidenceError(f"'{session}' holds no session")
    facts = gather(folder)
    result = judge(facts, str(session))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, text in rows(facts, result, session):
        table.add_row(f"[bold]{name}", text)
    console.print()
    console.print(table, highlight=False)


def result_json(session: Path) -> str:
    """Judge a session and get what `wattrig check --format json` prints of it; errors as `show_result`."""
    folder = find_session(session)
    if folder is None:
        raise EvidenceError(f"'{session}' holds no session")
    return json.dumps(document([judge(gather(folder), str(session))]), indent=2, allow_nan=False)


def rows(facts: SessionFacts, result: Result, session: Path) -> Iterator[Row]:
    """Get the lines of the result."""
    if result.power is not None:
        yield from _power(facts, result.power, all_rounds()[result.round])
        yield from _certainty(result.power)
    yield from _trust(facts, session)
    yield "verdicts", "  ".join(_verdicts(result))
    for text in _reasons(result):
        yield "", text
    yield "session", escape(str(session))
    yield "", f"[dim]more: wattrig check {escape(str(session))}"


def _power(facts: SessionFacts, power: PowerResult, round_rules: RoundRules) -> Iterator[Row]:
    bad = f", {power.samples_bad} of them bad" if power.samples_bad else ""
    yield "mean power", f"{power.mean_w:.2f} W  in {power.samples} samples{bad}"
    yield "energy", f"{power.energy_j:.1f} J  in {power.window_s:.3f} s"
    rate = throughput(facts, power.window_s, round_rules)
    if rate is not None and power.mean_w > 0:
        per_s, what = rate
        yield "throughput", f"{per_s:.2f} {what}/s   {per_s / power.mean_w:.4f} {what}/J"


def _certainty(power: PowerResult) -> Iterator[Row]:
    if power.uncertainty is None or power.energy_uncertainty_j is None:
        return
    limits = f"+- {power.energy_uncertainty_j:.1f} J, {power.uncertainty:.3%} of mean power and energy at worst"
    yield "uncertainty", f"{limits}, by the model {power.uncertainty_model}"
    apart = power.uncertainty_independent
    if apart is not None and apart != power.uncertainty:
        yield "", f"+- {apart:.3%} if the analyzers' errors are independent"


def throughput(facts: SessionFacts, window_s: float, round_rules: RoundRules) -> tuple[float, str] | None:
    """Get how much the testing run did per second, and of what: as the round counts it, of streams in the window.

    Raises:
        MissingFactError: there is no log of the testing run.
    """
    detail = facts.loadgen("testing")
    ran = detail.text("effective_scenario") or ""
    if ran not in SAMPLES_PER_QUERY:
        speed = performance_of(facts, ran, round_rules)
        return (speed.value, "tokens" if "tokens" in speed.unit else "samples") if speed else None
    queries = detail.number("result_query_count")
    return None if queries is None or window_s <= 0 else (queries * SAMPLES_PER_QUERY[ran] / window_s, "samples")


def _trust(facts: SessionFacts, session: Path) -> Iterator[Row]:
    if len(facts.server.ptd_configs) < 2:
        yield from _uncertainty([reply for command, reply in facts.server.ptd_messages if command == "Uncertainty"])
    clock = read_clock(session)
    if clock is not None and clock.best is not None:
        best = clock.best
        yield (
            "clock offset",
            f"{best.offset_ns / 1e6:+.3f} ms +- {best.uncertainty_ns / 1e6:.3f} ms, director - client",
        )
    signed = (session / STATEMENT).exists()
    yield "signed", "yes, see wattrig verify" if signed else "no: no key signed it (make one: wattrig keys init)"
    if failed := len(facts.attempts):
        yield "attempts", f"[yellow]testing run {failed + 1} counts; those that failed are in {OURS}/attempt_<n>/"
    for number, reason in enumerate(facts.attempts, 1):
        yield "", escape(f"attempt {number} failed because {reason}")
    if (session / TRUTH_CSV).exists():
        yield "true energy", _truth(facts, session)


def _uncertainty(replies: list[str]) -> Iterator[Row]:
    try:
        mean, largest = (float(replies[-1].split(",")[index]) for index in (1, 3))
    except (LookupError, ValueError):
        return
    if mean >= 0:
        yield "per sample", f"uncertainty {mean:.2%} on average, {largest:.2%} at most; the limit is 1 %"


def _truth(facts: SessionFacts, session: Path) -> str:
    log, window = facts.power_log("testing"), facts.window("testing")
    good = log.quality[0] == GOOD
    try:
        found = compare(
            log.t_utc_ns[good],
            log.power_w[good],
            (window.begin_ns, window.end_ns),
            read_truth(session / TRUTH_CSV),
        )
    except EvidenceError as problem:
        return problem.message
    return (
        f"measured {found.error:+.3%} against what the simulator drew in {found.whole_s:.0f} whole intervals; "
        f"the cut ones add {found.edges_error:+.3%}"
    )


def _verdicts(result: Result) -> Iterator[str]:
    for name, verdict in (("strict", result.strict_verdict), ("reference", result.reference_verdict)):
        yield f"{name}: [{COLOURS[verdict]}]{verdict.replace('_', ' ')}[/]"
    yield f"[dim]by the rules of {result.round}[/]"


def _reasons(result: Result) -> Iterator[str]:
    passed = sum(check.outcome in {"pass", "warn"} for check in result.reference_checks)
    yield f"{passed} of the reference's {len(result.reference_checks)} checks pass"
    failed = [f for f in result.findings if f.outcome is Outcome.FAIL and f.level == "required"]
    codes = dict.fromkeys(f"{finding.code} {finding.message}" for finding in failed)
    yield from (f"[red]{escape(plain(text)[:110])}" for text in list(codes)[:5])
    if len(codes) > 5:
        yield f"and {len(codes) - 5} more"
