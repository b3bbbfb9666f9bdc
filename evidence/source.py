"""Files of a session, read as what a stranger left: regular files alone, in bounded blocks of whole lines, hashed on
the way.

A reader opens a `Source`, takes its blocks, and keeps the `FileFacts` beside what it has read. What is absent, no
regular file, or a link out of the tree is a fact too, never an exception.
"""

import codecs
import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple, Self

from evidence.running_digest import DigestBeside, RunningDigest

BLOCK_BYTES = 1 << 19
"""How much is read at once: fits the cache of one core, for it is looked through several times."""
LONGEST_LINE_BYTES = 1 << 16
"""Longest line kept whole unless a reader asks for more; the longest sample line published is 330 bytes."""
LARGEST_BYTES = 16 << 30
"""Largest file that is read at all: hashing it takes about half a minute; the largest LoadGen logs have gigabytes."""
HASHED_BESIDE_BYTES = 4 << 20
"""Size from which a file is hashed in a thread beside its reader."""
_KEPT_OF_GIANT_BYTES = 4096
_CR_ALONE = re.compile(rb"\r(?![\r\n])")


class Damage(NamedTuple):
    """Something in a file that is not as it should be; `line` counts from 1 and is None where it has no line."""

    line: int | None
    text: str


class FileFacts(NamedTuple):
    """What is known of a file beside its content.

    Attributes:
        name: path below the session, as findings show it.
        state: "read", "absent", or "refused" (no regular file, a link out of the tree, no permission).
        reason: why it was not read; empty where it was.
        sha1: of all its bytes, hexadecimal; empty where it was not read to its end.
        utf8: whether all of it is valid UTF-8 (what is not makes the reference checker fail).
    """

    name: str
    state: Literal["read", "absent", "refused"]
    reason: str = ""
    size_bytes: int = 0
    sha1: str = ""
    utf8: bool = True
    damage: tuple[Damage, ...] = ()

    @property
    def was_read(self) -> bool:
        """Tell whether the content was read."""
        return self.state == "read"


@dataclass(slots=True)
class Source:
    """One file, open for one pass; use with `with`.

    Args:
        path: the file.
        name: what to call it in findings.
        within: the folder that a symbolic link must not lead out of, itself without links; the file's own folder
            where not given.
    """

    path: Path
    name: str
    within: Path | None = None
    damage: list[Damage] = field(default_factory=list)
    size_bytes: int = 0
    utf8: bool = True
    _state: Literal["read", "absent", "refused"] = "read"
    _reason: str = ""
    _fd: int = -1
    _ended: bool = False
    _chunks: Iterator[bytes] | None = None
    _decoder: codecs.IncrementalDecoder = field(default_factory=codecs.getincrementaldecoder("utf-8"))
    _digest: RunningDigest = field(default_factory=RunningDigest)

    def __enter__(self) -> Self:
        try:
            self._open()
        except OSError as problem:
            absent = problem.errno in (errno.ENOENT, errno.ENOTDIR)
            self._refuse("there is no such file" if absent else f"it cannot be opened ({problem.strerror})")
            self._state = "absent" if absent else "refused"
        except ValueError:
            self._refuse("its name holds a NUL character")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._digest.close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> None:
        # Path.resolve raises RuntimeError for a loop of links, which is no OSError.
        real = Path(os.path.realpath(self.path, strict=True))
        limit = self.within or os.path.realpath(self.path.parent)
        if not real.is_relative_to(limit):
            self._refuse("it is a link that leads out of the tree")
            return
        if not stat.S_ISREG(real.stat().st_mode):
            self._refuse("it is no regular file")
            return
        # Between stat and open the file may become a fifo; O_NONBLOCK keeps that from hanging.
        self._fd = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        found = os.fstat(self._fd)
        if not stat.S_ISREG(found.st_mode):
            self._refuse("it is no regular file")
        if found.st_size > LARGEST_BYTES:
            self._refuse(f"it has {found.st_size} bytes, more than {LARGEST_BYTES}")
        if found.st_size >= HASHED_BESIDE_BYTES:
            self._digest = DigestBeside()

    def _refuse(self, reason: str) -> None:
        self._state, self._reason = "refused", reason

    def note(self, line: int | None, text: str) -> None:
        """Keep a note of damage: the first hundred, and what repeats once."""
        damage = Damage(line, text)
        if len(self.damage) < 100 and damage not in self.damage:
            self.damage.append(damage)

    def chunks(self) -> Iterator[bytes]:
        """Get the bytes as they are, at most `BLOCK_BYTES` at once; nothing where the file was refused."""
        if self._state != "read":
            return
        try:
            while chunk := os.read(self._fd, BLOCK_BYTES):
                self._digest.update(chunk)
                self.size_bytes += len(chunk)
                self._look_at(chunk)
                yield chunk
            self._ended = True
        except OSError as problem:
            self._refuse(f"reading it failed ({problem.strerror})")

    def drain(self) -> None:
        """Read the rest of the file for its digest alone."""
        for _ in self.chunks():
            pass

    def blocks(self, longest_line_bytes: int = LONGEST_LINE_BYTES) -> Iterator[bytes]:
        """Get blocks of whole lines, every line end (CR LF, CR CR LF, CR) turned into LF.

        The last line of the last block may lack its end. The middle of a line that is too long is left out, with a
        note. What is no UTF-8 and NUL bytes are noted.
        """
        rest = bytearray()
        for chunk in self.chunks():
            # CRs at the end of a chunk may belong to the line end that the next one completes.
            cut = chunk.rfind(b"\n") + 1 or chunk.rstrip(b"\r").rfind(b"\r") + 1
            if cut:
                yield _one_line_end(bytes(rest) + chunk[:cut])
                rest = bytearray(chunk[cut:])
            else:
                rest += chunk
            if len(rest) > longest_line_bytes and len(rest) > _KEPT_OF_GIANT_BYTES:
                self.note(None, f"a line of over {longest_line_bytes} bytes was cut")
                del rest[_KEPT_OF_GIANT_BYTES:]
        if rest:
            yield _one_line_end(bytes(rest))

    def read(self, _size: int = BLOCK_BYTES) -> bytes:
        """Get the next bytes as a file would give them, for readers that take a file; empty at the end."""
        if self._chunks is None:
            self._chunks = self.chunks()
        return next(self._chunks, b"")

    def _look_at(self, chunk: bytes) -> None:
        """Note bytes that are no UTF-8 text, and a byte order mark, which nothing but an editor writes."""
        if self.size_bytes == len(chunk) and chunk.startswith(codecs.BOM_UTF8):
            self.note(1, "begins with a byte order mark")
        if b"\0" in chunk:
            self.note(None, "holds NUL bytes: binary data, or UTF-16 text where UTF-8 is expected")
        if not self.utf8 or (chunk.isascii() and not self._decoder.getstate()[0]):
            return
        try:
            self._decoder.decode(chunk)
        except UnicodeDecodeError as problem:
            self.utf8 = False
            self.note(None, f"is no UTF-8 text (byte 0x{problem.object[problem.start]:02X})")

    def facts(self) -> FileFacts:
        """Get what is known of the file after all of it was read."""
        digest = self._digest.hexdigest() if self._state == "read" and self._ended else ""
        return FileFacts(self.name, self._state, self._reason, self.size_bytes, digest, self.utf8, tuple(self.damage))


def _one_line_end(block: bytes) -> bytes:
    # Most files have no CR, and looking for one byte takes a thirtieth of looking for three. Where every CR belongs
    # to a line end, dropping them takes a third of the time that replacing takes.
    if b"\r" not in block:
        return block
    if not _CR_ALONE.search(block):
        return block.translate(None, b"\r")
    return block.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def read_bytes(path: Path, name: str, largest_bytes: int, within: Path | None = None) -> tuple[bytes, FileFacts]:
    """Read a small file whole, up to `largest_bytes`; a larger one is cut, with a note, and has no SHA-1."""
    parts, total = [], 0
    with Source(path, name, within) as source:
        for chunk in source.chunks():
            parts.append(chunk)
            total += len(chunk)
            if total > largest_bytes:
                source.note(None, f"is larger than {largest_bytes} bytes; the rest was not read")
                break
        facts = source.facts()
    return b"".join(parts)[:largest_bytes], facts
