"""What the rules across a tree need to know of one session; small, so that all of a round fit into memory."""

from typing import NamedTuple

import numpy as np

from compliance.facts import SessionFacts
from compliance.findings import MissingFactError
from evidence.ptd_protocol import Identity, parse_identity
from scoring.energy import inside


class Traits(NamedTuple):
    """What tells one session from another, and what it was measured with.

    Attributes:
        session_name: as the director named it.
        uuids: the identifiers that client and director drew; empty where they drew none.
        samples_sha1: of run_1/spl.txt; empty where it was not read, or holds no sample.
        identities: the replies to `Identify`, one for each analyzer.
        scenario: the one that LoadGen ran; empty where its log does not say.
        highest_w: the highest true power of a sample in the window; None where there is none.
    """

    session_name: str = ""
    uuids: tuple[str, str] = ("", "")
    samples_sha1: str = ""
    identities: tuple[str, ...] = ()
    scenario: str = ""
    highest_w: float | None = None

    @property
    def analyzers(self) -> tuple[Identity, ...]:
        """What each analyzer says of itself."""
        return tuple(parse_identity(reply) for reply in self.identities)


def traits_of(facts: SessionFacts) -> Traits:
    """Take the traits of a session out of its facts."""
    samples = facts.power_logs["testing"]
    return Traits(
        facts.server.session_name or facts.client.session_name,
        (facts.client.client_uuid, facts.server.server_uuid),
        samples.file.sha1 if len(samples.lines) else "",
        tuple(reply for sent, reply in facts.server.ptd_messages if sent == "Identify")[:64],
        facts.loadgen_logs["testing"].detail.text("effective_scenario") or "",
        _highest_w(facts),
    )


def _highest_w(facts: SessionFacts) -> float | None:
    try:
        log, window = facts.power_log("testing"), facts.window("testing")
    except MissingFactError:
        return None
    power = log.true_power_w()[inside(log.t_utc_ns, window.begin_ns, window.end_ns)]
    good = power[np.isfinite(power)]
    return float(good.max()) if len(good) else None
