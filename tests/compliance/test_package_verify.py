"""A submission whose list of files was made to fit what is no file."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compliance import package_verify
from compliance.package_build import MANIFEST
from compliance.package_tree import sealed
from compliance.package_verify import Deviation, deviations, find_packages, strays
from metrology.errors import EvidenceError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A submitter's folder with one file, as built."""
    root = tmp_path / "closed/Lab"
    (root / "documentation").mkdir(parents=True)
    (root / "a.txt").write_text("a")
    listed(root, {"a.txt": hashlib.sha256(b"a").hexdigest()})
    return root


def listed(root: Path, files: dict[str, object]) -> None:
    found = {"schema": 1, "division": "closed", "submitter": "Lab"}
    entries = {name: {"sha256": sha256} for name, sha256 in files.items()}
    (root / MANIFEST).write_bytes(sealed({**found, "files": entries}))


def told(root: Path) -> list[Deviation]:
    (package,) = find_packages(root.parent.parent)
    return list(deviations(package))


def test_what_was_built_deviates_in_nothing(root: Path) -> None:
    assert told(root) == []


@pytest.mark.parametrize("sha256", ["no plain file", "an empty folder", None, ""])
def test_a_link_is_no_file_whatever_the_list_says(root: Path, sha256: object) -> None:
    (root / "a.txt").rename(root.parent / "a.txt")
    (root / "a.txt").symlink_to(root.parent / "a.txt")
    listed(root, {"a.txt": sha256})
    (found,) = told(root)
    assert (found.kind, found.file) == ("edited", "closed/Lab/a.txt")
    assert "it is no plain file" in found.message


@pytest.mark.parametrize(
    ("old", "new"),
    [('"Lab"', '"Lab "'), ('"files": {', '"round": "v5.0", "files": {'), ('"sha256": "', '"sha256": "0')],
)
def test_an_edited_list_is_told(root: Path, old: str, new: str) -> None:
    path = root / MANIFEST
    text = path.read_text()
    path.write_text(new.join(text.rsplit(old, 1)))
    assert ("edited", f"closed/Lab/{MANIFEST}") in [(found.kind, found.file) for found in told(root)]
    path.write_text(json.dumps(json.loads(text)))  # what it says counts, not how it is laid out
    assert told(root) == []


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda tree: (tree / "notes.txt").write_text("x"), "notes.txt: lies outside"),
        (lambda tree: (tree / "README.md").symlink_to("/dev/null"), "README.md: is a link"),
        (lambda tree: (tree / "Closed").mkdir(), "Closed/: is no division"),
        (lambda tree: (tree / "open").mkdir(), "open/: holds no submitter"),
        (lambda tree: (tree / "closed/x.json").write_text("{}"), "closed/x.json: lies outside"),
        (lambda tree: (tree / "closed/Other/results").mkdir(parents=True), "closed/Other/: has no list"),
        (lambda tree: (tree / "closed/Other").symlink_to("Lab"), "closed/Other: is a link"),
        (lambda tree: (tree / "open").symlink_to("closed"), "open: is a link"),
    ],
)
def test_what_is_no_part_of_any_package_is_told(root: Path, make: Callable[[Path], object], expected: str) -> None:
    make(root.parent.parent)
    found = [f"{each.file}: {each.message}" for each in strays(root.parent.parent)]
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_what_the_submission_checker_lets_lie_there_is_let_lie(root: Path) -> None:
    (root.parent.parent / "README.md").write_text("x")
    (root.parent.parent / "assets").mkdir()
    assert list(strays(root.parent.parent)) == []


def test_a_fifo_hangs_nobody(root: Path) -> None:
    (root / "a.txt").unlink()
    os.mkfifo(root / "a.txt")
    assert [found.kind for found in told(root)] == ["edited"]
    (root / MANIFEST).unlink()
    os.mkfifo(root / MANIFEST)
    with pytest.raises(EvidenceError, match="is a FIFO, expected a plain file"):
        told(root)


def test_what_cannot_be_looked_through_is_not_passed_over(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "hidden").mkdir()
    real = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("hidden"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(EvidenceError, match="hidden' cannot be read: Permission denied"):
        told(root)
    monkeypatch.undo()
    monkeypatch.setattr(package_verify, "MOST_FILES", 3)
    with pytest.raises(EvidenceError, match="over 3 files"):
        told(root)
