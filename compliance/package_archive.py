"""A tree packed into one file that has the same bytes whenever and wherever it is made from the same tree."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from metrology.errors import ConfigError

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The date of every member: the first that zip can say."""
EPOCH_S = 315_532_800
"""The same in seconds since 1970, UTC."""
MODE = 0o644


def pack(tree: Path, archive: Path) -> None:
    """Pack a tree into a .zip, .tar or .tar.gz; the members' paths begin below `tree`.

    Raises:
        ConfigError: the name is of no such kind, or the file cannot be written.
    """
    packer = next((make for suffix, make in _PACKERS.items() if archive.name.endswith(suffix)), None)
    if packer is None:
        raise ConfigError(f"got '{archive.name}' as an archive, expected a name that ends in {', '.join(_PACKERS)}")
    files = sorted(path for path in tree.rglob("*") if path.is_file())
    try:
        packer(tree, files, archive)
    except OSError as problem:
        raise ConfigError(f"'{archive}' cannot be written: {problem}", "check disk and rights") from problem


def _zip(tree: Path, files: Sequence[Path], archive: Path) -> None:
    with zipfile.ZipFile(archive, "w") as packed:
        for path in files:
            info = zipfile.ZipInfo(path.relative_to(tree).as_posix(), EPOCH)
            info.compress_type, info.external_attr, info.create_system = zipfile.ZIP_DEFLATED, MODE << 16, 3
            packed.writestr(info, path.read_bytes(), compresslevel=6)


def _tar(tree: Path, files: Sequence[Path], archive: Path) -> None:
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as packed:
        _add(packed, tree, files)


def _tar_gz(tree: Path, files: Sequence[Path], archive: Path) -> None:
    # Without a name and a time of its own, which gzip would write into its header.
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as packed,
    ):
        _add(packed, tree, files)


def _add(packed: tarfile.TarFile, tree: Path, files: Sequence[Path]) -> None:
    for path in files:
        info = tarfile.TarInfo(path.relative_to(tree).as_posix())
        content = path.read_bytes()
        info.size, info.mtime, info.mode = len(content), EPOCH_S, MODE
        packed.addfile(info, io.BytesIO(content))


_PACKERS: dict[str, Callable[[Path, Sequence[Path], Path], None]] = {".zip": _zip, ".tar": _tar, ".tar.gz": _tar_gz}
