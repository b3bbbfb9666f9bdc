"""What is signed of a session: an in-toto Statement (v1) with the SHA-256 of every file, and what measured it.

The statement is written when the session is complete. What is added to `wattrig/` afterwards (a report, say) is not
covered by it and is named as such; anything else that differs is a finding.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from evidence.bounded_json import parse_object
from evidence.clock_record import CLOCK_JSON
from evidence.connection import CONNECTION_JSON
from evidence.digest import file_sha256
from evidence.layout import CLIENT_JOURNAL, CLIENT_JSON, OURS, SERVER_JSON
from metrology.errors import EvidenceError

STATEMENT = f"{OURS}/statement.dsse.json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:wattrig:session:1"
"""Names what `predicate` holds; nothing is to be found under it."""
LARGEST_STATEMENT = 4 << 20
LARGEST_JSON = 64 << 20
MOST_FILES = 10_000
LOADGEN_JSON = f"{OURS}/loadgen.json"
UNCOVERED = (STATEMENT, CLIENT_JOURNAL)
"""The statement itself, and the journal that the client goes on writing until it ends."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as read back.

    Attributes:
        session: the session's name.
        t_utc_ns: when it was made, by the client's clock, UTC nanoseconds.
        subjects: SHA-256, hexadecimal, by the file's name below the session.
        signers: the fingerprint of the key by role, "client" and "director"; a role without key is left out.
        predicate: all that it says beside that.
    """

    session: str
    t_utc_ns: int
    subjects: dict[str, str]
    signers: dict[str, str]
    predicate: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A session's files held against its statement, names sorted.

    Attributes:
        changed: files with other content, or links.
        missing: files that are not there.
        extra: files that a submission would hold and that nobody signed.
        uncovered: files of `wattrig/` that were added later.
    """

    changed: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    uncovered: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Tell whether every file is what was signed."""
        return not (self.changed or self.missing or self.extra)


def list_files(session: Path) -> Iterator[str]:
    """List all that lies in a session and is no folder, links too, as names below it.

    Raises:
        EvidenceError: there is more than `MOST_FILES`.
    """
    count = 0
    for folder, folders, names in os.walk(session):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in (*names, *links):
            if (count := count + 1) > MOST_FILES:
                raise EvidenceError(f"'{session}' holds over {MOST_FILES} files, expected a session")
            yield (Path(folder) / name).relative_to(session).as_posix()


def take_digests(session: Path) -> dict[str, str]:
    """Get the SHA-256 of every file of a session by name, sorted.

    Raises:
        EvidenceError: there is a link, whose target would not be covered.
    """
    names = sorted(name for name in list_files(session) if name not in UNCOVERED)
    if link := next((name for name in names if (session / name).is_symlink()), None):
        raise EvidenceError(f"'{link}' is a link, expected a file", "put the file itself into the session")
    return {name: file_sha256(session / name) for name in names}


def make_statement(session: Path, name: str, signers: Mapping[str, str], t_utc_ns: int) -> bytes:
    """Make the statement of a session that is complete.

    Args:
        session: its folder.
        name: its name.
        signers: the fingerprints of those who will sign, by role.
        t_utc_ns: now.

    Raises:
        EvidenceError: there is a link in it.
        OSError: a file cannot be read.
    """
    subjects = [{"name": name, "digest": {"sha256": digest}} for name, digest in take_digests(session).items()]
    predicate = {"session": name, "t_utc_ns": t_utc_ns, "signers": dict(signers), **describe(session)}
    content = {
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def describe(session: Path) -> dict[str, Any]:
    """Gather what measured a session, from its own files; what a file does not tell is None."""
    client, server = _read(session / CLIENT_JSON), _read(session / SERVER_JSON)
    clock = _read(session / CLOCK_JSON)
    return {
        "uuid": server.get("uuid"),
        "tools": {"client": version("wattrig"), "director": _reply(client.get("messages"), "wattrig,hello,1")},
        "analyzers": {
            "identity": _replies(server.get("ptd_messages"), "Identify"),
            "config": server.get("ptd_config"),
        },
        "clocks": {key: value for key, value in clock.items() if key != "bursts"},
        "loadgen": _read(session / LOADGEN_JSON).get("phases"),
        "connection": _read(session / CONNECTION_JSON) or None,
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return parse_object(file.read(LARGEST_JSON))[0]
    except OSError:
        return {}


def _replies(messages: object, command: str) -> list[str]:
    entries = messages if isinstance(messages, list) else []
    found = (entry.get("reply") for entry in entries if isinstance(entry, dict) and entry.get("cmd") == command)
    return list(dict.fromkeys(str(reply) for reply in found))


def _reply(messages: object, command: str) -> str | None:
    return next(iter(_replies(messages, command)), None)


def parse_statement(payload: bytes) -> Statement:
    """Read a statement back.

    Raises:
        EvidenceError: it is none, or not one of ours.
    """
    found, notes, problem = parse_object(payload)
    if problem or notes:
        raise EvidenceError(f"the statement is damaged: {problem or notes[0].text}")
    try:
        return _statement(found)
    except (LookupError, TypeError, ValueError, AttributeError) as wrong:
        raise EvidenceError(f"this is no statement of a session: {wrong!r}") from wrong


def _statement(found: dict[str, Any]) -> Statement:
    if (found["_type"], found["predicateType"]) != (STATEMENT_TYPE, PREDICATE_TYPE):
        raise ValueError(f"got the types {found['_type']!r} and {found['predicateType']!r}")
    predicate = found["predicate"]
    subjects = {str(entry["name"]): str(entry["digest"]["sha256"]) for entry in found["subject"]}
    if len(subjects) != len(found["subject"]):
        raise ValueError("a file is named twice")
    signers = {str(role): str(key) for role, key in predicate["signers"].items()}
    t_utc_ns = predicate["t_utc_ns"]
    if type(t_utc_ns) is not int or not 0 <= t_utc_ns < 1 << 63:
        raise ValueError(f"got the time {t_utc_ns!r}, expected nanoseconds UTC")
    return Statement(str(predicate["session"]), t_utc_ns, subjects, signers, predicate)


def compare(statement: Statement, session: Path) -> Comparison:
    """Hold the files of a session against its statement.

    Raises:
        EvidenceError: there are too many files.
        OSError: a file cannot be read.
    """
    here = set(list_files(session))
    stated = set(statement.subjects)
    changed = [name for name in here & stated if _differs(session / name, statement.subjects[name])]
    more = here - stated - set(UNCOVERED)
    ours = {name for name in more if name.startswith(f"{OURS}/")}
    return Comparison(*(tuple(sorted(names)) for names in (changed, stated - here, more - ours, ours)))


def _differs(path: Path, digest: str) -> bool:
    return path.is_symlink() or not path.is_file() or file_sha256(path) != digest
