"""Many sessions checked side by side: each by itself, in processes that share the machine's cores."""

import os
from collections.abc import Generator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from compliance.facts import gather
from compliance.findings import Finding, Outcome
from compliance.judge import BROKEN, function_of, judge
from compliance.power import PowerResult
from compliance.result import ReferenceCheck, Result
from compliance.submission import entry_of
from compliance.traits import Traits, traits_of
from compliance.tree import Found
from compliance.tree_judge import judge_package
from evidence.session import find_session
from metrology.errors import EvidenceError
from rules.rulebook import all_rounds, all_rules, rules_of

if TYPE_CHECKING:
    from compliance.cache import Cache


class Options(NamedTuple):
    """What is asked of every session.

    Attributes:
        round_name: a round, or "auto".
        ignored: codes of rules whose failures are not to count, each with the reason.
        cache: where results are kept; None for nowhere.
    """

    round_name: str = "auto"
    ignored: Mapping[str, str] = {}
    cache: Optional["Cache"] = None


class Checked(NamedTuple):
    """A session checked: where it lies, its result, and what the rules across the tree need of it."""

    found: Found
    result: Result
    traits: Traits


def cores() -> int:
    """Count the processor's cores that we may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_all(found: Sequence[Found], options: Options, processes: int) -> Generator[tuple[int, Checked], None, None]:
    """Check sessions, each as soon as a process is free; get each with its number as soon as it is done.

    Closing the iterator before its end stops the processes at once; what was done by then is in the cache.

    Raises:
        ConfigError: there is no such round.
        SessionError: a process ended unexpectedly.
    """
    pieces = list(enumerate(found))
    if processes < 2 or len(found) < 2:
        for piece in pieces:
            yield from _check_chunk(options, [piece])
        return
    # Imported here: it costs as much time as checking a session.
    from compliance.pool import shared_out

    _warm_up()
    yield from shared_out(partial(_check_chunk, options), pieces, processes)


def _warm_up() -> None:
    """Load everything before the processes are forked, so that they share it."""
    all_rounds()
    for rule in all_rules().values():
        function_of(rule.check)


def _check_chunk(options: Options, pieces: Sequence[tuple[int, Found]]) -> list[tuple[int, Checked]]:
    return [(number, check_one(found, options)) for number, found in pieces]


def check_one(found: Found, options: Options) -> Checked:
    """Check one session and what stands beside it; the session's own result may come from the cache.

    Raises:
        ConfigError: there is no such round.
    """
    checked = _session(found, options)
    entry = entry_of(found, checked.result.round, checked.traits)
    return checked._replace(result=judge_package(entry, checked.result, options.ignored))


def _session(found: Found, options: Options) -> Checked:
    cache = options.cache
    key = cache.key(found.path) if cache else None
    if cache and key and (kept := _kept(found, cache.get(key))):
        return kept
    try:
        checked = _check(found, options)
    except BROKEN as problem:
        return Checked(found, _crashed(found, options, problem), Traits())
    if cache and key:
        cache.put(key, [checked.result, checked.traits])
    return checked


def _check(found: Found, options: Options) -> Checked:
    folder = find_session(found.path, found.within)
    if folder is None:
        raise EvidenceError(f"'{found.shown}' holds no session any more")
    facts = gather(folder)
    return Checked(found, judge(facts, found.shown, options.round_name, options.ignored), traits_of(facts))


def _kept(found: Found, value: Any) -> Checked | None:
    """Make a result of what the cache holds, where JSON made lists of all tuples; None for anything else."""
    try:
        (_, name, reason, checks, findings, power), (session, uuids, samples, identities, *rest) = value
        result = Result(
            found.shown,
            name,
            reason,
            tuple(ReferenceCheck(*check) for check in checks),
            tuple(Finding(code, level, Outcome(outcome), *more) for code, level, outcome, *more in findings),
            PowerResult(*power) if power else None,
        )
        return Checked(found, result, Traits(session, tuple(uuids), samples, tuple(identities), *rest))
    except (TypeError, ValueError):
        return None


def _crashed(found: Found, options: Options, problem: Exception) -> Result:
    """Say of a session that reading it failed: nothing of it counts as passed."""
    rounds = all_rounds()
    name = options.round_name if options.round_name in rounds else list(rounds)[-1]
    told = f"the session could not be read ({type(problem).__name__}: {str(problem)[:300]})"
    return Result(
        found.shown,
        name,
        "the session could not be read",
        tuple(ReferenceCheck(rule.title, "error", told) for rule in rules_of(name, "reference")),
        tuple(Finding(rule.code, rule.level, Outcome.ERROR, told) for rule in rules_of(name, "strict")),
        None,
    )
