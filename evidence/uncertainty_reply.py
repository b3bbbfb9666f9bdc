"""The reply to `Uncertainty`, read back, and the one that a run ended with."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from metrology.errors import EvidenceError

_FRACTION = r"(-?\d{1,20}\.\d{1,20})"
_REPLY = re.compile(
    rf"Uncertainty,{_FRACTION},{_FRACTION},{_FRACTION},(\d{{1,9}}),(\d{{1,9}}),(\d{{1,9}}),(\d{{1,9}})"
)


class UncertaintyReply(NamedTuple):
    """What PTDaemon tells of the uncertainty of a run, in the order of its reply.

    Attributes:
        mean, minimum, maximum: of the known uncertainties as fractions; -1, 1e7 and 0 where none is known.
        total: samples counted; missed ones are not.
        above, within: samples above the limit of 1 %, and those that are not.
        unknown: samples whose uncertainty cannot be known.
    """

    mean: float
    minimum: float
    maximum: float
    total: int
    above: int
    within: int
    unknown: int


def parse_uncertainty(reply: str) -> UncertaintyReply | None:
    """Read the reply to `Uncertainty`; None where the daemon refused to tell.

    Raises:
        EvidenceError: it is not `Uncertainty` with three fractions and four counts.
    """
    match = _REPLY.fullmatch(reply.strip())
    if match is None and reply.startswith("Uncertainty"):
        raise EvidenceError(f"got reply {reply[:80]!r}, expected 'Uncertainty,f,f,f,n,n,n,n'")
    if match is None:
        return None
    mean, minimum, maximum, *counts = match.groups()
    return UncertaintyReply(float(mean), float(minimum), float(maximum), *map(int, counts))


def last_of_run(messages: Iterable[tuple[str, str]], phase: str) -> UncertaintyReply | None:
    """Get the last reply of the run of a phase, which counts the sample in flight at `Stop`; None for none.

    Args:
        messages: commands to one daemon with their replies, in order.
        phase: "ranging" or "testing".

    Raises:
        EvidenceError: a reply is damaged.
    """
    found, running = None, False
    for command, reply in messages:
        if command.startswith("Go,"):
            running = command.endswith(f"_{phase}")
        elif running and command == "Uncertainty":
            found = parse_uncertainty(reply) or found
    return found
