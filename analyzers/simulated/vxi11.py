"""VXI-11's core channel: how Ethernet reaches most power analyzers; clients name the TCP port, no portmapper runs.

Numbers are those of the specification VXI-11 1.0 (VMEbus Extensions for Instrumentation, TCP/IP Instrument Protocol).
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from analyzers.simulated.fronts import HOST, Listener
from analyzers.simulated.line import LONGEST_MESSAGE
from analyzers.simulated.rpc import (
    NO_PROCEDURE,
    NO_PROGRAM,
    Call,
    GarbageError,
    Reader,
    Records,
    opaque,
    parse_call,
    reply,
    words,
)

PROGRAM, VERSION = 0x0607AF, 1
NO_ERROR, INVALID_LINK, NOT_SUPPORTED, OUT_OF_RESOURCES, LOCKED, NOT_LOCKED, IO_TIMEOUT = 0, 4, 8, 9, 11, 12, 15
END_OF_MESSAGE = 1 << 3
"""Flag of a write: the message is complete."""
REASON_COUNT, REASON_END = 1 << 0, 1 << 2
"""Why a read ended: as many bytes as asked for, or the end of the answer."""
MESSAGE_AVAILABLE = 1 << 4
"""Bit of the status byte (IEEE 488.2)."""
MOST_LINKS = 16
LONGEST_NAME = 256
NULL, DO_COMMAND = 0, 22
UNSUPPORTED = (14, 16, 17, 20, DO_COMMAND, 25, 26)
"""Trigger, remote, local, service requests, commands, and the interrupt channel."""


@dataclass(frozen=True, slots=True)
class Read:
    """A read that waits for an answer: its call, most bytes, and until when."""

    call: Call
    size: int
    until_s: float


class Vxi11Front(Listener):
    """The core channel on a TCP port; answers end with LF and with END."""

    line_end = b"\n"

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.name = f"TCPIP::{HOST},{self.port}::INSTR"
        self._calls: dict[int, Callable[[Call, float], bytes | None]] = {
            NULL: lambda call, _: reply(call),
            10: self._create_link,
            11: self._write,
            12: self._read,
            13: self._status_byte,
            15: self._clear,
            18: self._lock,
            19: self._unlock,
            23: self._destroy_link,
            **dict.fromkeys(UNSUPPORTED, self._refuse),
        }
        self._forget()

    def _forget(self) -> None:
        self._records = Records()
        self._links: set[int] = set()
        self._holder: int | None = None
        self._answers: deque[bytes] = deque()
        self._waiting: Read | None = None
        self._written = bytearray()

    def receive(self, now_s: float) -> bytes:
        """See `Front`; a client that sends something else than RPC is dropped."""
        data, fresh = self.take()
        if fresh:
            self._forget()
            self._written += b"\n"  # ends what an earlier client left half said
        if self._waiting is not None and now_s >= self._waiting.until_s:
            self._end_read(IO_TIMEOUT)
        try:
            self._records.add(data)
            while self._waiting is None and (record := self._records.next()) is not None:
                self._answer(parse_call(record), now_s)
        except GarbageError:
            self.drop()
            self._forget()
        written, self._written = bytes(self._written), bytearray()
        return written

    def send(self, data: bytes) -> None:
        """See `Front`: to the read that waits for it, or to the next one."""
        self._answers.append(data)
        if self._waiting is not None:
            self._end_read(NO_ERROR)

    def due_s(self) -> float:
        """See `Front`."""
        return math.inf if self._waiting is None else self._waiting.until_s

    def _answer(self, call: Call, now_s: float) -> None:
        carry_out = self._calls.get(call.procedure)
        if (call.program, call.version) != (PROGRAM, VERSION):
            self.put(reply(call, accepted=NO_PROGRAM))
        elif carry_out is None:
            self.put(reply(call, accepted=NO_PROCEDURE))
        elif (answer := carry_out(call, now_s)) is not None:
            self.put(answer)

    def _create_link(self, call: Call, _: float) -> bytes:
        call.parameters.uint(), call.parameters.uint(), call.parameters.uint()  # client, lock, lock time-out
        call.parameters.opaque(LONGEST_NAME)
        if len(self._links) == MOST_LINKS:
            return reply(call, words(OUT_OF_RESOURCES, 0, 0, 0))
        link = max(self._links, default=0) + 1
        self._links.add(link)
        return reply(call, words(NO_ERROR, link, 0, LONGEST_MESSAGE))

    def _trouble(self, parameters: Reader) -> int:
        """Get why a call is refused whose parameters begin with a link, `NO_ERROR` where it is not."""
        return self._refusal(parameters.uint())

    def _refusal(self, link: int) -> int:
        if link not in self._links:
            return INVALID_LINK
        return NO_ERROR if self._holder in (None, link) else LOCKED

    def _lock(self, call: Call, _: float) -> bytes:
        link = call.parameters.uint()
        trouble = self._refusal(link)
        self._holder = self._holder if trouble else link
        return reply(call, words(trouble))

    def _unlock(self, call: Call, _: float) -> bytes:
        held = call.parameters.uint() == self._holder
        self._holder = None if held else self._holder
        return reply(call, words(NO_ERROR if held else NOT_LOCKED))

    def _write(self, call: Call, _: float) -> bytes:
        trouble = self._trouble(call.parameters)
        call.parameters.uint(), call.parameters.uint()
        flags, data = call.parameters.uint(), call.parameters.opaque(LONGEST_MESSAGE)
        if trouble:
            return reply(call, words(trouble, 0))
        self._answers.clear()  # a new message drops an answer that nobody read (IEEE 488.2)
        self._written += data + b"\n" * bool(flags & END_OF_MESSAGE)
        return reply(call, words(NO_ERROR, len(data)))

    def _read(self, call: Call, now_s: float) -> bytes | None:
        trouble = self._trouble(call.parameters)
        size, timeout_ms = call.parameters.uint(), call.parameters.uint()
        if trouble:
            return reply(call, words(trouble, 0) + opaque(b""))
        self._waiting = Read(call, min(size, LONGEST_MESSAGE), now_s + timeout_ms / 1000)
        if self._answers:
            self._end_read(NO_ERROR)
        return None

    def _end_read(self, error: int) -> None:
        """Answer the read that waits, with what there is."""
        if (waiting := self._waiting) is None:
            return
        self._waiting = None
        answer = self._answers.popleft() if self._answers else b""
        data, rest = answer[: waiting.size], answer[waiting.size :]
        if rest:
            self._answers.appendleft(rest)
        ended = REASON_END if data.endswith(self.line_end) and not rest else 0
        reason = ended | (REASON_COUNT if data and len(data) == waiting.size else 0)
        self.put(reply(waiting.call, words(error, reason) + opaque(data)))

    def _status_byte(self, call: Call, _: float) -> bytes:
        return reply(call, words(self._trouble(call.parameters), MESSAGE_AVAILABLE * bool(self._answers)))

    def _clear(self, call: Call, _: float) -> bytes:
        trouble = self._trouble(call.parameters)
        if not trouble:
            self._answers.clear()
        return reply(call, words(trouble))

    def _destroy_link(self, call: Call, _: float) -> bytes:
        link = call.parameters.uint()
        known = link in self._links
        self._links.discard(link)
        self._holder = None if link == self._holder else self._holder
        return reply(call, words(NO_ERROR if known else INVALID_LINK))

    def _refuse(self, call: Call, _: float) -> bytes:
        body = words(NOT_SUPPORTED)
        return reply(call, body + opaque(b"") if call.procedure == DO_COMMAND else body)
