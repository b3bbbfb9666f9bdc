"""Offset between two clocks from an exchange of stamps, with its uncertainty.

One exchange: the client stamps `sent_ns`, the director answers with its own `peer_ns`, the client stamps
`received_ns`. The director's stamp was taken somewhere in the round trip, so offset = peer - middle, known to half
the round trip; nothing more can be said without assuming that both ways take equally long. Of many exchanges the one
with the shortest round trip bounds the offset best (the minimum-delay filter of NTP, RFC 5905).
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and answer about the time; nanoseconds UTC, each on its own clock."""

    sent_ns: int
    peer_ns: int
    received_ns: int

    @property
    def round_trip_ns(self) -> int:
        """Time from question to answer on the asking clock, nanoseconds."""
        return self.received_ns - self.sent_ns

    @property
    def offset_ns(self) -> float:
        """Peer's clock minus ours, nanoseconds, if both ways take equally long."""
        return (2 * self.peer_ns - self.sent_ns - self.received_ns) / 2


@dataclass(frozen=True, slots=True)
class Offset:
    """Peer's clock minus ours at a moment.

    Attributes:
        t_utc_ns: the middle of the best exchange, on our clock.
        offset_ns: the estimate; the true value lies within `uncertainty_ns` of it.
        uncertainty_ns: half the shortest round trip (plus half a step of the peer's stamps).
        exchanges: how many exchanges were looked at.
    """

    t_utc_ns: int
    offset_ns: float
    uncertainty_ns: float
    exchanges: int


def estimate_offset(exchanges: Sequence[Exchange], peer_step_ns: int = 0) -> Offset:
    """Estimate the offset from at least one exchange; the one with the shortest round trip decides.

    Raises:
        ValueError: no exchange with a round trip of zero or more was given.
    """
    usable = [exchange for exchange in exchanges if exchange.round_trip_ns >= 0]
    if not usable:
        raise ValueError("no exchange of time stamps to estimate a clock offset from")
    best = min(usable, key=lambda exchange: exchange.round_trip_ns)
    return Offset(
        t_utc_ns=(best.sent_ns + best.received_ns) // 2,
        offset_ns=best.offset_ns,
        uncertainty_ns=best.round_trip_ns / 2 + peer_step_ns / 2,
        exchanges=len(usable),
    )


def drift_ppm(first: Offset, last: Offset) -> tuple[float, float] | None:
    """Get how fast the peer's clock runs against ours and the uncertainty of that, both in parts per million.

    None where the two offsets were taken at the same moment.
    """
    span_ns = last.t_utc_ns - first.t_utc_ns
    if span_ns <= 0:
        return None
    rate = (last.offset_ns - first.offset_ns) / span_ns * 1e6
    return rate, (first.uncertainty_ns + last.uncertainty_ns) / span_ns * 1e6
