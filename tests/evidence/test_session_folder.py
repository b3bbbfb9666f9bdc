from pathlib import Path

import pytest

from evidence import session
from evidence.session import find_session


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    return root


def test_a_session_folder_and_a_performance_folder(tmp_path: Path) -> None:
    root = make(tmp_path / "singlestream" / "performance", "power/a", "run_1/b", "wattrig/state.json")
    for path in (root, root.parent):
        found = find_session(path)
        assert found is not None
        assert (found.root, found.files, found.scenario_name) == (root, ("power/a", "run_1/b"), "singlestream")
    assert find_session(tmp_path) is None


def test_the_scenario_is_not_guessed_from_other_folders(tmp_path: Path) -> None:
    found = find_session(make(tmp_path / "2025-07-25", "power/a"))
    assert found is not None
    assert found.scenario_name == ""


def test_files_are_listed_sorted_with_links_marked_and_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make(tmp_path / "s", "power/b", "power/a", "power/deep/c", "stray")
    (root / "power" / "loop").symlink_to(root)
    found = find_session(root)
    assert found is not None
    assert found.files == ("power/a", "power/b", "power/deep/c", "power/loop", "stray")
    assert found.links == ("power/loop",)
    monkeypatch.setattr(session, "MOST_FILES", 2)
    bounded = find_session(root)
    assert bounded is not None
    assert len(bounded.files) == 2


@pytest.mark.parametrize("name", ["nothing", "a\0b", "x" * 300])
def test_paths_that_are_no_folders(tmp_path: Path, name: str) -> None:
    assert find_session(tmp_path / name) is None
