"""What `wattrig check` said of the sessions that are kept."""

import json
from typing import Any, NamedTuple

from console.plain import plain

MOST_FINDINGS, LONGEST_FINDING = 20, 300
MISSING = "FIL"
"""The rules on which files there are."""


class Verdict(NamedTuple):
    """What was judged."""

    strict: str = ""
    reference: str = ""
    round: str = ""
    mean_w: float | None = None
    energy_j: float | None = None
    findings: tuple[str, ...] = ()

    def of_half(self) -> "Verdict":
        """Get what this says of a session whose other half is on the measured machine: what is missing is no fault.

        The reference checker cannot judge a half at all.
        """
        broken = tuple(text for text in self.findings if not text.startswith(MISSING))
        return self._replace(strict="invalid" if broken else "incomplete", reference="incomplete", findings=broken)


NOT_JUDGED = Verdict("unknown", "unknown")


def verdicts_of(answer: bytes) -> dict[str, Verdict]:
    """Read what `wattrig check --format jsonl` told, by the path of each session."""
    return {str(each.get("path")): _verdict(each) for each in _objects(answer)}


def _objects(answer: bytes) -> list[dict[str, Any]]:
    try:
        found = [json.loads(line) for line in answer.splitlines() if line.strip()]
    except ValueError:
        return []
    return [each for each in found if isinstance(each, dict)]


def _verdict(found: dict[str, Any]) -> Verdict:
    verdicts, power = found.get("verdicts") or {}, found.get("power") or {}
    broken = [
        f"{each['code']} {each['message']}"[:LONGEST_FINDING]
        for each in found.get("findings", ())
        if each["outcome"] in ("fail", "error") and each["level"] == "required" and not each["ignored"]
    ]
    return Verdict(
        verdicts.get("strict", "unknown"),
        verdicts.get("reference", "unknown"),
        str(found.get("round", "")),
        power.get("mean_w"),
        power.get("energy_j"),
        tuple(dict.fromkeys(map(plain, broken)))[:MOST_FINDINGS],
    )
