"""client.json and server.json: what each side recorded of a session, written as the reference writes it."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from evidence.digest import loaded_modules, source_sha1, tree_sha1
from evidence.journal import Note, unnoted

JSON_VERSION = "1.0"


@dataclass(slots=True)
class Summary:
    """The record of one side of a session, filled in as the session goes.

    Attributes:
        rooms: the top level packages that this process uses; their digests go into `sources`.
        messages: each command with its reply, from the magic to the last `time` after `stop,testing`.
        phases: of each phase the four moments (start asked, measuring, stop asked, stopped).
        note: keeps each of them as it comes; see `keep`.
    """

    rooms: tuple[str, ...]
    client_uuid: UUID | None = None
    server_uuid: UUID | None = None
    session_name: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)
    phases: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    note: Note = unnoted

    def keep(self, note: Note) -> None:
        """Keep the record in a journal as well: who talks, what was said so far, and all that comes."""
        uuids = {"client": str(self.client_uuid), "server": str(self.server_uuid)}
        note("session", session_name=self.session_name, uuid=uuids, timezone=-time.localtime().tm_gmtoff)
        for message in self.messages:
            note("message", **message)
        self.note = note

    def message(self, cmd: str, cmd_time_s: float, reply: str, reply_time_s: float) -> None:
        """Record a command with its reply; Unix seconds."""
        self.messages.append({"cmd": cmd, "cmd_time": cmd_time_s, "reply": reply, "reply_time": reply_time_s})
        self.note("message", **self.messages[-1])

    def take_back(self, heard: int) -> int:
        """Forget the messages after the first `heard`, whose replies were lost: the client asks again; count them."""
        if count := len(self.messages) - heard:
            del self.messages[heard:]
            self.note("unheard", messages=count)
        return count

    def stamp(self, phase: str) -> None:
        """Record that the next of the four moments of a phase is now."""
        moment = (time.time(), time.monotonic())
        self.phases.setdefault(phase, []).append(moment)
        self.note("stamp", phase=phase, moment=moment)

    def forget(self, phase: str) -> None:
        """Begin the moments of a phase anew: it is going to be repeated."""
        self.phases.pop(phase, None)
        self.note("repeat", phase=phase)

    def as_json(self, folder: Path, files: tuple[str, ...], extra: dict[str, Any]) -> dict[str, Any]:
        """Get the record with the digests of `files` below `folder`, keys in the reference's order."""
        return {
            "version": JSON_VERSION,
            "timezone": -time.localtime().tm_gmtoff,
            "modules": loaded_modules(self.rooms),
            "sources": source_sha1(self.rooms),
            "messages": self.messages,
            "uuid": {"client": str(self.client_uuid), "server": str(self.server_uuid)},
            "session_name": self.session_name,
            "results": tree_sha1(folder, files),
            "phases": self.phases,
            **extra,
        }

    def save(self, path: Path, folder: Path, files: tuple[str, ...], extra: dict[str, Any] | None = None) -> None:
        """Write the record: indent 4, LF, no newline at the end, as the reference does."""
        path.write_text(json.dumps(self.as_json(folder, files, extra or {}), indent=4), "utf-8", newline="\n")
