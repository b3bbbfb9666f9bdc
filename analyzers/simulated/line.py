"""The serial line of a simulated instrument: a pseudo terminal, and how long bytes take on RS-232.

The simulator holds the terminal's own end open too, so that programs can come and go as on a real port.
"""

import contextlib
import os
import tty
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from metrology.errors import ConfigError

BITS_PER_BYTE = 10
"""8N1: a start bit, eight bits of data, a stop bit."""
FIFO_BYTES = 16
"""After the first byte of an answer, bytes leave in groups of this size, as from the buffer of a serial port."""
LONGEST_MESSAGE = 4096
"""Longest message understood and most bytes held while one waits; a longer one is thrown away."""


class Wire:
    """When bytes arrive and leave at a baud rate; time comes in as an argument, in seconds.

    Args:
        baud: bits per second; 0 for no delay at all.
    """

    def __init__(self, baud: int) -> None:
        self._byte_s = BITS_PER_BYTE / baud if baud else 0.0
        self._arrived_s = self._left_s = 0.0
        self._open, self._overrun = bytearray(), False
        self._messages: deque[tuple[float, bytes | None]] = deque()
        self._held = 0
        self._leaving: deque[tuple[float, bytes]] = deque()

    def receive(self, data: bytes, now_s: float) -> None:
        """Take in what the other end has begun to send at `now_s`."""
        start_s = max(now_s, self._arrived_s)
        for count, byte in enumerate(data, 1):
            if byte == ord("\n"):
                self._finish(start_s + count * self._byte_s)
            elif len(self._open) + self._held < LONGEST_MESSAGE:
                self._open.append(byte)
            else:
                self._overrun = True
        self._arrived_s = start_s + len(data) * self._byte_s

    def _finish(self, at_s: float) -> None:
        if self._overrun:
            if not self._messages or self._messages[-1][1] is not None:
                self._messages.append((at_s, None))
        elif self._open:
            self._messages.append((at_s, bytes(self._open)))
            self._held += len(self._open)
        self._open, self._overrun = bytearray(), False

    def message(self, now_s: float) -> bytes | None:
        """Take the next message that has arrived by `now_s`: empty if none has, None if it was too long."""
        if not self._messages or self._messages[0][0] > now_s:
            return b""
        message = self._messages.popleft()[1]
        self._held -= len(message or b"")
        return message

    def send(self, data: bytes, now_s: float) -> None:
        """Begin to send at `now_s`, or after what is still leaving."""
        start_s = max(now_s, self._left_s)
        for first in (0, *range(1, len(data), FIFO_BYTES)):
            group = data[first : first + FIFO_BYTES] if first else data[:1]
            self._leaving.append((start_s + (first + len(group)) * self._byte_s, group))
        self._left_s = start_s + len(data) * self._byte_s

    def outgoing(self, now_s: float) -> bytes:
        """Take the bytes that have left by `now_s`."""
        groups = []
        while self._leaving and self._leaving[0][0] <= now_s:
            groups.append(self._leaving.popleft()[1])
        return b"".join(groups)

    def next_s(self, listening: bool) -> float:
        """Get when the next group leaves or, while `listening`, the next message is complete; infinity for never."""
        times = [queue[0][0] for queue in (self._leaving, self._messages if listening else ()) if queue]
        return min(times, default=float("inf"))


class Port:
    """One end of a pseudo terminal; its other end is what a program opens.

    Attributes:
        name: the device that programs open.
        fd: to wait on for input.
    """

    def __init__(self) -> None:
        self.fd, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.fd, False)
        self.name = os.ttyname(self._slave)

    def read(self) -> bytes:
        """Get what has come; empty for nothing."""
        with contextlib.suppress(BlockingIOError):
            return os.read(self.fd, LONGEST_MESSAGE)
        return b""

    def write(self, data: bytes) -> None:
        """Put bytes on the line; without handshake they are lost while nobody reads and the buffer is full."""
        with contextlib.suppress(BlockingIOError):
            os.write(self.fd, data)

    def close(self) -> None:
        """Give the terminal back."""
        os.close(self.fd)
        os.close(self._slave)


@contextlib.contextmanager
def linked(link: Path, target: str) -> Iterator[None]:
    """Have a symbolic link to `target` at `link`, made in one step and gone at the end.

    Raises:
        ConfigError: something that is no symbolic link is there, or the link cannot be made.
    """
    if link.exists() and not link.is_symlink():
        raise ConfigError(f"'{link}' exists and is no symbolic link", "name a path that is free")
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    try:
        fresh.symlink_to(target)
        fresh.replace(link)
    except OSError as problem:
        raise ConfigError(f"the link '{link}' cannot be made: {problem}", "does its folder exist?") from problem
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if link.readlink() == Path(target):
                link.unlink()
