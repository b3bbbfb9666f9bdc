import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import source
from evidence.source import Source, read_bytes


def lines_of(path: Path, longest: int = 1 << 16) -> tuple[bytes, source.FileFacts]:
    with Source(path, "x") as opened:
        content = b"".join(opened.blocks(longest))
        return content, opened.facts()


@given(st.binary(max_size=300), st.integers(1, 40))
def test_blocks_are_the_lines_whatever_the_size_of_reads(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, size: int
) -> None:
    path = tmp_path_factory.mktemp("source") / "file"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BLOCK_BYTES", size)
        found, facts = lines_of(path)
    plain = content.replace(b"\r\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\r\r" not in content.replace(b"\r\r\n", b""):
        assert found == plain
    assert facts.sha1 == hashlib.sha1(content).hexdigest()
    assert facts.size_bytes == len(content)


@pytest.mark.parametrize(
    ("content", "utf8", "text"),
    [("Grüße\n".encode(), True, ""), (b"\xff\xfe", False, "0xFF"), ("a".encode("utf-16-le"), True, "NUL")],
)
def test_text_that_is_none_is_noted(tmp_path: Path, content: bytes, utf8: bool, text: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    facts = lines_of(path)[1]
    assert facts.utf8 is utf8
    assert any(text in damage.text for damage in facts.damage) or not text


def test_a_character_may_lie_across_two_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "BLOCK_BYTES", 3)
    path = tmp_path / "file"
    path.write_bytes("abü\n".encode())
    assert lines_of(path)[1].utf8


def test_a_giant_line_is_cut_and_costs_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a" * (5 << 20) + b"\nnext\n")
    content, facts = lines_of(path)
    assert len(content) < 1 << 20
    assert content.endswith(b"\nnext\n")
    assert "was cut" in facts.damage[0].text


def test_links_must_stay_within_the_tree(tmp_path: Path) -> None:
    inside, outside = tmp_path / "tree" / "a", tmp_path / "b"
    inside.parent.mkdir()
    outside.write_text("secret")
    inside.write_text("own")
    (inside.parent / "in").symlink_to(inside)
    (inside.parent / "out").symlink_to(outside)
    assert read_bytes(inside.parent / "in", "in", 100, inside.parent)[0] == b"own"
    content, facts = read_bytes(inside.parent / "out", "out", 100, inside.parent)
    assert (content, facts.state) == (b"", "refused")
    assert "out of the tree" in facts.reason


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/tty", "/"])
def test_devices_and_folders_are_refused(path: str) -> None:
    assert read_bytes(Path(path), path, 100)[1].state == "refused"


def test_absent_and_unreadable_names(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert read_bytes(tmp_path / "no" / "file", "x", 1)[1].state == "absent"
    assert read_bytes(tmp_path / "a\0b", "x", 1)[1].state == "refused"
    assert read_bytes(tmp_path / "loop", "x", 1)[1].state == "refused"
    assert read_bytes(tmp_path / ("n" * 300), "x", 1)[1].state == "refused"


def test_a_file_that_is_too_large_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 10)
    content, facts = read_bytes(path, "x", 5)
    assert content == b"x" * 5
    assert facts.sha1 == ""
    assert "larger than 5 bytes" in facts.damage[0].text


def test_a_large_file_is_hashed_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "HASHED_BESIDE_BYTES", 1)
    content = os.urandom(3 << 20) + b"\n"
    path = tmp_path / "file"
    path.write_bytes(content)
    assert lines_of(path, 8 << 20)[1].sha1 == hashlib.sha1(content).hexdigest()


def test_files_over_the_limit_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "LARGEST_BYTES", 3)
    (tmp_path / "file").write_bytes(b"1234")
    assert lines_of(tmp_path / "file")[1].state == "refused"
