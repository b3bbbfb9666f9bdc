"""A tree that comes as one zip or tar file, unpacked within bounds.

Archives come from strangers: a name that leads out of the folder, a name that comes twice, or content that swells
beyond all measure makes the whole archive refused. Links and devices are left out, and told.
"""

import bz2
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple

from metrology.errors import EvidenceError

LARGEST_BYTES = 16 << 30
"""Most that is unpacked; the published repositories have 0.3 to 3 GB."""
MOST_MEMBERS = 500_000
LARGEST_RATIO, RATIO_FROM_BYTES = 200, 256 << 20
"""How many times its packed size an archive may swell, once it has swollen to some size; LoadGen's logs shrink to a
thirtieth."""
_CHUNK_BYTES = 1 << 20
_LARGEST_READ_BYTES = 16 << 20
"""Most that tarfile may ask for at once; it reads whole headers into memory, whatever size they claim."""
_OPENERS: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_DAMAGE = (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, tarfile.TarError, zipfile.BadZipFile,
           zlib.error, lzma.LZMAError)  # fmt: skip


class _Member(NamedTuple):
    """One entry of an archive; `content` is None for links, devices and the like."""

    name: str
    is_folder: bool
    content: Callable[[], IO[bytes]] | None


class _Meter:
    """A stream of unpacked bytes that ends in an error when there are too many."""

    def __init__(self, archive: Path, free_bytes: int) -> None:
        self.archive = archive
        self.limit_bytes = min(LARGEST_BYTES, free_bytes // 2)
        self.packed_bytes = archive.stat().st_size
        self.total_bytes = 0

    def count(self, size: int) -> None:
        """Take note of unpacked bytes.

        Raises:
            EvidenceError: that is too much.
        """
        self.total_bytes += size
        swollen = self.total_bytes > max(RATIO_FROM_BYTES, LARGEST_RATIO * self.packed_bytes)
        if swollen or self.total_bytes > self.limit_bytes:
            raise EvidenceError(
                f"'{self.archive}' unpacks to over {self.total_bytes >> 20} MiB from {self.packed_bytes >> 10} KiB, "
                "more than is allowed",
                "unpack it yourself if you trust it, and check the folder",
            )


class _Metered:
    """A file to read from, as tarfile uses it, that counts what goes through."""

    def __init__(self, inner: Any, meter: _Meter) -> None:
        self._inner = inner
        self._meter = meter

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes; tarfile always says how many."""
        if not 0 <= size <= _LARGEST_READ_BYTES:
            raise EvidenceError(f"'{self._meter.archive}' has a header of {size} bytes, more than is allowed")
        found: bytes = self._inner.read(size)
        self._meter.count(len(found))
        return found

    def tell(self) -> int:
        """Tell the place in the unpacked stream."""
        at: int = self._inner.tell()
        return at

    def seek(self, place: int) -> int:
        """Go on to a place further on, reading what lies between."""
        while (rest := place - self.tell()) > 0 and self.read(min(rest, _CHUNK_BYTES)):
            pass
        if rest < 0:
            self._inner.seek(place)
        return self.tell()


def is_archive(path: Path) -> bool:
    """Tell whether a file is a zip, or a tar file, packed or not."""
    try:
        return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)
    except _DAMAGE:
        return False


def unpack(archive: Path, target: Path) -> list[str]:
    """Unpack an archive into an empty folder; get the names of links and devices, which are left out.

    Raises:
        EvidenceError: it is damaged or locked, holds a name that leads out of the folder or comes twice, or is too
            large.
    """
    left_out = []
    meter = _Meter(archive, shutil.disk_usage(target).free)
    members = _zip_members if zipfile.is_zipfile(archive) else _tar_members
    try:
        for number, member in enumerate(members(archive, meter), 1):
            if number > MOST_MEMBERS:
                raise EvidenceError(f"'{archive}' has over {MOST_MEMBERS} entries, more than is allowed")
            place = target / _inner_path(archive, member)
            if member.is_folder:
                place.mkdir(parents=True, exist_ok=True)
            elif member.content is None:
                left_out.append(member.name)
            else:
                _write(member.content, place, meter if members is _zip_members else None)
    except FileExistsError as problem:
        raise EvidenceError(f"'{archive}' holds '{Path(problem.filename).name}' twice in one folder") from problem
    except _DAMAGE as problem:
        raise EvidenceError(f"'{archive}' cannot be unpacked: {str(problem)[:200]}") from problem
    return left_out


def _inner_path(archive: Path, member: _Member) -> PurePosixPath:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or "\0" in member.name:
        raise EvidenceError(f"'{archive}' holds '{member.name[:200]}', a name that leads out of the folder")
    if not path.parts and not member.is_folder:
        raise EvidenceError(f"'{archive}' holds a file without a name")
    return path


def _write(content: Callable[[], IO[bytes]], place: Path, meter: _Meter | None) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with content() as source, place.open("xb") as file:
        while chunk := source.read(_CHUNK_BYTES):
            if meter:
                meter.count(len(chunk))
            file.write(chunk)


def _zip_members(archive: Path, _meter: _Meter) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            plain = kind in (0, stat.S_IFREG)
            # ZipInfo.is_dir fails on an empty name.
            is_folder = info.filename.endswith("/")
            yield _Member(info.filename, is_folder, partial(packed.open, info) if plain else None)


def _tar_members(archive: Path, meter: _Meter) -> Iterator[_Member]:
    with archive.open("rb") as file:
        head = file.read(8)
    opener = next(
        (opener for magic, opener in _OPENERS.items() if head.startswith(magic)), lambda path: path.open("rb")
    )
    with opener(archive) as stream, tarfile.open(fileobj=_Metered(stream, meter), mode="r:") as packed:  # type: ignore[call-overload]
        while (info := packed.next()) is not None:
            # tarfile keeps every entry that it has seen; an archive may have many. A sparse file is all holes.
            packed.members.clear()
            yield _Member(
                info.name, info.isdir(), _reader(packed, info) if info.isreg() and not info.issparse() else None
            )


def _reader(packed: tarfile.TarFile, info: tarfile.TarInfo) -> Callable[[], IO[bytes]]:
    def content() -> IO[bytes]:
        found = packed.extractfile(info)
        if found is None:
            raise EvidenceError(f"'{info.name}' in the archive cannot be read")
        return found

    return content
