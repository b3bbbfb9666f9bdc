"""The line to an instrument: text messages over serial now, VISA with the drivers that need it.

Transport    what a driver sees: write a message, read an answer, in bounded time
└── SerialTransport    RS-232 by pyserial, lines ended by CR LF
"""

import time
from typing import Protocol

from metrology.errors import InstrumentAbsentError, InstrumentError

LONGEST_ANSWER = 65536
"""Longest answer accepted, bytes; the longest of the instruments known (255 items of 12 bytes) is 3 kB."""


class Transport(Protocol):
    """A line to an instrument; every method raises `InstrumentError` with what was tried."""

    def write(self, message: str) -> None:
        """Send one message; the transport adds the line end."""

    def read(self, timeout_s: float) -> tuple[str, int, int]:
        """Receive one answer: text without line end, and when its first byte came (UTC ns, monotonic ns)."""

    def clear(self) -> None:
        """Throw away what has come and was not read."""

    def close(self) -> None:
        """Free the port."""


def ask(transport: Transport, message: str, timeout_s: float = 2.0) -> str:
    """Send a message and get the answer to it."""
    transport.write(message)
    return transport.read(timeout_s)[0]


class SerialTransport:
    """RS-232, or anything that looks like it: a USB serial adapter, a pty.

    Args:
        port: device path, `/dev/ttyUSB0`.
        baud: bits per second; the WT300 family starts with 9600 8N1 and no handshake (IM WT310E-17EN).

    Raises:
        InstrumentAbsentError: the port cannot be opened.
    """

    def __init__(self, port: str, baud: int = 9600) -> None:
        import serial  # an extra: the SUT side does without

        self.port = port
        try:
            self._serial = serial.Serial(port, baud, timeout=0.0, write_timeout=2.0, exclusive=True)
        except (OSError, ValueError) as problem:  # SerialException is an OSError
            raise InstrumentAbsentError(
                f"the serial port '{port}' cannot be opened: {problem}",
                "look for the port with 'ls -l /dev/serial/by-id /dev/ttyUSB* /dev/ttyS*', and whether another "
                "program holds it or your user lacks the group 'dialout'",
            ) from problem
        self._pending = bytearray()

    def write(self, message: str) -> None:
        """Send one message with CR LF."""
        try:
            self._serial.write(message.encode("ascii") + b"\r\n")
        except OSError as problem:
            raise InstrumentError(f"writing {message!r} to '{self.port}' failed: {problem}") from problem

    def read(self, timeout_s: float) -> tuple[str, int, int]:
        """Receive one line; see `Transport.read`."""
        deadline = time.monotonic() + timeout_s
        stamps: tuple[int, int] | None = None
        while (end := self._pending.find(b"\n")) < 0:
            chunk = self._chunk(deadline - time.monotonic(), timeout_s)
            if stamps is None and chunk:
                stamps = (time.time_ns(), time.monotonic_ns())
            self._pending += chunk
            if len(self._pending) > LONGEST_ANSWER:
                raise InstrumentError(f"'{self.port}' sent over {LONGEST_ANSWER} bytes without a line end")
        line = bytes(self._pending[:end])
        del self._pending[: end + 1]
        utc_ns, mono_ns = stamps or (time.time_ns(), time.monotonic_ns())
        return line.rstrip(b"\r").decode("ascii", errors="replace"), utc_ns, mono_ns

    def _chunk(self, remaining_s: float, timeout_s: float) -> bytes:
        if remaining_s <= 0:
            raise InstrumentError(
                f"the instrument at '{self.port}' did not answer within {timeout_s:g} s",
                "check that it is on, that the cable is the right one, and that baud rate and terminator (CR+LF) "
                "agree with its menu",
            )
        try:
            self._serial.timeout = min(remaining_s, 1.0)
            first: bytes = self._serial.read(1)
            return first + bytes(self._serial.read(self._serial.in_waiting)) if first else first
        except (OSError, TypeError) as problem:
            raise InstrumentError(
                f"reading from '{self.port}' failed: {problem}",
                "was the cable pulled or the instrument switched off?",
            ) from problem

    def clear(self) -> None:
        """Throw away what has come and was not read."""
        self._pending.clear()
        try:
            self._serial.reset_input_buffer()
        except OSError as problem:
            raise InstrumentError(f"clearing '{self.port}' failed: {problem}") from problem

    def close(self) -> None:
        """Free the port."""
        self._serial.close()
