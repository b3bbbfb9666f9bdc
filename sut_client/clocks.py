"""The clocks of a session: how far the director's is from ours, whether ours is right, when to refuse to measure."""

import time
from typing import NamedTuple

from evidence.clock_record import Burst, ClockRecord, NtpState
from evidence.traffic_log import TrafficLog
from metrology.errors import PeerError, SessionError
from sut_client import ntp
from sut_client.events import ClockMeasured, Observe
from sut_client.link import Link

CLOCK_LIMIT_MS = 400.0
"""Largest difference of our clock to the director's and to NTP; source: reference client, time_sync.py."""


class Agreed(NamedTuple):
    """The NTP server's time minus ours, milliseconds, and what our two clocks showed then, nanoseconds."""

    offset_ms: float
    utc_ns: int
    mono_ns: int

    @property
    def now_ms(self) -> float:
        """Carry the offset on to now by the monotonic clock, which nobody steps."""
        passed_ns = (time.monotonic_ns() - self.mono_ns) - (time.time_ns() - self.utc_ns)
        return self.offset_ms + passed_ns / 1e6


class Clocks:
    """Measures the clocks at the places where the reference client does, and keeps the record.

    Args:
        ntp_server: HOST or HOST:PORT, or empty to ask chrony on this machine.
        log: gets the lines of the reference client.
        observe: gets each offset.
    """

    def __init__(self, ntp_server: str, log: TrafficLog, observe: Observe) -> None:
        self.record = ClockRecord()
        self._ntp_server = ntp_server
        self._log = log
        self._observe = observe
        self._agreed: Agreed | None = None

    async def check(self, link: Link, where: str) -> None:
        """Check this machine's clock, then the director's against it.

        An NTP server that is lost on the way does not end the session: our clock is then held against its last time.

        Raises:
            SessionError: a clock is off by more than `CLOCK_LIMIT_MS`.
            PeerError: the NTP server that the operator named gives no time from the first, or as `Link.ask`.
        """
        server = f" and with {self._ntp_server}" if self._ntp_server else ""
        self._log.info(f"Synchronizing with the server{server}...")
        self.record.ntp.append(await self._ask_ntp(where) if self._ntp_server else await self._ask_chrony(where))
        await self.measure(link, where)

    async def measure(self, link: Link, where: str) -> None:
        """Measure the director's clock against ours; errors as `check`."""
        burst = await link.burst(where)
        self.record.bursts.append(burst)
        offset_ms, uncertainty_ms = burst.offset.offset_ns / 1e6, burst.offset.uncertainty_ns / 1e6
        self._observe(ClockMeasured(where, offset_ms, uncertainty_ms))
        early_ms, late_ms = bounds_ms(burst)
        self._log.info(
            "The time difference between the client and the server is within range "
            f"{early_ms:.3f} ms..{late_ms:.3f} ms"
        )
        if max(abs(early_ms), abs(late_ms)) > CLOCK_LIMIT_MS:
            raise SessionError(
                f"{where}: the director's clock minus this machine's is {offset_ms:+.3f} ms "
                f"(+-{uncertainty_ms:.3f} ms), expected at most {CLOCK_LIMIT_MS:g} ms either way",
                "let chrony or ntpd set the clocks of both machines (see: chronyc tracking), then start again",
            )

    async def _ask_ntp(self, where: str) -> NtpState:
        source = f"sntp {self._ntp_server}"
        try:
            answer = await ntp.query(self._ntp_server)
        except PeerError as problem:
            if self._agreed is None:
                raise
            self._carry_on(where, self._agreed, problem)
            return NtpState(where, source, problem=problem.message)
        self._log.info(f"NTP:offset = {answer.offset_ms / 1e3:.3f} s, delay = {answer.delay_ms / 1e3:.3f} s ")
        self._require_near(where, answer.offset_ms, f"(+-{answer.delay_ms / 2:.3f} ms)")
        self._agreed = Agreed(answer.offset_ms, time.time_ns(), time.monotonic_ns())
        return NtpState(where, source, True, answer.offset_ms, answer.delay_ms, answer.stratum)

    def _carry_on(self, where: str, agreed: Agreed, problem: PeerError) -> None:
        self._require_near(where, agreed.now_ms, f"by its last answer ({problem.message})")
        self._log.warning(
            f"{where}: {problem.message}; by its last answer and this machine's monotonic clock its time minus "
            f"this machine's is {agreed.now_ms:+.3f} ms, so the session goes on"
        )

    def _require_near(self, where: str, offset_ms: float, known: str) -> None:
        if abs(offset_ms) > CLOCK_LIMIT_MS:
            raise SessionError(
                f"{where}: the time of '{self._ntp_server}' minus this machine's is {offset_ms:+.3f} ms "
                f"{known}, expected at most {CLOCK_LIMIT_MS:g} ms either way",
                "let chrony or ntpd set the clock of this machine, then start again",
            )

    async def _ask_chrony(self, where: str) -> NtpState:
        tracking = await ntp.chrony_tracking()
        if tracking is None:
            return NtpState(where, "not checked")
        if not tracking.synchronised:
            self._log.warning("chrony says that this machine's clock is not synchronised")
        return NtpState(where, "chrony", tracking.synchronised, tracking.offset_ms, None, tracking.stratum)


def bounds_ms(burst: Burst) -> tuple[float, float]:
    """Get our clock minus the director's, milliseconds, when the best question was sent and when its answer came."""
    best = min((each for each in burst.exchanges if each.round_trip_ns >= 0), key=lambda each: each.round_trip_ns)
    return (best.sent_ns - best.peer_ns) / 1e6, (best.received_ns - best.peer_ns) / 1e6
