"""Why a submission is not built: each reason with a code and what to do, and which of them may be let pass."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

TITLES = {
    "PKG001": "Two results want one place",
    "PKG002": "A result stands where its run does not belong",
    "PKG003": "Results of one system come from different machines or analyzers",
    "PKG004": "The description of a system lacks required fields",
    "PKG005": "The description of a system lacks fields about power",
    "PKG006": "A question about power settings has no answer",
    "PKG007": "An accuracy run is not complete",
    "PKG008": "A user.conf says what LoadGen does not know, did not do, or the division does not allow",
    "PKG009": "measurements.json lacks fields",
    "PKG010": "LoadGen is not the round's",
    "PKG011": "An audit.config lies where a test ran",
    "PKG012": "The design power is not the sum of its supplies",
    "PKG013": "A file or folder has a name or size that the submission checker refuses",
    "PKG014": "A document is missing",
    "PKG015": "A compliance run is missing or failed",
    "PKG016": "A session stands for results that it cannot stand for",
    "PKG017": "A benchmark is not of the round",
    "PKG018": "A benchmark lacks a scenario, or has one that it must not have",
    "PKG019": "A run has other samples than its benchmark wants",
}
FINAL = frozenset({"PKG001", "PKG002", "PKG007", "PKG009", "PKG013", "PKG016", "FIL001", "FIL005"})
"""What no reason lets pass: what is built would not be a submission, or its measured files were changed."""


class Refusal(NamedTuple):
    """One reason.

    Attributes:
        code: of this module, or of the rule that a session breaks.
        where: the file or the result it is about.
        message: what is wrong, with got and expected.
        hint: what to do.
    """

    code: str
    where: str
    message: str
    hint: str


class Allowed(NamedTuple):
    """A reason that was let pass, and why."""

    code: str
    because: str
    where: str
    message: str


def sort_out(refusals: Iterable[Refusal], allowed: Mapping[str, str]) -> tuple[list[Refusal], list[Allowed]]:
    """Part what refuses from what was let pass.

    Args:
        refusals: all reasons.
        allowed: codes with the reason for letting them pass.
    """
    refused, passed = [], []
    for each in dict.fromkeys(refusals):
        if each.code in allowed and each.code not in FINAL:
            passed.append(Allowed(each.code, allowed[each.code], each.where, each.message))
        else:
            refused.append(each)
    return refused, passed
