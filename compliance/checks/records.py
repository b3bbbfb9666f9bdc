"""Rules that hold the records of a session against each other: what each side logged, recorded and was told."""

import datetime
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from compliance.checks.common import SIDES, first_ones, session_log
from compliance.checks.repeats import given_up
from compliance.checks.resumed import heard
from compliance.facts import PHASES, SessionFacts
from compliance.findings import Ask, Findings
from evidence.session_json import Exchange
from evidence.session_log import KEPT_CHARACTERS, Traffic

_SESSION_NAME = re.compile(r"(\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)(?:_[A-Za-z0-9_-]+)?")
"""The director's local time and, where the operator gave one, a label."""
_SESSION_ID = re.compile(r"Session id is '(.*)'")
_HANDSHAKE = re.compile(r"mlcommons/power (?:client|server) v3")
_LATER = re.compile(r"session,[^,]*,(?:done|upload,client\.(?:log|json)$)|download,|cleanup,")
"""Commands after what the two sides keep is written; the client of v1.0 sent its log and record to the director."""


def _first_difference(logged: Sequence[Traffic], recorded: Iterable[str], json_name: str, ask: Ask) -> Findings:
    """Tell the first line of a log that is not what the other file recorded; what follows is its consequence."""
    for entry, text in zip_longest(logged, recorded):
        if entry is None:
            line = logged[-1].line if logged else None
            yield ask.fail(f"the log ends before '{text[:100]}' of {json_name}", line=line, got="", expected=text)
        elif text is None:
            yield ask.fail(
                f"'{entry.text[:100]}' is not in {json_name}", line=entry.line, got=entry.text, expected=""
            )
        elif entry.text != text[:KEPT_CHARACTERS]:
            yield ask.fail(
                f"got '{entry.text[:100]}' ({entry.direction}), {json_name} recorded '{text[:100]}'",
                line=entry.line,
                got=entry.text,
                expected=text,
            )
        else:
            continue
        return


def ptd_traffic(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that server.log has the traffic with PTDaemon that server.json recorded, analyzer after analyzer.

    A testing run that failed and was repeated stands in server.log alone, and is held against PTDaemon's own log.
    """
    log = session_log(facts, "server")
    recorded = [text for pair in facts.record("server").ptd_messages for text in pair]
    failed = given_up(log)
    traffic = (entry for entry in log.of("to ptd", "from ptd") if entry not in failed)
    logged = sorted(traffic, key=lambda entry: entry.analyzer)
    for found in _first_difference(logged, recorded, facts.server.file.name, ask):
        yield found._replace(file=log.file.name)


def client_traffic(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that both logs have the traffic that their side recorded, and that both sides recorded the same."""
    kept = {side: [one for one in facts.record(side).messages if not _LATER.match(one.command)] for side in SIDES}
    yield from _same_messages(kept["client"], kept["server"], ask)
    for side in SIDES:
        log, record = session_log(facts, side), facts.record(side)
        logged = heard(log)
        recorded = [text for message in kept[side] for text in (message.command, message.reply)]
        if side == "server":
            recorded = recorded[2:]  # the director opens its log after the handshake
        found = _first_difference(logged[: len(recorded)], recorded, record.file.name, ask)
        yield from (finding._replace(file=log.file.name) for finding in found)
        yield from _nothing_later(logged[len(recorded) :], log.file.name, ask)


def _nothing_later(logged: list[Traffic], name: str, ask: Ask) -> Findings:
    for entry in first_ones(logged):
        if entry.direction == "command" and not _LATER.match(entry.text):
            yield ask.fail(
                f"the command '{entry.text[:100]}' was not recorded", file=name, line=entry.line, got=entry.text
            )


def _same_messages(ours: Sequence[Exchange], theirs: Sequence[Exchange], ask: Ask) -> Findings:
    """Compare what both sides recorded; the reference exempts replies to `time`, and so does this."""
    sides = [
        [(entry.command, "" if entry.command == "time" else entry.reply) for entry in side] for side in (ours, theirs)
    ]
    for number, (our, their) in enumerate(zip_longest(*sides), 1):
        if our != their:
            yield ask.fail(
                f"message {number} is {our or 'absent'} in client.json, {their or 'absent'} in server.json",
                file="power/server.json",
                got=str(their),
                expected=str(our),
            )
            return
    if ours and [_HANDSHAKE.fullmatch(text) for text in (ours[0].command, ours[0].reply)].count(None):
        yield ask.fail(
            f"the handshake is '{ours[0].command[:60]}', '{ours[0].reply[:60]}'",
            file="power/client.json",
            got=ours[0].command,
            expected="mlcommons/power client v3",
        )


def sources_logged(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that client.json lists the sources that the client wrote into its log, which is hashed."""
    log, recorded = session_log(facts, "client"), facts.record("client").sources or {}
    if log.sources is None:
        yield ask.fail(f"'{log.file.name}' has no line 'Sources: ...'", file=log.file.name, expected="Sources: {...}")
        return
    different = [name for name in sorted({*log.sources, *recorded}) if log.sources.get(name) != recorded.get(name)]
    if different:
        name = different[0]
        yield ask.fail(
            f"{len(different)} of the sources in client.json are not those that the log lists, the first is '{name}'",
            file=log.file.name,
            line=log.sources_line,
            got=recorded.get(name, "not listed"),
            expected=log.sources.get(name, "not listed"),
        )


def one_name(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that the session has one name everywhere, of the form that directors give."""
    names = {side: facts.record(side).session_name for side in SIDES}
    for side in SIDES:
        if not _is_name(names[side]):
            name = facts.record(side).file.name
            yield ask.fail(
                f"'{names[side][:60]}' is no session name", file=name, got=names[side], expected="YYYY-MM-DD_hh-mm-ss"
            )
    others = (entry for entry in _named_elsewhere(facts) if entry[-1] != names["client"])
    for what, file, line, got in first_ones(others):
        yield ask.fail(
            f"{what} names the session '{got[:60]}', client.json '{names['client'][:60]}'",
            file=file,
            line=line,
            got=got,
            expected=names["client"],
        )


def _moment(text: str) -> datetime.datetime:
    # Importing what strptime needs takes as long as all checks of this file.
    return datetime.datetime.fromisoformat(f"{text[:10]} {text[11:].replace('-', ':')}")


def _is_name(name: str) -> bool:
    match = _SESSION_NAME.fullmatch(name)
    try:
        return match is not None and _moment(match[1]).year > 0
    except ValueError:
        return False


def _named_elsewhere(facts: SessionFacts) -> Iterator[tuple[str, str, int | None, str]]:
    """Get where else a session is named: (what says it, file, line, the name)."""
    server, log = facts.record("server"), facts.client_log
    yield server.file.name, server.file.name, None, server.session_name
    for line, _, text in log.other:
        if match := _SESSION_ID.fullmatch(text):
            yield log.file.name, log.file.name, line, match[1]
    for phase in PHASES:
        for command, _ in server.ptd_replies("Go,"):
            if command.endswith(f"_{phase}"):
                mark = command.split(",", 3)[-1]
                yield f"'{command}'", server.file.name, None, mark.removesuffix(f"_{phase}")
