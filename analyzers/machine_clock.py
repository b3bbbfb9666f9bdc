"""Whether the system keeps this machine's clock, which every sample's time is taken from, to a time server."""

import ctypes
import struct
from collections.abc import Callable

from analyzers.preflight import Line, State

UNSYNCHRONIZED, ERROR = 0x40, 5
"""STA_UNSYNC in the status, and TIME_ERROR as the result of adjtimex; source: linux/timex.h."""
_SIZE, _MAXERROR, _STATUS = 256, 24, 40
"""Size that holds `struct timex` of a 64-bit Linux (208 bytes), and where two of its fields are."""
AdjTimeX = Callable[[ctypes.Array[ctypes.c_char]], int]


def clock_line(ask: AdjTimeX | None = None) -> Line:
    """Say how the clock is kept; `ask` is the system call, for tests."""
    buffer = ctypes.create_string_buffer(_SIZE)
    try:
        result = (ask or ctypes.CDLL(None).adjtimex)(buffer)
    except (OSError, AttributeError, TypeError):
        return Line(
            "clock", State.WARNING, "this system does not tell whether it is synchronized", "see its settings"
        )
    (max_error_us,) = struct.unpack_from("q", buffer, _MAXERROR)
    (status,) = struct.unpack_from("i", buffer, _STATUS)
    if result in (-1, ERROR) or status & UNSYNCHRONIZED:
        remedy = "start chrony or systemd-timesyncd: the samples bear this clock's time"
        return Line("clock", State.WARNING, "not synchronized to a time server", remedy)
    return Line("clock", State.OK, f"synchronized, to {max_error_us / 1000:.1f} ms at worst")
