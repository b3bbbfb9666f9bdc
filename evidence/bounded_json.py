"""JSON from strangers, parsed within bounds; what is no good JSON but Python takes is noted."""

import json
from itertools import accumulate
from typing import Any

from evidence.source import Damage

DEEPEST = 64
"""Deepest nesting of arrays and objects; published files have four levels."""
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in _STEPS)


class Notes:
    """Collects what is wrong; each kind of it once."""

    def __init__(self) -> None:
        self.found: list[Damage] = []

    def add(self, text: str) -> None:
        """Keep a note; the first hundred."""
        damage = Damage(None, text)
        if len(self.found) < 100 and damage not in self.found:
            self.found.append(damage)

    def pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        """Make an object of what json found, noting double keys."""
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            double = next(name for name in names if names.count(name) > 1)
            self.add(f"the key {double[:60]!r} occurs twice in one object; the last one counts")
        return found

    def constant(self, name: str) -> float:
        """Take NaN and Infinity, which are no JSON, as Python does, and note it."""
        self.add(f"holds {name}, which is no JSON")
        return float(name)


def depth_exceeds(text: bytes, limit: int) -> bool:
    """Tell whether brackets, those within texts counted too, nest deeper than `limit`."""
    if text.count(b"[") + text.count(b"{") <= limit:
        return False
    brackets = text.translate(None, _NO_BRACKETS)
    return any(map(limit.__lt__, accumulate(map(_STEPS.__getitem__, brackets))))


def parse_object(content: bytes) -> tuple[dict[str, Any], tuple[Damage, ...], str]:
    """Parse a JSON object within bounds: the object, notes, and why it could not be parsed ("" where it could)."""
    notes = Notes()
    try:
        if depth_exceeds(content, DEEPEST):
            raise ValueError(f"nested deeper than {DEEPEST} levels")
        found = json.loads(content.decode(), object_pairs_hook=notes.pairs, parse_constant=notes.constant)
    except (ValueError, RecursionError) as problem:
        return {}, tuple(notes.found), str(problem)[:200] or "no JSON"
    if not isinstance(found, dict):
        return {}, tuple(notes.found), f"holds {type(found).__name__}, expected an object"
    return found, tuple(notes.found), ""
