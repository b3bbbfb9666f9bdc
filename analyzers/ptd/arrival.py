"""When what a client sent arrived, by the kernel's clock: not when this process came to look at it.

A director sends Go to all its meters at once. On a machine with fewer processors than daemons some of these come to
run milliseconds after their Go lay there, and a stamp of their own would tell of the queue for the processor.
"""

import socket
import struct
import sys
import time
from contextlib import suppress

STAMP = 64
"""SO_TIMESTAMPNS_NEW of Linux 5.1 and later (asm-generic/socket.h): ask for, and find, the moment of arrival."""
TIMESPEC = struct.Struct("=qq")
"""Seconds and nanoseconds, UTC."""


class StampedSocket(socket.socket):
    """A connection that knows when the bytes read last arrived.

    asyncio reads its connections by `recv` alone.

    Attributes:
        arrived_ns: the moment, UTC nanoseconds; that of reading where the kernel does not tell.
    """

    arrived_ns = 0

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive; see `socket.socket.recv`."""
        data, notes, _, _ = self.recvmsg(size, socket.CMSG_SPACE(TIMESPEC.size), flags)
        stamps = [told for level, kind, told in notes if (level, kind) == (socket.SOL_SOCKET, STAMP)]
        self.arrived_ns = stamp_ns(stamps[0]) if stamps else time.time_ns()
        return data


def stamped(connection: socket.socket) -> StampedSocket:
    """Take a connection over, and have the kernel stamp what comes where it can."""
    taken = StampedSocket(fileno=connection.detach())
    taken.setblocking(False)
    if sys.platform == "linux":
        with suppress(OSError):  # an older kernel
            taken.setsockopt(socket.SOL_SOCKET, STAMP, 1)
    return taken


def stamp_ns(told: bytes) -> int:
    """Get UTC nanoseconds from the kernel's seconds and nanoseconds."""
    seconds, nanoseconds = TIMESPEC.unpack(told)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)
