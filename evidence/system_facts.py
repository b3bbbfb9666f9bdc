"""wattrig/system.json: what the measured machine says of itself, each fact with where it comes from.

`{"schema": 1, "t_utc_ns": ..., "facts": {"cpu.model": {"value": ..., "source": "/proc/cpuinfo"}, ...}}`. What could
not be found out has the value null, and its source says why; nothing is ever guessed.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from evidence.bounded_json import parse_object
from evidence.digest import open_plain
from evidence.layout import OURS
from evidence.state import write_bytes_atomically
from metrology.errors import EvidenceError

SYSTEM_JSON = f"{OURS}/system.json"
SCHEMA = 1
LARGEST_BYTES = 4 << 20
"""Largest file that is read; one of a machine with 16 GPUs and 200 disks has about 60 kB."""


class Fact(NamedTuple):
    """What is known of one thing.

    Attributes:
        value: as JSON has it; None where it is unknown.
        source: the file or interface it comes from; of what is unknown, why.
    """

    value: Any
    source: str


Facts = Mapping[str, Fact]


def facts_bytes(facts: Facts, t_utc_ns: int | None = None) -> bytes:
    """Get the content of a system.json, made now or at `t_utc_ns`."""
    found = {name: fact._asdict() for name, fact in facts.items()}
    document = {"schema": SCHEMA, "t_utc_ns": time.time_ns() if t_utc_ns is None else t_utc_ns, "facts": found}
    return (json.dumps(document, indent=2) + "\n").encode()


def write_facts(path: Path, facts: Facts) -> None:
    """Write a system.json.

    Raises:
        OSError: the file cannot be written.
    """
    write_bytes_atomically(path, facts_bytes(facts))


def read_facts(path: Path) -> dict[str, Fact]:
    """Read a system.json back.

    Raises:
        EvidenceError: it cannot be read, or is no such file.
    """
    try:
        with open_plain(path) as file:
            content = file.read(LARGEST_BYTES + 1)
    except OSError as problem:
        raise EvidenceError(f"'{path}' cannot be read: {problem.strerror}") from problem
    if len(content) > LARGEST_BYTES:
        raise EvidenceError(f"'{path}' has over {LARGEST_BYTES} bytes, expected some 20,000")
    values, _, error = parse_object(content)
    found = values.get("facts")
    if error or not isinstance(found, dict):
        raise EvidenceError(f"'{path}' is no description of a system: {error or 'it has no facts'}")
    return {
        name: Fact(fact.get("value"), str(fact.get("source", "")))
        for name, fact in found.items()
        if isinstance(fact, dict)
    }
