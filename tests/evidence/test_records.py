import json
from pathlib import Path
from uuid import uuid4

import pytest

from evidence import digest, layout, state
from evidence.summary import Summary
from metrology.errors import EvidenceError

REFERENCE_KEYS = [
    "version", "timezone", "modules", "sources", "messages", "uuid", "session_name", "results", "phases",
    "ptd_config",
]  # fmt: skip


def test_a_summary_has_the_keys_of_the_reference_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "power").mkdir()
    (tmp_path / layout.CLIENT_LOG).write_bytes(b"log\n")
    summary = Summary(("evidence",), uuid4(), uuid4(), "2026-11-22_12-00-00")
    summary.message("time", 1.0, "2.5", 3.0)
    for _ in range(4):
        summary.stamp("ranging")
    path = tmp_path / layout.CLIENT_JSON
    summary.save(path, tmp_path, (layout.CLIENT_LOG, "ranging/absent.txt"), {"ptd_config": [None]})
    text = path.read_text()
    record = json.loads(text)
    assert list(record) == REFERENCE_KEYS
    assert record["results"] == {layout.CLIENT_LOG: digest.file_sha1(tmp_path / layout.CLIENT_LOG)}
    assert len(record["phases"]["ranging"]) == 4
    assert "evidence/summary.py" in record["sources"]
    assert record["modules"]["evidence.summary"] == "evidence/summary.py"
    assert not text.endswith("\n")


def test_the_name_of_our_build_changes_with_the_sources(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "a.py").write_text("x = 1\n")
    monkeypatch.setattr(digest, "ROOT", tmp_path)
    first = digest.source_crc32(["room"])
    (tmp_path / "room" / "a.py").write_text("x = 2\n")
    assert len(first) == 8
    assert digest.source_crc32(["room"]) != first


def test_state_is_written_and_read_back(tmp_path: Path) -> None:
    assert state.read_state(tmp_path) is None
    state.mark(tmp_path, "aborted", "the meter fell silent", "testing")
    found = state.read_state(tmp_path)
    assert found is not None
    assert (found.state, found.reason, found.phase) == ("aborted", "the meter fell silent", "testing")


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"state": 1, "t_utc_ns": "x"}']
)
def test_a_damaged_state_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "wattrig").mkdir()
    (tmp_path / "wattrig" / "state.json").write_bytes(content)
    with pytest.raises(EvidenceError, match=r"state\.json"):
        state.read_state(tmp_path)
