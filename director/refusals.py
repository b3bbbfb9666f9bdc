"""What is told of clients that are turned away: why, one by one, until so many come that they are only counted."""

import asyncio
from collections.abc import Callable

from evidence.traffic_log import TrafficLog

MOST_TOLD = 20
WINDOW_S = 10.0
"""So many are told in such a time: a flood must neither bury what matters nor keep the director busy with writing."""


class Refusals:
    """Tells of refusals.

    Args:
        log: gets them.
    """

    def __init__(self, log: TrafficLog) -> None:
        self._log = log
        self._count = 0
        self._window: asyncio.TimerHandle | None = None

    def tell(self, say: Callable[[str], None], client: str, reason: str) -> None:
        """Tell that a client is turned away, and why; `say` is the log's method for it."""
        if self._window is None:
            self._window = asyncio.get_running_loop().call_later(WINDOW_S, self.sum_up)
        self._count += 1
        if self._count <= MOST_TOLD:
            say(f"Turned {client} away: {reason}")

    def sum_up(self) -> None:
        """Tell how many more there were than were told."""
        if self._window is not None:
            self._window.cancel()
        untold = self._count - MOST_TOLD
        self._count, self._window = 0, None
        if untold > 0:
            self._log.warning(f"Turned {untold} more clients away within {WINDOW_S:g} s")
