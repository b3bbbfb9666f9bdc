"""client.json and server.json as a stranger left them: a typed record with notes, and the JSON itself.

The record holds what has the right type; what has not is left out and noted, so that a rule sees what is missing.
`raw` is the object as Python's json reads it (the last of double keys, NaN allowed), for the checks that must do
what the reference does.
"""

import math
from pathlib import Path
from typing import Any, NamedTuple

from evidence.bounded_json import Notes, parse_object
from evidence.source import Damage, FileFacts, read_bytes

LARGEST_BYTES = 16 << 20
"""Largest file that is parsed; the largest published one has 9.7 kB."""
MOST_ENTRIES = 100_000


class Exchange(NamedTuple):
    """A command of the client with its reply; Unix seconds on the clock of the side that recorded it."""

    command: str
    command_time_s: float
    reply: str
    reply_time_s: float


class Phase(NamedTuple):
    """The four moments of a phase as (wall, monotonic) seconds: start asked, measuring, stop asked, stopped."""

    points: tuple[tuple[float, float], ...]

    @property
    def wall_s(self) -> tuple[float, ...]:
        """The moments on the wall clock, Unix seconds."""
        return tuple(wall for wall, _ in self.points)


class PtdConfig(NamedTuple):
    """How one PTDaemon was started."""

    command: tuple[str, ...]
    device_type: int | None
    interface_flag: str
    device_port: str
    channels: tuple[int, ...]


class SessionRecord(NamedTuple):
    """What one side recorded of a session.

    Attributes:
        raw: the object as json reads it; empty where the file holds none.
        parsed: whether the file holds a JSON object.
        error: why not, in the words of the parser.
        notes: what has a wrong type, is double or not finite.
        timezone_s: seconds to add to local time to get UTC.
        ptd_messages: commands to PTDaemon with replies, director only.
        ptd_configs: one per analyzer, director only.
        debug: the value of `debug`; False where it is absent.
    """

    file: FileFacts
    raw: dict[str, Any]
    parsed: bool
    error: str
    notes: tuple[Damage, ...]
    version: str = ""
    timezone_s: float | None = None
    session_name: str = ""
    client_uuid: str = ""
    server_uuid: str = ""
    sources: dict[str, str] | None = None
    results: dict[str, str] | None = None
    messages: tuple[Exchange, ...] = ()
    phases: dict[str, Phase] | None = None
    ptd_messages: tuple[tuple[str, str], ...] = ()
    ptd_configs: tuple[PtdConfig, ...] = ()
    debug: object = False

    def ptd_reply(self, command: str) -> str | None:
        """Get the reply to the first such command to PTDaemon; None where it was not sent."""
        return next((reply for sent, reply in self.ptd_messages if sent == command), None)

    def ptd_replies(self, start: str) -> list[tuple[str, str]]:
        """Get the commands to PTDaemon that begin so, with their replies, in order."""
        return [(sent, reply) for sent, reply in self.ptd_messages if sent.startswith(start)]


class _Typed:
    """Gets values of the right type out of an object; notes those of a wrong one."""

    def __init__(self, raw: dict[str, Any], notes: Notes) -> None:
        self.raw = raw
        self.notes = notes

    def _wrong(self, name: str, value: object, expected: str) -> None:
        if value is not None:
            self.notes.add(f"'{name}' is {type(value).__name__}, expected {expected}")

    def text(self, name: str) -> str:
        """Get a text; empty where there is none."""
        value = self.raw.get(name)
        if isinstance(value, str):
            return value
        self._wrong(name, value, "text")
        return ""

    def number(self, name: str, value: object) -> float | None:
        """Get a finite number; None for anything else."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            try:
                found = float(value)
            except OverflowError:
                found = math.inf
            if math.isfinite(found):
                return found
            self.notes.add(f"'{name}' holds a number that is not finite")
        else:
            self._wrong(name, value, "a number")
        return None

    def texts(self, name: str) -> dict[str, str] | None:
        """Get an object of texts; None where there is none."""
        value = self.raw.get(name)
        if not isinstance(value, dict):
            self._wrong(name, value, "an object")
            return None
        if not all(isinstance(entry, str) for entry in value.values()):
            self.notes.add(f"'{name}' holds a value that is no text")
        return {key: entry for key, entry in value.items() if isinstance(entry, str)}

    def objects(self, name: str) -> list[dict[str, Any]]:
        """Get a list of objects; what is none is left out."""
        value = self.raw.get(name)
        if not isinstance(value, list):
            self._wrong(name, value, "a list")
            return []
        if not all(isinstance(entry, dict) for entry in value):
            self.notes.add(f"'{name}' holds an entry that is no object")
        return [entry for entry in value[:MOST_ENTRIES] if isinstance(entry, dict)]


def _exchange(entry: dict[str, Any], notes: Notes) -> Exchange:
    found = Exchange(entry.get("cmd"), entry.get("cmd_time"), entry.get("reply"), entry.get("reply_time"))  # type: ignore[arg-type]
    if [type(value) for value in found] == [str, float, str, float] and math.isfinite(found[1] + found[3]):
        return found
    inner = _Typed(entry, notes)
    times = [inner.number(name, entry.get(name)) for name in ("cmd_time", "reply_time")]
    sent, received = (math.nan if time is None else time for time in times)
    return Exchange(inner.text("cmd"), sent, inner.text("reply"), received)


def _phase(typed: _Typed, name: str, points: object) -> Phase | None:
    if not isinstance(points, list):
        typed.notes.add(f"'phases' holds no list for '{name[:60]}'")
        return None
    found = []
    for point in points[:MOST_ENTRIES]:
        pair = point if isinstance(point, list) and len(point) == 2 else [None, None]
        wall, monotonic = (typed.number("phases", value) for value in pair)
        if wall is None or monotonic is None:
            typed.notes.add(f"'phases' holds a moment of '{name[:60]}' that is no pair of numbers")
            return None
        found.append((wall, monotonic))
    return Phase(tuple(found))


def _phases(typed: _Typed) -> dict[str, Phase] | None:
    value = typed.raw.get("phases")
    if not isinstance(value, dict):
        if value is not None:
            typed.notes.add("'phases' is no object")
        return None
    return {name: phase for name, points in value.items() if (phase := _phase(typed, name, points))}


def _ptd_config(entry: dict[str, Any], notes: Notes) -> PtdConfig:
    inner = _Typed(entry, notes)
    command, channels, number = entry.get("command"), entry.get("channel"), entry.get("device_type")
    return PtdConfig(
        tuple(word for word in command if isinstance(word, str)) if isinstance(command, list) else (),
        number if isinstance(number, int) and not isinstance(number, bool) else None,
        inner.text("interface_flag"),
        inner.text("device_port"),
        tuple(n for n in channels if isinstance(n, int)) if isinstance(channels, list) else (),
    )


def _ptd_configs(typed: _Typed) -> tuple[PtdConfig, ...]:
    value = typed.raw.get("ptd_config")
    entries = value if isinstance(value, list) else [value]
    return tuple(_ptd_config(entry, typed.notes) for entry in entries if isinstance(entry, dict))


def read_session_json(path: Path, name: str, within: Path | None = None) -> SessionRecord:
    """Read client.json or server.json; whatever it holds is data or a note, never an exception.

    Args:
        path: the file.
        name: what to call it in findings.
        within: the folder that a link must not lead out of.
    """
    content, file = read_bytes(path, name, LARGEST_BYTES, within)
    if not file.was_read:
        return SessionRecord(file, {}, False, file.reason, ())
    if file.size_bytes > LARGEST_BYTES:
        return SessionRecord(file, {}, False, f"has over {LARGEST_BYTES} bytes", file.damage)
    raw, found, error = parse_object(content)
    if error:
        return SessionRecord(file, {}, False, error, found)
    return _record(file, raw, found)


def _record(file: FileFacts, raw: dict[str, Any], found: tuple[Damage, ...]) -> SessionRecord:
    notes = Notes()
    notes.found += found
    typed = _Typed(raw, notes)
    uuid = _Typed(raw["uuid"] if isinstance(raw.get("uuid"), dict) else {}, notes)
    ptd = [_Typed(entry, notes) for entry in typed.objects("ptd_messages")]
    values: dict[str, Any] = {
        "version": typed.text("version"),
        "timezone_s": typed.number("timezone", raw.get("timezone")),
        "session_name": typed.text("session_name"),
        "client_uuid": uuid.text("client"),
        "server_uuid": uuid.text("server"),
        "sources": typed.texts("sources"),
        "results": typed.texts("results"),
        "messages": tuple(_exchange(entry, notes) for entry in typed.objects("messages")),
        "phases": _phases(typed),
        "ptd_messages": tuple((entry.text("cmd"), entry.text("reply")) for entry in ptd),
        "ptd_configs": _ptd_configs(typed),
        "debug": raw.get("debug", False),
    }
    return SessionRecord(file, raw, True, "", tuple(notes.found), **values)
