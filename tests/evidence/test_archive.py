import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidence import archive
from evidence.archive import is_archive, unpack
from metrology.errors import EvidenceError

FILES = {"a/run_1/spl.txt": b"Time", "a/power/server.json": b"{}", "leer": b""}


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.mkdir("a/empty")
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def tarred(path: Path, files: dict[str, bytes], kind: str = "") -> Path:
    with tarfile.open(path, f"w:{kind}") as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    return path


def unpacked(path: Path) -> dict[str, bytes]:
    target = path.with_name("target")
    target.mkdir()
    unpack(path, target)
    return {file.relative_to(target).as_posix(): file.read_bytes() for file in target.rglob("*") if file.is_file()}


@pytest.mark.parametrize("kind", ["zip", "", "gz", "bz2", "xz"])
def test_every_kind_unpacks_byte_by_byte(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    zipped(path, FILES) if kind == "zip" else tarred(path, FILES, kind)
    assert is_archive(path)
    assert unpacked(path) == FILES


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "a/.."])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_names_that_lead_out_are_refused(pack: object, name: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "x", {name: b"x"}) if pack is zipped else tarred(tmp_path / "x", {name: b"x"})
    with pytest.raises(EvidenceError, match="leads out of the folder"):
        unpacked(path)
    assert not (tmp_path / "x.txt").exists()


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x", "w") as packed:
        for _ in range(2):
            packed.addfile(tarfile.TarInfo("a/b"), io.BytesIO())
    with pytest.raises(EvidenceError, match="'b' twice"):
        unpacked(tmp_path / "x")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_file_without_a_name_is_refused(kind: str, tmp_path: Path) -> None:
    path = tarred(tmp_path / "x", {".": b"content"})
    if kind == "zip":
        path = zipped(path, {"zz": b"content"})
        path.write_bytes(path.read_bytes().replace(b"zz", b"\0z"))  # zipfile ends a name at its first NUL
    with pytest.raises(EvidenceError, match="a file without a name"):
        unpacked(path)


def test_a_file_that_is_also_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match=r"cannot be unpacked|twice"):
        unpacked(tarred(tmp_path / "x", {"a": b"", "a/b": b""}))


def test_links_and_devices_of_a_tar_are_left_out_and_told(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x", "w") as packed:
        for name, kind in (("sym", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("pipe", tarfile.FIFOTYPE),
                           ("disk", tarfile.BLKTYPE)):  # fmt: skip
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            packed.addfile(info)
        packed.addfile(tarfile.TarInfo("sym/below"), io.BytesIO())
    (tmp_path / "target").mkdir()
    assert unpack(tmp_path / "x", tmp_path / "target") == ["sym", "hard", "pipe", "disk"]
    assert (tmp_path / "target" / "sym" / "below").is_file()
    assert not (tmp_path / "target" / "sym").is_symlink()


def test_links_of_a_zip_are_left_out_and_told(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x", "w") as packed:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(info, "/etc/passwd")
    (tmp_path / "target").mkdir()
    assert unpack(tmp_path / "x", tmp_path / "target") == ["link"]


@pytest.mark.parametrize("kind", ["zip", "gz", "xz"])
def test_a_bomb_is_refused_early(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "RATIO_FROM_BYTES", 1 << 20)
    files = {f"{number}": bytes(4 << 20) for number in range(4)}
    path = zipped(tmp_path / "x", files) if kind == "zip" else tarred(tmp_path / "x", files, kind)
    with pytest.raises(EvidenceError, match="more than is allowed"):
        unpacked(path)
    assert sum(file.stat().st_size for file in (tmp_path / "target").iterdir()) < 8 << 20


def test_a_header_that_claims_gigabytes_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, 1 << 33
    (tmp_path / "x").write_bytes(info.tobuf() + bytes(1024))
    with pytest.raises(EvidenceError, match=r"a header of|cannot be unpacked"):
        unpacked(tmp_path / "x")


def test_too_many_entries_and_too_little_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 2)
    with pytest.raises(EvidenceError, match="over 2 entries"):
        unpacked(tarred(tmp_path / "x", FILES))
    (tmp_path / "target").rename(tmp_path / "before")
    monkeypatch.setattr(archive, "MOST_MEMBERS", 100)
    monkeypatch.setattr(archive, "LARGEST_BYTES", 3)
    with pytest.raises(EvidenceError, match="more than is allowed"):
        unpacked(zipped(tmp_path / "y", FILES))


def test_a_locked_zip_is_told(tmp_path: Path) -> None:
    path = zipped(tmp_path / "x", {"a": b"x" * 100})
    content = bytearray(path.read_bytes())
    for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.rfind(magic)
        content[at + flags] |= 1
    path.write_bytes(content)
    with pytest.raises(EvidenceError, match="encrypted"):
        unpacked(path)


def test_long_and_strange_names(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="cannot be unpacked"):
        unpacked(zipped(tmp_path / "x", {"n" * 300: b""}))
    assert list(unpacked_named(tmp_path, "\u202eü\n")) == ["\u202eü\n"]


def unpacked_named(folder: Path, name: str) -> dict[str, bytes]:
    inner = folder / "inner"
    inner.mkdir()
    return unpacked(tarred(inner / "x", {name: b""}))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 3000), st.integers(0, 255), st.sampled_from(["zip", "", "gz"]))
def test_damage_is_told_never_raised(tmp_path: Path, place: int, byte: int, kind: str) -> None:
    folder = tmp_path / f"{place}-{byte}-{kind}-{os.urandom(4).hex()}"
    folder.mkdir()
    path = zipped(folder / "x", FILES) if kind == "zip" else tarred(folder / "x", FILES, kind)
    content = bytearray(path.read_bytes())
    content[place % len(content)] = byte
    path.write_bytes(content[: len(content) - byte % 3 * 20])
    try:
        if is_archive(path):
            unpacked(path)
    except EvidenceError as problem:
        assert str(problem)
