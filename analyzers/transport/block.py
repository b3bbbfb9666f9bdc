"""Definite-length blocks of IEEE 488.2 (8.7.9): `#`, how many digits follow, the number of bytes in them, the bytes.

Bytes of a block may be line ends, so that an answer with one ends with the first line end after it.
"""

MOST_BYTES = 32768
"""Largest block accepted; 255 items, the most that an instrument tells at once, are 1020 bytes."""


def block_end(answer: bytes | bytearray) -> int | None:
    """Find where the block ends that an answer begins with; None while its head has not come whole.

    Raises:
        ValueError: it begins with something else, or the block is too large.
    """
    digits = answer[1:2]
    if answer[:1] not in (b"#", b"") or digits not in (b"", *(b"%d" % count for count in range(1, 10))):
        raise ValueError(f"got {bytes(answer[:12])!r}, expected '#' and the number of bytes of a block")
    head = 2 + int(digits or b"9")
    number = bytes(answer[2:head])
    if number and not number.isdigit():
        raise ValueError(f"got {bytes(answer[:12])!r}, expected the number of bytes of a block")
    if len(answer) < head:
        return None
    if int(number) > MOST_BYTES:
        raise ValueError(f"got a block of {int(number)} bytes, expected up to {MOST_BYTES}")
    return head + int(number)


def line_end_after_block(answer: bytes | bytearray) -> int:
    """Find the line end that ends an answer with a block; -1 while it has not come. Errors as in `block_end`."""
    end = block_end(answer)
    return -1 if end is None or len(answer) <= end else answer.find(b"\n", end)


def split_block(answer: bytes) -> tuple[bytes, bytes]:
    """Part a whole answer into the bytes of its block and what comes after it. Errors as in `block_end`."""
    end = block_end(answer)
    if end is None or len(answer) < end:
        raise ValueError(f"got {answer[:12]!r}, expected a whole block")
    return answer[2 + int(answer[1:2]) : end], answer[end:]
