"""A raw TCP socket, as analyzers with an Ethernet port offer beside or instead of VXI-11."""

import socket

from analyzers.transport.line import LONGEST_ANSWER, StreamTransport
from metrology.errors import InstrumentAbsentError

CONNECT_S = 5.0
SEND_S = 2.0


class SocketTransport(StreamTransport):
    """Lines over TCP; an instrument accepts one connection, or few.

    Args:
        host, port: where it listens.
        terminator: what ends a message.

    Raises:
        InstrumentAbsentError: nobody accepts the connection.
    """

    def __init__(self, host: str, port: int, terminator: str = "\n") -> None:
        super().__init__(f"{host}:{port}", terminator)
        try:
            self._socket = socket.create_connection((host, port), CONNECT_S)
        except (OSError, OverflowError, UnicodeError) as problem:
            raise InstrumentAbsentError(
                f"no connection to an instrument at '{self.port}': {problem}",
                "check address, port and network settings in its menu, and that no other program is connected to it",
            ) from problem
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _send(self, data: bytes) -> None:
        self._socket.settimeout(SEND_S)
        self._socket.sendall(data)

    def _receive(self, wait_s: float) -> bytes:
        self._socket.settimeout(wait_s)
        try:
            data = self._socket.recv(LONGEST_ANSWER)
        except TimeoutError:
            return b""
        if not data:
            raise ConnectionError("the instrument closed the connection")
        return data

    def _drain(self) -> None:
        self._socket.setblocking(False)
        try:
            while self._socket.recv(LONGEST_ANSWER):
                pass
        except BlockingIOError:
            return
        raise ConnectionError("the instrument closed the connection")

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
