"""How programs reach a simulated instrument: a serial port or a raw TCP socket; VXI-11 is in `vxi11`.

A front carries bytes and nothing else. What goes to nobody is lost, as on a cable without an end.
"""

import contextlib
import math
import socket
from pathlib import Path
from typing import Protocol

from analyzers.simulated.line import LONGEST_MESSAGE, Port, linked
from metrology.errors import ConfigError

HOST = "127.0.0.1"
"""A simulated instrument knows nobody but this machine."""


class Front(Protocol):
    """What programs reach the instrument by.

    Attributes:
        name: what they are given to open it.
        line_end: what ends an answer.
    """

    name: str
    line_end: bytes

    def descriptors(self) -> list[int]:
        """Get what to wait on for input."""

    def receive(self, now_s: float) -> bytes:
        """Get what has come, without waiting; also called when `due_s` has come."""

    def send(self, data: bytes) -> None:
        """Send what leaves the instrument."""

    def due_s(self) -> float:
        """Get when the front has something to do by itself; infinity for never."""

    def plug(self) -> None:
        """Appear again where it was."""

    def unplug(self) -> None:
        """Be gone for those who have it open and for those who look for it."""


class PtyFront:
    """RS-232: a pseudo terminal behind a symbolic link; answers end with CR LF (IM WT310E-17EN).

    Raises:
        ConfigError: the link cannot be made.
    """

    line_end = b"\r\n"

    def __init__(self, link: Path) -> None:
        self._link = link
        self._stack = contextlib.ExitStack()
        self._port: Port | None = None
        self.plug()
        self.name = str(link)

    def descriptors(self) -> list[int]:
        """See `Front`."""
        return [] if self._port is None else [self._port.fd]

    def receive(self, now_s: float) -> bytes:
        """See `Front`."""
        return b"" if self._port is None else self._port.read()

    def send(self, data: bytes) -> None:
        """See `Front`."""
        if self._port is not None:
            self._port.write(data)

    def due_s(self) -> float:
        """See `Front`."""
        return math.inf

    def plug(self) -> None:
        """See `Front`."""
        with contextlib.ExitStack() as stack:
            port = stack.enter_context(contextlib.closing(Port()))
            stack.enter_context(linked(self._link, port.name))
            self._stack, self._port = stack.pop_all(), port

    def unplug(self) -> None:
        """See `Front`."""
        self._port = None
        self._stack.close()


class Listener:
    """A TCP port of this machine that one client at a time is served on; the next one waits until it has gone.

    Args:
        port: 0 for a free one.

    Raises:
        ConfigError: the port cannot be had.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._client: socket.socket | None = None
        self._listener: socket.socket | None = None
        self.plug()

    def descriptors(self) -> list[int]:
        """See `Front`."""
        return [open_socket.fileno() for open_socket in (self._client or self._listener,) if open_socket]

    def take(self) -> tuple[bytes, bool]:
        """Get what has come, without waiting, and whether from a new client; one that has gone makes room."""
        fresh = self._client is None and self._accept()
        if self._client is None:
            return b"", False
        try:
            data = self._client.recv(LONGEST_MESSAGE)
        except BlockingIOError:
            return b"", fresh
        except OSError:
            data = b""
        if not data:
            self.drop()
        return data, fresh

    def _accept(self) -> bool:
        if self._listener is None:
            return False
        try:
            self._client = self._listener.accept()[0]
        except OSError:  # nobody there, or gone again
            return False
        self._client.setblocking(False)
        self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return True

    def put(self, data: bytes) -> None:
        """Send to the client there is; one that takes nothing for as long as the system holds data is dropped."""
        if self._client is None:
            return
        try:
            if self._client.send(data) != len(data):
                self.drop()
        except OSError:
            self.drop()

    def drop(self) -> None:
        """Close the connection to the client."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def plug(self) -> None:
        """Listen, on the same port as before."""
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, self.port))
        except (OSError, OverflowError) as problem:
            listener.close()
            raise ConfigError(f"TCP port {self.port} cannot be used: {problem}", "choose another, or 0") from problem
        listener.listen(5)
        listener.setblocking(False)
        self._listener, self.port = listener, listener.getsockname()[1]

    def unplug(self) -> None:
        """Close the connection, and listen no more."""
        self.drop()
        if self._listener is not None:
            self._listener.close()
            self._listener = None


class TcpFront(Listener):
    """A raw TCP socket; answers end with LF."""

    line_end = b"\n"

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.name = f"{HOST}:{self.port}"

    def receive(self, now_s: float) -> bytes:
        """See `Front`; a new client's first message does not go on with what another one left half said."""
        data, fresh = self.take()
        return b"\n" + data if fresh else data

    def send(self, data: bytes) -> None:
        """See `Front`."""
        self.put(data)

    def due_s(self) -> float:
        """See `Front`."""
        return math.inf
