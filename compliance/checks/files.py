"""Rules about the files of a session: which there are, that they are what they should be, and unchanged."""

from collections.abc import Iterator
from itertools import zip_longest

from compliance.checks.common import SIDES, first_ones, further
from compliance.checks.repeats import Attempt, failed_attempts
from compliance.facts import PHASES, SessionFacts
from compliance.findings import Ask, Findings, MissingFactError
from evidence.layout import ATTEMPT, PTD_OUT, RANGING, REQUIRED_FILES, SERVER_LOG, TESTING
from evidence.session import PARTS
from evidence.session_json import SessionRecord
from evidence.source import FileFacts

BOTH_KEYS = ("version", "timezone", "modules", "sources", "messages", "uuid", "session_name", "results", "phases")
"""Keys of client.json and server.json in 296 published sessions of 2021 to 2025."""
SERVER_KEYS = ("ptd_messages", "ptd_config")
MOMENTS = 4
"""Moments of a phase: start asked, measuring, stop asked, stopped."""


def required_files(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that all eleven files are there, can be read, and are not empty."""
    for name, file in facts.files().items():
        if not file.was_read:
            yield ask.fail(f"'{name}' was not read: {file.reason}", file=name, got=file.state, expected="a file")
        elif file.size_bytes == 0:
            yield ask.fail(f"'{name}' is empty", file=name, got=0, expected="more than 0", unit="bytes")


def no_other_files(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that the three folders hold nothing but what a submission may hold."""
    found = [name for name in facts.folder.files if name.split("/", 1)[0] in PARTS and not _allowed(name, ask)]
    for name in first_ones(found):
        hint = "leave it out of the package; wattrig keeps it in wattrig/" if name == PTD_OUT else ""
        yield ask.fail(f"'{name}' does not belong into a submission", file=name, got=name, expected="", hint=hint)
    yield from further(ask, len(found), "files that do not belong into a submission", ".")


def _allowed(name: str, ask: Ask) -> bool:
    folder, _, rest = name.partition("/")
    in_runs = ask.texts("allowed_in_runs") if folder in (RANGING, TESTING) else []
    return name in REQUIRED_FILES or rest in [*ask.texts("allowed"), *in_runs]


def plain_text(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that every file is a regular file within the package, and text."""
    files = facts.files().values()
    for file in files:
        if file.state == "refused":
            yield ask.fail(
                f"'{file.name}': {file.reason}", file=file.name, got=file.reason, expected="a regular file"
            )
        for damage in file.damage:
            yield ask.fail(f"'{file.name}' {damage.text}", file=file.name, line=damage.line, got=damage.text)
    _none_missing(file for file in files if file.state == "absent")


def _none_missing(files: Iterator[FileFacts]) -> None:
    """Say that a rule could not be applied to some files."""
    missing = [file.name for file in files]
    if missing:
        raise MissingFactError(", ".join(missing))


def well_formed(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that client.json and server.json hold all that they should, in the right types."""
    records = (facts.client, facts.server)
    for record, keys in zip(records, (BOTH_KEYS, BOTH_KEYS + SERVER_KEYS), strict=True):
        name = record.file.name
        if record.parsed:
            for note in record.notes:
                yield ask.fail(f"'{name}': {note.text}", file=name, got=note.text)
            for key in keys:
                if key not in record.raw:
                    yield ask.fail(f"'{name}' lacks '{key}'", file=name, expected=key)
            yield from _filled(record, ask)
        elif record.file.was_read:
            yield ask.fail(f"'{name}' holds no JSON object: {record.error}", file=name, got=record.error)
    _none_missing(record.file for record in records if not record.file.was_read)


def _filled(record: SessionRecord, ask: Ask) -> Findings:
    name = record.file.name
    for phase in PHASES if record.phases is not None else ():
        points = record.phases[phase].points if record.phases and phase in record.phases else ()
        if len(points) != MOMENTS:
            yield ask.fail(
                f"'{name}' has {len(points)} moments of {phase}", file=name, got=len(points), expected=MOMENTS
            )
    empty = [key for key in BOTH_KEYS + SERVER_KEYS if key in record.raw and record.raw[key] in ("", [], {}, None)]
    for key in empty:
        yield ask.fail(f"'{key}' in '{name}' is empty", file=name, got="", expected="something")


def digests(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that the nine files have the SHA-1 that client and director recorded."""
    recorded = {side: facts.record(side).results or {} for side in SIDES}
    files = [file for file in facts.files().values() if not file.name.endswith(".json")]
    for file in files:
        claims = {side: found[file.name] for side, found in recorded.items() if file.name in found}
        if not claims:
            yield ask.fail(f"neither side recorded a SHA-1 of '{file.name}'", file=file.name, expected="a SHA-1")
        for side, sha1 in claims.items():
            if file.sha1 and sha1 != file.sha1:
                yield ask.fail(
                    f"'{file.name}' is not what {side}.json recorded", file=file.name, got=file.sha1, expected=sha1
                )
    _none_missing(file for file in files if not file.sha1)


def session_completed(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that wattrig did not record an abort; sessions of other directors carry no such record."""
    if facts.state_error:
        yield ask.fail(facts.state_error, file="wattrig/state.json", expected="complete")
    elif facts.state is None:
        ask.not_applicable("there is no wattrig/state.json; only wattrig writes it")
    elif facts.state.state != "complete":
        where = f" in {facts.state.phase}" if facts.state.phase else ""
        yield ask.fail(
            f"the session was aborted{where}: {facts.state.reason or 'no reason given'}",
            file="wattrig/state.json",
            got=facts.state.state,
            expected="complete",
        )


def testing_repeated(facts: SessionFacts, ask: Ask) -> Findings:
    """Tell of each attempt at the testing run that failed, and why; only wattrig repeats a run, and records it so."""
    logged = failed_attempts(facts.server_log)
    if facts.state is None and not logged:
        ask.not_applicable("there is no wattrig/state.json; only wattrig repeats a testing run")
    count = max(len(facts.attempts), len(logged))
    times = "once" if count == 1 else f"{count} times"
    for number, (reason, lines) in enumerate(zip_longest(facts.attempts, logged), 1):
        why = f"failed because {reason}" if reason else "failed, and nothing here records why"
        yield ask.fail(
            f"testing was repeated {times}: attempt {number} {why}{_told(lines)}",
            file=f"{ATTEMPT.format(number=number)}/attempt.json" if reason else SERVER_LOG,
            line=None if reason else lines.begin,
            got=count,
            expected=0,
            unit="attempts that failed",
        )


def _told(lines: Attempt | None) -> str:
    if lines is None:
        return ""
    return f" (lines {lines.begin} to {lines.end} of '{SERVER_LOG}' tell of it, server.json does not)"
