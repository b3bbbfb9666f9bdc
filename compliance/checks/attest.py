"""Rules that no package can show to be kept."""

from compliance.facts import SessionFacts
from compliance.findings import Ask, Findings


def by_a_person(_: SessionFacts, ask: Ask) -> Findings:
    """Say that only a person can attest this."""
    ask.not_applicable("only a person can attest this")
