"""The journal's promises: what is whole is read, what is not is named, whatever befell the file."""

import os
import stat
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import journal
from evidence.journal import Journal, decoded, encoded, is_being_written, read_journal
from metrology.errors import EvidenceError

TEXTS = st.text(max_size=20)
VALUES = st.one_of(TEXTS, st.integers(), st.booleans(), st.none(), st.lists(st.integers(), max_size=3))
RECORDS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES, max_size=3), min_size=1, max_size=6)


def written(records: list[dict[str, Any]]) -> list[bytes]:
    return [encoded({"n": n, "t_utc_ns": n, "kind": "k", **record}) for n, record in enumerate(records)]


def read_bytes(content: bytes) -> journal.Kept:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.journal"
        path.write_bytes(content)
        return read_journal(path)


def test_what_is_added_is_on_disk_and_private(tmp_path: Path) -> None:
    kept = Journal(tmp_path / "a.journal")
    kept.add("sample", line="Time,\x00 and \u20ac and \ud800")
    kept.add("end")
    found = read_journal(kept.path)  # before it is closed: each record is handed over as it comes
    assert [(record["n"], record["kind"]) for record in found.records] == [(0, "sample"), (1, "end")]
    assert found.records[0]["line"] == "Time,\x00 and \u20ac and \ud800"
    assert found.is_whole
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    kept.close()
    kept.close()
    kept.add("late")
    assert len(read_journal(kept.path).records) == 2


@given(RECORDS, st.data())
def test_cut_at_any_byte_it_reads_back_to_the_last_whole_record(
    records: list[dict[str, Any]], data: st.DataObject
) -> None:
    lines = written(records)
    content = b"".join(lines)
    cut = data.draw(st.integers(0, len(content)))
    whole = sum(cut >= len(b"".join(lines[: n + 1])) for n in range(len(lines)))
    found = read_bytes(content[:cut])
    assert [record["n"] for record in found.records] == list(range(whole))
    assert found.is_whole == (cut == len(b"".join(lines[:whole])))


def test_cut_at_every_byte() -> None:
    lines = written([{"a": "x" * 40}, {"b": 1}, {}])
    content = b"".join(lines)
    ends = {len(b"".join(lines[:n])) for n in range(4)}
    for cut in range(len(content) + 1):
        found = read_bytes(content[:cut])
        assert len(found.records) == sum(end <= cut for end in ends) - 1
        assert found.is_whole == (cut in ends)


@given(RECORDS, st.data())
def test_a_flipped_bit_spoils_no_more_than_its_neighbours(records: list[dict[str, Any]], data: st.DataObject) -> None:
    lines = written(records)
    content = bytearray(b"".join(lines))
    at, bit = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(0, 7))
    hit = next(n for n in range(len(lines)) if at < len(b"".join(lines[: n + 1])))
    content[at] ^= 1 << bit
    found = read_bytes(bytes(content))
    assert not found.is_whole
    expected = [decoded(line[:-1]) for line in lines]
    assert all(record in expected for record in found.records)
    assert {record["n"] for record in found.records} >= set(range(len(lines))) - {hit, hit + 1}


@given(st.binary(max_size=300))
def test_garbage_is_never_a_record_and_never_an_error(content: bytes) -> None:
    found = read_bytes(content)
    assert found.records == ()
    assert found.is_whole == (content == b"")


def test_a_record_that_is_missing_or_comes_twice_is_named() -> None:
    first, second, third = written([{}, {}, {}])
    assert read_bytes(first + third).damages == (
        journal.Damage(2, len(first), "1 records are missing before this one"),
    )
    assert "comes again" in read_bytes(first + second + second).damages[0].reason


@pytest.mark.parametrize(
    "text", [b"[]", b"1", b'{"n":0,"t_utc_ns":1}', b'{"n":"0","t_utc_ns":1,"kind":"k"}', b"[" * 9000]
)
def test_a_checksum_alone_makes_no_record(text: bytes) -> None:
    with pytest.raises(EvidenceError):
        decoded(b"%08x %s" % (journal.zlib.crc32(text), text))


def test_a_full_disk_is_told_once_and_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    kept = Journal(tmp_path / "a.journal", told.append)
    kept.add("one")

    def full(_file: int, _line: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        kept.add("two")
        kept.add("three")
    kept.add("four")
    kept.close()
    assert told == [f"the journal '{kept.path}' cannot be written: No space left on device"]
    assert [record["kind"] for record in read_journal(kept.path).records] == ["one"]


def test_the_real_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = os.open
    monkeypatch.setattr(os, "open", lambda _path, _flags, _mode: real("/dev/full", os.O_WRONLY))
    monkeypatch.setattr(journal.fcntl, "flock", lambda *_: None)
    told: list[str] = []
    kept = Journal(tmp_path / "a.journal", told.append)
    kept.add("one")
    kept.close()
    assert "No space left on device" in told[0]


def test_records_reach_the_disk_within_the_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = threading.Event()
    thread: list[str] = []

    def fsync(_file: int) -> None:
        thread.append(threading.current_thread().name)
        synced.set()

    monkeypatch.setattr(os, "fsync", fsync)
    kept = Journal(tmp_path / "a.journal")
    kept.add("one")
    assert synced.wait(1.0)
    assert thread[0] == "journal a.journal"  # never the one that adds
    kept.close()


def test_who_writes_it_can_be_told(tmp_path: Path) -> None:
    kept = Journal(tmp_path / "a.journal")
    assert is_being_written(kept.path)
    with pytest.raises(FileExistsError):
        Journal(kept.path)
    kept.close()
    assert not is_being_written(kept.path)
