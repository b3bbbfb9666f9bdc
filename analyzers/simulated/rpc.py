"""ONC RPC over TCP, as much of it as a VXI-11 instrument needs: records, calls and replies (RFC 5531, RFC 4506)."""

import struct
from dataclasses import dataclass

LONGEST_RECORD = 8192
"""Longest record accepted, bytes; the longest of a VXI-11 client is a message of `LONGEST_MESSAGE` and 80 more."""
LONGEST_CREDENTIAL = 400
"""Longest credential or verifier; source: RFC 5531."""
CALL, REPLY, VERSION = 0, 1, 2
SUCCESS, NO_PROGRAM, NO_PROCEDURE = 0, 1, 3
"""How a call was accepted."""
_LAST = 1 << 31


class GarbageError(Exception):
    """What came is no RPC."""


class Reader:
    """Reads the words of a record in turn.

    Raises:
        GarbageError: by each method, where the record has no such thing.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def uint(self) -> int:
        """Read an unsigned number of 32 bits."""
        return int.from_bytes(self._bytes(4))

    def opaque(self, longest: int) -> bytes:
        """Read bytes that begin with their count, and what pads them to words."""
        count = self.uint()
        if count > longest:
            raise GarbageError(f"got {count} bytes, expected up to {longest}")
        data = self._bytes(count)
        self._bytes(-count % 4)
        return data

    def _bytes(self, count: int) -> bytes:
        data = self._data[self._at : self._at + count]
        if len(data) != count:
            raise GarbageError("a record is too short")
        self._at += count
        return data


@dataclass(frozen=True, slots=True)
class Call:
    """A call: its number, what it calls, and the reader at its parameters."""

    number: int
    program: int
    version: int
    procedure: int
    parameters: Reader


class Records:
    """Puts together the records that come in pieces."""

    def __init__(self) -> None:
        self._data = bytearray()

    def add(self, data: bytes) -> None:
        """Take in what has come; raises `GarbageError` where it is too much."""
        self._data += data
        if len(self._data) > 2 * LONGEST_RECORD:
            raise GarbageError("too much has come at once")

    def next(self) -> bytes | None:
        """Take the next whole record; None while there is none. Raises `GarbageError` where it is too long."""
        record, at, last = bytearray(), 0, False
        while not last:
            if len(self._data) < at + 4:
                return None
            word = int.from_bytes(self._data[at : at + 4])
            last, count = bool(word & _LAST), word & ~_LAST
            if len(record) + count > LONGEST_RECORD or (not count and not last):
                raise GarbageError(f"a record is longer than {LONGEST_RECORD} bytes")
            if len(self._data) < at + 4 + count:
                return None
            record += self._data[at + 4 : at + 4 + count]
            at += 4 + count
        del self._data[:at]
        return bytes(record)


def parse_call(record: bytes) -> Call:
    """Read a call; raises `GarbageError` where it is none."""
    reader = Reader(record)
    number, kind, version = reader.uint(), reader.uint(), reader.uint()
    if (kind, version) != (CALL, VERSION):
        raise GarbageError(f"got kind {kind} of version {version}, expected a call")
    program, program_version, procedure = reader.uint(), reader.uint(), reader.uint()
    for _ in ("credential", "verifier"):
        reader.uint()
        reader.opaque(LONGEST_CREDENTIAL)
    return Call(number, program, program_version, procedure, reader)


def reply(call: Call, body: bytes = b"", accepted: int = SUCCESS) -> bytes:
    """Write the reply to a call, as a record."""
    record = words(call.number, REPLY, 0, 0, 0, accepted) + body
    return words(_LAST | len(record)) + record


def words(*numbers: int) -> bytes:
    """Write unsigned numbers of 32 bits."""
    return struct.pack(f">{len(numbers)}I", *numbers)


def opaque(data: bytes) -> bytes:
    """Write bytes after their count, padded to words."""
    return words(len(data)) + data + b"\0" * (-len(data) % 4)
