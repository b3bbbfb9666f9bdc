"""How much a peer may say: a bucket that fills at a steady rate and that each line empties a little."""

import time
from collections.abc import Callable

from metrology.errors import PeerError

PER_LINE = 100
"""What a line counts beside its characters: what it costs to be recorded."""
MOST_TOTAL = 1 << 20
"""Most that one connection may say, characters; a whole session of the reference client says 2,000."""
BURST_LINES = 400
"""Lines that are answered at once; a session of our client sends 100 to 150 in all."""
LINES_PER_S = 50.0
"""Lines a second that are answered after that."""


class Allowance:
    """What one peer may still say.

    Args:
        clock: tells seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lines = float(BURST_LINES)
        self._total = 0
        self._last_s = clock()

    def spend(self, line: str) -> float:
        """Count a line; get how long its answer must wait, seconds.

        Raises:
            PeerError: the peer said more than any session needs.
        """
        self._total += len(line) + PER_LINE
        if self._total > MOST_TOTAL:
            raise PeerError(
                f"the peer sent over {MOST_TOTAL} characters of commands, expected far fewer in a session"
            )
        now_s = self._clock()
        self._lines = min(BURST_LINES, self._lines + (now_s - self._last_s) * LINES_PER_S) - 1
        self._last_s = now_s
        return max(0.0, -self._lines / LINES_PER_S)
