"""Which round a session belongs to, from what the package itself says."""

import datetime
import re

from compliance.facts import PHASES, SessionFacts
from evidence.ptd_protocol import parse_identity
from metrology.errors import ConfigError
from rules.documents import RoundRules
from rules.rulebook import all_rounds

_SESSION_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})_")


def find_round(facts: SessionFacts, name: str = "auto") -> tuple[RoundRules, str]:
    """Get the rules to judge a session by, and why these.

    LoadGen's seeds are fixed by each round and decide alone. Where they are no round's (the open division may choose
    its own), the sources, PTDaemon's version and the session's date narrow the choice, in this order.

    Raises:
        ConfigError: there is no round of that name.
    """
    rounds = all_rounds()
    if name != "auto":
        if name not in rounds:
            raise ConfigError(f"there is no round '{name}'", f"choose one of {', '.join(rounds)}, or auto")
        return rounds[name], "asked for"
    return _by_seeds(facts, list(rounds.values())) or _by_clues(facts, list(rounds.values()))


def _by_seeds(facts: SessionFacts, rounds: list[RoundRules]) -> tuple[RoundRules, str] | None:
    for phase in reversed(PHASES):
        seeds = facts.loadgen_logs[phase].detail.seeds()
        for rules in rounds:
            if seeds == rules.loadgen.seeds:
                return rules, f"LoadGen's seeds in the {phase} run are those of {rules.name}"
    return None


def _by_clues(facts: SessionFacts, rounds: list[RoundRules]) -> tuple[RoundRules, str]:
    told: list[str] = []
    sources, version, day = facts.server.sources, _ptd_version(facts), _day(facts)
    for what, keeps in (
        ("the director's sources", [rules for rules in rounds if sources in rules.sources.sets]),
        (f"PTDaemon {version}", [rules for rules in rounds if version in rules.ptdaemon.versions]),
        (f"the date {day}", [rules for rules in rounds if day and rules.published and day < rules.published]),
    ):
        narrowed = [rules for rules in rounds if rules in keeps]
        if narrowed:
            rounds, told = narrowed, [*told, what]
    if not told:
        return rounds[-1], f"nothing in the package tells the round; the newest, {rounds[-1].name}, is assumed"
    chosen = rounds[0] if told[-1].startswith("the date") else rounds[-1]
    return chosen, f"LoadGen's seeds are those of no round; {' and '.join(told)} point to {chosen.name}"


def _ptd_version(facts: SessionFacts) -> str:
    reply = facts.server.ptd_reply("Identify")
    return parse_identity(reply).version.split("-")[0] if reply else ""


def _day(facts: SessionFacts) -> datetime.date | None:
    match = _SESSION_DAY.match(facts.server.session_name or facts.client.session_name)
    try:
        return datetime.date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None
