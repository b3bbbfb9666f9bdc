"""What every line to an instrument is, and what those that carry a stream of bytes have in common."""

import time
from collections.abc import Callable
from typing import Protocol

from analyzers.transport.block import line_end_after_block, split_block
from metrology.errors import InstrumentError

LONGEST_ANSWER = 65536
"""Longest answer accepted, bytes; the longest of the instruments known (255 items of 12 bytes) is 3 kB."""
BITS_PER_BYTE = 10
"""On a serial line, 8N1: a start bit, eight bits of data, a stop bit."""
SLICE_S = 1.0
"""Longest single wait for bytes, so that a line that has gone is noticed soon."""


class Transport(Protocol):
    """A line to an instrument; every method raises `InstrumentError` with what was tried.

    Attributes:
        byte_s: how long a byte takes on it, seconds; 0 where that is nothing.
    """

    byte_s: float

    def write(self, message: str) -> None:
        """Send one message; the transport adds the line end."""

    def read(self, timeout_s: float) -> tuple[str, int, int]:
        """Receive one answer: text without line end, and when its first byte came (UTC ns, monotonic ns)."""

    def read_block(self, timeout_s: float) -> tuple[bytes, str, int, int]:
        """Receive an answer that begins with a block: its bytes, the text after it, and the moments of `read`."""

    def clear(self) -> None:
        """Throw away what has come and was not read."""

    def close(self) -> None:
        """Free the port."""


def ask(transport: Transport, message: str, timeout_s: float = 2.0) -> str:
    """Send a message and get the answer to it."""
    transport.write(message)
    return transport.read(timeout_s)[0]


def check_pace(transport: Transport, sample_bytes: int, period_ms: int) -> None:
    """Make sure that the line carries a sample, question and answer, in every update period.

    Raises:
        InstrumentError: it does not; the message does the arithmetic.
    """
    needed_ms = sample_bytes * transport.byte_s * 1000
    if needed_ms > period_ms:
        raise InstrumentError(
            f"the line is too slow for updates of {period_ms} ms: a sample takes up to {sample_bytes} bytes of "
            f"{BITS_PER_BYTE} bits, {needed_ms:.0f} ms at {BITS_PER_BYTE / transport.byte_s:.0f} baud",
            "choose a longer interval, or a higher baud rate on the instrument and with -B",
        )


class StreamTransport:
    """Messages and answers as lines in a stream of bytes; a medium is a subclass with the three methods below.

    Args:
        port: where the instrument is, for messages.
        terminator: what ends a message to it; an answer ends with LF, before which a CR is dropped.
    """

    byte_s = 0.0
    silence_hint = "check that it is on, and that it is what is connected there"

    def __init__(self, port: str, terminator: str) -> None:
        self.port = port
        self._terminator = terminator
        self._pending = bytearray()

    def _send(self, data: bytes) -> None:
        """Send all of it in bounded time; raises `OSError`."""
        raise NotImplementedError

    def _receive(self, wait_s: float) -> bytes:
        """Get what comes first within `wait_s`; empty for nothing. Raises `OSError` where the line has gone."""
        raise NotImplementedError

    def _drain(self) -> None:
        """Throw away what the system holds; raises `OSError`."""
        raise NotImplementedError

    def write(self, message: str) -> None:
        """Send one message and its line end."""
        try:
            self._send((message + self._terminator).encode("ascii"))
        except OSError as problem:
            raise InstrumentError(f"writing {message!r} to '{self.port}' failed: {problem}") from problem

    def read(self, timeout_s: float) -> tuple[str, int, int]:
        """Receive one line; see `Transport.read`."""
        line, utc_ns, mono_ns = self._until(lambda pending: pending.find(b"\n"), timeout_s)
        return _text(line), utc_ns, mono_ns

    def read_block(self, timeout_s: float) -> tuple[bytes, str, int, int]:
        """Receive one answer that begins with a block; see `Transport.read_block`."""
        try:
            answer, utc_ns, mono_ns = self._until(line_end_after_block, timeout_s)
            block, rest = split_block(answer)
        except ValueError as problem:
            raise InstrumentError(f"'{self.port}' sent no block of values: {problem}") from problem
        return block, _text(rest), utc_ns, mono_ns

    def _until(self, find_end: Callable[[bytearray], int], timeout_s: float) -> tuple[bytes, int, int]:
        """Receive what comes before an end, which is dropped, with the moments of its first byte."""
        deadline_s = time.monotonic() + timeout_s
        stamps: tuple[int, int] | None = None
        while (end := find_end(self._pending)) < 0:
            chunk = self._chunk(deadline_s - time.monotonic(), timeout_s)
            if stamps is None and chunk:
                stamps = (time.time_ns(), time.monotonic_ns())
            self._pending += chunk
            if len(self._pending) > LONGEST_ANSWER:
                raise InstrumentError(f"'{self.port}' sent over {LONGEST_ANSWER} bytes without a line end")
        line = bytes(self._pending[:end])
        del self._pending[: end + 1]
        utc_ns, mono_ns = stamps or (time.time_ns(), time.monotonic_ns())
        return line, utc_ns, mono_ns

    def _chunk(self, remaining_s: float, timeout_s: float) -> bytes:
        if remaining_s <= 0:
            raise silent(self.port, timeout_s, self.silence_hint)
        try:
            return self._receive(min(remaining_s, SLICE_S))
        except OSError as problem:
            raise broken(self.port, problem) from problem

    def clear(self) -> None:
        """Throw away what has come and was not read."""
        self._pending.clear()
        try:
            self._drain()
        except OSError as problem:
            raise InstrumentError(f"clearing '{self.port}' failed: {problem}") from problem


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode("ascii", errors="replace")


def silent(port: str, timeout_s: float, hint: str) -> InstrumentError:
    """Make the error for an answer that did not come."""
    return InstrumentError(f"the instrument at '{port}' did not answer within {timeout_s:.3g} s", hint)


def broken(port: str, problem: Exception) -> InstrumentError:
    """Make the error for a line that failed while an answer was waited for."""
    return InstrumentError(
        f"reading from '{port}' failed: {problem}", "was the cable pulled or the instrument switched off?"
    )
