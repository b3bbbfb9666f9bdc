"""What is signed of a session: an in-toto Statement (v1) with the SHA-256 of every file, and what measured it.

The statement is written when the session is complete. What wattrig itself may add afterwards (`LATER`) is not covered
by it and is named as such; anything else that differs is a finding.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

from evidence.bounded_json import parse_object
from evidence.clock_record import CLOCK_JSON
from evidence.connection import CONNECTION_JSON
from evidence.digest import file_sha256, open_plain, refuse_unreadable
from evidence.layout import CLIENT_JOURNAL, CLIENT_JSON, OURS, SERVER_JSON
from metrology.errors import EvidenceError

STATEMENT = f"{OURS}/statement.dsse.json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:wattrig:session:1"
"""Names what `predicate` holds; nothing is to be found under it."""
LARGEST_STATEMENT = 4 << 20
LARGEST_JSON = 64 << 20
MOST_FILES = 10_000
ROLES = ("client", "director")
DESCRIBED = ("uuid", "tools", "analyzers", "clocks", "loadgen", "connection")
"""What `describe` tells."""
LOADGEN_JSON = f"{OURS}/loadgen.json"
UNCOVERED = (STATEMENT, CLIENT_JOURNAL)
"""The statement itself, and the journal that the client goes on writing until it ends."""
LATER = tuple(f"{OURS}/{name}" for name in ("report.html", "report.pdf", "truth.csv"))
"""What wattrig writes into a session after it was signed: `wattrig report`, and `wattrig demo`."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


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
        extra: files that nobody signed.
        uncovered: those of `LATER` that were added.
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
        EvidenceError: there is more than `MOST_FILES`, or a folder cannot be read.
    """
    count = 0
    for folder, folders, names in os.walk(session, onerror=refuse_unreadable):
        if (count := count + len(folders) + len(names)) > MOST_FILES:
            raise EvidenceError(f"'{session}' holds over {MOST_FILES} files and folders, expected a session")
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in (*names, *links):
            yield (Path(folder) / name).relative_to(session).as_posix()


def take_digests(session: Path) -> dict[str, str]:
    """Get the SHA-256 of every file of a session by name, sorted.

    Raises:
        EvidenceError: there is a link, whose target would not be covered, or something else that is no plain file.
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
        EvidenceError: there is something in it that is no plain file, or a folder that cannot be read.
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
        with open_plain(path) as file:
            return parse_object(file.read(LARGEST_JSON))[0]
    except (OSError, EvidenceError):
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
        raise EvidenceError(f"this is no statement of a session: {wrong!r:.300}") from wrong


def _statement(found: dict[str, Any]) -> Statement:
    _require_keys(found, "_type", "predicateType", "subject", "predicate")
    if (found["_type"], found["predicateType"]) != (STATEMENT_TYPE, PREDICATE_TYPE):
        raise ValueError(f"got the types {found['_type']!r:.80} and {found['predicateType']!r:.80}")
    subjects = dict(map(_subject, found["subject"]))
    if len(subjects) != len(found["subject"]):
        raise ValueError("a file is named twice")
    predicate = found["predicate"]
    session, t_utc_ns, signers = _require_predicate(predicate)
    return Statement(session, t_utc_ns, subjects, signers, predicate)


def _require_predicate(found: dict[str, Any]) -> tuple[str, int, dict[str, str]]:
    _require_keys(found, "session", "t_utc_ns", "signers", *DESCRIBED)
    session, t_utc_ns, signers = found["session"], found["t_utc_ns"], found["signers"]
    if not isinstance(session, str):
        raise TypeError(f"got the session {session!r:.40}, expected its name")
    if type(t_utc_ns) is not int or not 0 <= t_utc_ns < 1 << 63:
        raise ValueError(f"got the time {t_utc_ns!r:.40}, expected nanoseconds UTC")
    if not set(signers) <= set(ROLES) or not all(isinstance(key, str) for key in signers.values()):
        raise ValueError(f"got the signers {signers!r:.200}, expected {' and '.join(ROLES)}")
    return session, t_utc_ns, dict(signers)


def _require_keys(found: dict[str, Any], *keys: str) -> None:
    # Another reader of in-toto may go by what this one would pass over, such as a second digest.
    if sorted(found) != sorted(keys):
        raise ValueError(f"got the keys {sorted(found)!r:.200}, expected {sorted(keys)!r}")


def _subject(entry: dict[str, Any]) -> tuple[str, str]:
    _require_keys(entry, "name", "digest")
    _require_keys(entry["digest"], "sha256")
    name, sha256 = entry["name"], entry["digest"]["sha256"]
    path = PurePosixPath(name)
    if path.as_posix() != name or path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(f"got the name {name!r:.200}, expected a file below the session")
    if _SHA256.fullmatch(sha256) is None:
        raise ValueError(f"got the SHA-256 {sha256!r:.80} of {name!r:.200}")
    return name, sha256


def compare(statement: Statement, session: Path) -> Comparison:
    """Hold the files of a session against its statement.

    Raises:
        EvidenceError: there are too many files, or a folder cannot be read.
        OSError: a file cannot be read.
    """
    here = set(list_files(session))
    stated = set(statement.subjects)
    changed = [name for name in here & stated if _differs(session / name, statement.subjects[name])]
    more = here - stated - set(UNCOVERED)
    later = {name for name in more.intersection(LATER) if is_plain(session / name)}
    return Comparison(*(tuple(sorted(names)) for names in (changed, stated - here, more - later, later)))


def is_plain(path: Path) -> bool:
    """Tell whether there is a file that is no link."""
    return path.is_file() and not path.is_symlink()


def _differs(path: Path, digest: str) -> bool:
    return not is_plain(path) or file_sha256(path) != digest
