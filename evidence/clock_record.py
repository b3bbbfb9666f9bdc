"""`wattrig/clock.json`: how far the director's clock was from the client's, how sure that is, and who keeps the time.

All that is derived (offset, uncertainty, drift) is computed anew from the exchanges when a record is read; the
figures in the file are for people. Offsets are the director's clock minus the client's.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evidence.digest import open_plain
from evidence.layout import OURS
from evidence.state import write_bytes_atomically
from metrology.clock import Exchange, Offset, drift_ppm, estimate_offset
from metrology.errors import EvidenceError

CLOCK_JSON = f"{OURS}/clock.json"
SCHEMA = 1
LARGEST_FILE = 16 << 20
PEER_STEP_NS = 239
"""Spacing of a double at today's Unix time, nanoseconds (2^-22 s): the finest step of a reply to `time`."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Exchanges of time made one after the other, and where in the session."""

    where: str
    exchanges: tuple[Exchange, ...]

    @property
    def offset(self) -> Offset:
        """Get the estimate of the exchange with the shortest round trip; ValueError where there is none."""
        return estimate_offset(self.exchanges, PEER_STEP_NS)


@dataclass(frozen=True, slots=True)
class NtpState:
    """Who keeps the client's clock, as found at one place of the session.

    Attributes:
        where: the place.
        source: "sntp HOST", "chrony", or "not checked".
        synchronised: None where nobody could tell.
        offset_ms: true time minus the client's clock, milliseconds, as the source says.
        delay_ms: the round trip to the source, milliseconds.
        stratum: how many steps from a reference clock the source is; 1 to 15.
        problem: why the source gave no time there, although it had before; "" where it gave it.
    """

    where: str
    source: str
    synchronised: bool | None = None
    offset_ms: float | None = None
    delay_ms: float | None = None
    stratum: int | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ClockRecord:
    """All that is known of the clocks of a session."""

    bursts: list[Burst] = field(default_factory=list)
    ntp: list[NtpState] = field(default_factory=list)

    @property
    def best(self) -> Offset | None:
        """Get the offset that is known best."""
        return min((burst.offset for burst in self.bursts), key=lambda found: found.uncertainty_ns, default=None)

    @property
    def drift(self) -> tuple[float, float] | None:
        """Get the drift from the first to the last burst and its uncertainty, parts per million."""
        return drift_ppm(self.bursts[0].offset, self.bursts[-1].offset) if self.bursts else None


def _offset_json(offset: Offset | None) -> dict[str, Any]:
    if offset is None:
        return {"offset_ms": None, "uncertainty_ms": None}
    return {"offset_ms": offset.offset_ns / 1e6, "uncertainty_ms": offset.uncertainty_ns / 1e6}


def _burst_json(burst: Burst) -> dict[str, Any]:
    stamps = [[exchange.sent_ns, exchange.peer_ns, exchange.received_ns] for exchange in burst.exchanges]
    moment = burst.offset
    return {"where": burst.where, "t_utc_ns": moment.t_utc_ns, **_offset_json(moment), "exchanges_ns": stamps}


def write_clock(session: Path, record: ClockRecord) -> None:
    """Write the record into a session's folder; every burst holds at least one usable exchange."""
    drift = record.drift or (None, None)
    content = {
        "schema": SCHEMA,
        **_offset_json(record.best),
        "drift_ppm": drift[0],
        "drift_uncertainty_ppm": drift[1],
        "ntp": [asdict(state) for state in record.ntp],
        "bursts": [_burst_json(burst) for burst in record.bursts],
    }
    write_bytes_atomically(session / CLOCK_JSON, (json.dumps(content, indent=1) + "\n").encode())


def read_clock(session: Path) -> ClockRecord | None:
    """Read the record of a session; None where there is none.

    Raises:
        EvidenceError: the file is there, but is not such a record.
    """
    path = session / CLOCK_JSON
    try:
        with open_plain(path) as file:
            found = json.loads(file.read(LARGEST_FILE))
        if found["schema"] != SCHEMA:
            raise ValueError(f"got schema {found['schema']!r}, expected {SCHEMA}")
        return ClockRecord([_burst(each) for each in found["bursts"]], [NtpState(**each) for each in found["ntp"]])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as problem:
        raise EvidenceError(f"'{path}' is no record of clocks: {problem}") from problem


def _burst(found: dict[str, Any]) -> Burst:
    exchanges = []
    for stamps in found["exchanges_ns"]:
        sent_ns, peer_ns, received_ns = stamps
        if not all(type(stamp) is int and 0 <= stamp < 1 << 63 for stamp in stamps):
            raise ValueError(f"got the exchange {stamps!r}, expected three times in nanoseconds")
        exchanges.append(Exchange(sent_ns, peer_ns, received_ns))
    burst = Burst(str(found["where"]), tuple(exchanges))
    estimate_offset(burst.exchanges)
    return burst
