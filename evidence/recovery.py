"""What a journal still tells of a session that was broken off, in the forms of its files."""

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evidence.journal import Kept, Record
from evidence.layout import PARTIAL, PHASE_FOLDERS
from evidence.ptd_protocol import RangesReply, parse_ranges, parse_sample, unmarked_line
from evidence.state import write_bytes_atomically, write_json
from evidence.summary import JSON_VERSION
from metrology.errors import EvidenceError

SET = re.compile(r"SR,([VA]),([^,]+)")
MESSAGE_KEYS = ("cmd", "cmd_time", "reply", "reply_time")


def summary_of(kept: Kept, reason: str) -> dict[str, Any]:
    """Put together what client.json or server.json would have held, as far as it is known.

    It has the keys of those files that a journal can fill, and `partial`: why it is not whole.
    """
    begun = next((record for record in kept.records if record["kind"] == "session"), {})
    return {
        "version": JSON_VERSION,
        "partial": {
            "reason": reason,
            "records": len(kept.records),
            "damages": [damage._asdict() for damage in kept.damages],
            "last_t_utc_ns": kept.records[-1]["t_utc_ns"] if kept.records else None,
        },
        "timezone": begun.get("timezone"),
        "messages": [{key: record.get(key) for key in MESSAGE_KEYS} for record in _heard(kept)],
        "uuid": begun.get("uuid"),
        "session_name": begun.get("session_name"),
        "phases": phases_of(kept),
        "ptd_messages": [
            {"cmd": record.get("cmd"), "reply": record.get("reply")} for record in _of(kept, "answered")
        ],
        "in_the_air": in_the_air(kept),
    }


def _of(kept: Kept, kind: str) -> list[Record]:
    return [record for record in kept.records if record["kind"] == kind]


def _heard(kept: Kept) -> list[Record]:
    """Get the messages without those that were taken back, since the client never heard the reply."""
    messages: list[Record] = []
    for record in kept.records:
        if record["kind"] == "message":
            messages.append(record)
        elif record["kind"] == "unheard":
            del messages[-1:]
    return messages


def phases_of(kept: Kept) -> dict[str, list[Any]]:
    """Get the moments of each phase that was begun, of its last attempt alone."""
    phases: dict[str, list[Any]] = {}
    for record in kept.records:
        if record["kind"] == "repeat":
            phases.pop(str(record.get("phase")), None)
        elif record["kind"] == "stamp":
            phases.setdefault(str(record.get("phase")), []).append(record.get("moment"))
    return phases


def last_phase(kept: Kept) -> str:
    """Get the phase begun last; "" before the first."""
    return next((phase for phase in reversed(PHASE_FOLDERS) if phase in phases_of(kept)), "")


def in_the_air(kept: Kept) -> list[str]:
    """Get the commands that were asked and not answered any more."""
    waiting: dict[str, str] = {}
    for record in kept.records:
        if record["kind"] == "asked":
            waiting[str(record.get("of"))] = str(record.get("cmd"))
        elif record["kind"] == "answered":
            waiting.pop(str(record.get("of")), None)
        elif record["kind"] == "message":
            waiting.pop("client", None)
    return list(waiting.values())


def owed_by(kept: Kept) -> dict[int, RangesReply]:
    """Get the ranges that a session found its analyzers with, by number, where it did not set them back."""
    found: dict[int, RangesReply] = {}
    settings: dict[tuple[int, str], str] = {}
    for record in kept.records:
        match record:
            case {"kind": "answered", "of": int(number), "cmd": "RR", "reply": str(reply)}:
                with contextlib.suppress(EvidenceError):
                    found.setdefault(number, parse_ranges(reply))
            case {"kind": "asked" | "answered", "of": int(number), "cmd": str(command)}:
                if words := SET.fullmatch(command):
                    # What is not answered yet, or was refused, may have come into effect or not.
                    is_set = str(record.get("reply")).startswith("Range")
                    settings[number, words[1]] = words[2] if is_set else ""
    return {number: each for number, each in found.items() if _is_changed(number, each, settings)}


def _is_changed(number: int, found: RangesReply, settings: dict[tuple[int, str], str]) -> bool:
    pairs = ((settings.get((number, "V")), found.voltage), (settings.get((number, "A")), found.current))
    return any(last not in (None, before) for last, before in pairs)


def sample_lines(kept: Kept, phase: str) -> dict[int, list[str]]:
    """Get the sample lines of each analyzer in the last attempt at a phase, as its daemon logged them."""
    lines: dict[int, list[str]] = {}
    for record in kept.records:
        if record["kind"] == "repeat" and record.get("phase") == phase:
            lines.clear()
        elif record["kind"] == "sample" and record.get("phase") == phase and isinstance(record.get("analyzer"), int):
            lines.setdefault(record["analyzer"], []).append(str(record.get("line")))
    return lines


def begun_ns(kept: Kept, phase: str) -> int:
    """Get when the last attempt at a phase was given way, UTC nanoseconds; 0 where there was but one."""
    times = [record["t_utc_ns"] for record in _of(kept, "repeat") if record.get("phase") == phase]
    return max(times, default=0)


def completed_by(journalled: Sequence[str], logged: Sequence[str], since_ns: int = 0) -> list[str]:
    """Complete what was journalled by what only the daemon's own log holds since a time; damaged lines are left out.

    A daemon that outlives its director goes on logging, so its log may hold more; where the machine itself went
    down, the journal may. The order is that of the two, the journal's first, as they were written.
    """
    later = [line for line in logged if _time_ns(line) > since_ns]
    return list(dict.fromkeys([line for line in journalled if _time_ns(line) > 0] + later))


def _time_ns(line: str) -> int:
    try:
        return parse_sample(unmarked_line(line)[0]).t_utc_ns
    except EvidenceError:
        return 0


def write_partial_log(session: Path, phase: str, analyzer: int, lines: Sequence[str]) -> None:
    """Write the samples of a phase that was not ended: `wattrig/partial/spl_analyzer_<n>_<phase>.txt`."""
    path = session / PARTIAL / f"spl_analyzer_{analyzer}_{phase}.txt"
    write_bytes_atomically(path, "".join(f"{line}\n" for line in lines).encode("ascii", "replace"))


def write_partial_summary(session: Path, name: str, kept: Kept, reason: str) -> None:
    """Write what is known of client.json or server.json into `wattrig/partial/`."""
    write_json(session / PARTIAL / name, summary_of(kept, reason))
