import os
from pathlib import Path
from typing import Any

import pytest

from compliance import tree
from compliance.tree import find_results, place_of

PLACE = "closed/lab/results/box/resnet50/Offline"


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).mkdir(parents=True, exist_ok=True)
    return root


def shown(root: Path) -> list[str]:
    return [found.shown for found in find_results(root, "T").found]


def test_results_of_several_rounds_and_own_sessions_are_found_in_order(tmp_path: Path) -> None:
    make(tmp_path, f"v5.1/{PLACE}/performance/power", f"v5.1/{PLACE}/performance/run_1",
         f"v4.1/{PLACE}/performance/power", "out/2026-01-01_00-00-00/power", "out/2026-01-01_00-00-00/ranging",
         "out/aborted/wattrig", "out/aborted/power", "out/plain/run_1", f"v4.1/{PLACE}/accuracy")  # fmt: skip
    assert shown(tmp_path) == [
        "T/out/2026-01-01_00-00-00", "T/out/aborted", f"T/v4.1/{PLACE}/performance", f"T/v5.1/{PLACE}/performance"
    ]  # fmt: skip


def test_what_lost_its_power_folder_is_still_found(tmp_path: Path) -> None:
    make(tmp_path, f"a/{PLACE}/performance/ranging", f"b/{PLACE}/performance/run_1")
    assert shown(tmp_path) == [f"T/a/{PLACE}/performance"]


def test_a_session_itself_is_the_only_result(tmp_path: Path) -> None:
    make(tmp_path, "performance/power", "performance/run_1", "other/power", "other/run_1")
    walk = find_results(tmp_path, "T")
    assert [(found.shown, found.path) for found in walk.found] == [("T", tmp_path / "performance")]


def test_only_results_of_a_submission_are_walked(tmp_path: Path) -> None:
    make(tmp_path, f"{PLACE}/performance/power", "closed/lab/code/x/performance/power",
         "closed/lab/measurements/a/power", "closed/lab/measurements/a/run_1", f"{PLACE}/TEST01/performance/power",
         ".git/performance/power")  # fmt: skip
    assert shown(tmp_path) == [f"T/{PLACE}/performance"]


def test_links_loops_and_closed_folders_are_told_and_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make(tmp_path / "tree", f"{PLACE}/performance/power", "deep/1/2/3/4")
    (root / "loop").symlink_to(root)
    (root / "out").symlink_to("/usr")
    (root / "nowhere").symlink_to(root / "absent")
    os.mkfifo(root / "performance")
    monkeypatch.setattr(tree, "MOST_DEPTH", 3)
    walk = find_results(root, "T")
    assert shown(root) == []
    assert "2 links to folders were not followed" in walk.notes[0]
    assert "folders lie deeper than 3 levels" in walk.notes[1]
    monkeypatch.setattr(tree, "MOST_DEPTH", 32)
    monkeypatch.setattr(tree, "MOST_FOLDERS", 2)
    assert "only the first 2 folders" in find_results(root, "T").notes[-1]
    assert "could not be read" in find_results(root / "absent", "T").notes[0]


def test_absurd_names_are_walked(tmp_path: Path) -> None:
    for name in (b"\xff\xfe", b"new\nline", "ü\u202e".encode(), b"x" * 255):
        (Path(os.fsdecode(bytes(tmp_path) + b"/" + name)) / "performance" / "power").mkdir(parents=True)
    assert len(shown(tmp_path)) == 4


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/r/v1/{PLACE}/performance", ("closed", "lab", "box", "resnet50", "Offline")),
        (f"/r/v1/{PLACE}", None),
        ("/results/box/resnet50/Offline/performance", None),
        ("/r/shut/lab/results/box/resnet50/Offline/performance", None),
        ("/r/closed/lab/result/box/resnet50/Offline/performance", None),
    ],
)
def test_the_place_of_a_result(path: str, expected: Any) -> None:
    place = place_of(Path(path))
    assert (place and place[1:]) == expected
    if place:
        assert (place.root, str(place)) == (Path("/r/v1"), PLACE)
