"""Small files that must survive a crash: what stands there before, after and instead."""

import errno
import os
from pathlib import Path

import pytest

from evidence import state


def fails_with(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fsync)


def test_a_disk_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "folder/file"
    state.write_bytes_atomically(path, b"before")
    with monkeypatch.context() as broken:
        fails_with(errno.EIO, broken)
        with pytest.raises(OSError, match="Input/output error"):
            state.write_bytes_atomically(path, b"after")
    assert path.read_bytes() == b"before"
    state.write_bytes_atomically(path, b"after")
    assert [each.name for each in path.parent.iterdir()] == ["file"]


def test_a_state_is_forced_to_the_disk_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    state.mark(tmp_path, "complete")
    folder = tmp_path / "wattrig"
    assert synced == [(folder / "state.json").stat().st_ino, folder.stat().st_ino]


@pytest.mark.parametrize(("number", "passes"), [(errno.EINVAL, True), (errno.EIO, False), (errno.ENOSPC, False)])
def test_a_file_system_that_syncs_no_folders_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, passes: bool
) -> None:
    fails_with(number, monkeypatch)
    if passes:
        state.sync_folder(tmp_path)
        return
    with pytest.raises(OSError, match=os.strerror(number)):
        state.sync_folder(tmp_path)
