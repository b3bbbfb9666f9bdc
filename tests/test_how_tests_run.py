"""What our conftest makes of a run: a skip that nobody wrote down fails it in CI, what is dear is made once."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TOGETHER

HERE = Path(__file__).parent
LISTED = "this kernel has no netem"
WITHIN = "import pytest\ndef test_it():\n    pytest.skip({!r})\n"
DEAR = """
import os, time
import pytest
@pytest.fixture(scope="module")
def made():
    with open("made", "a") as file:
        print(os.getpid(), file=file)
@pytest.mark.parametrize("number", range(9))
def test_it(number, made):
    time.sleep(0.02)
"""
WHOLE = "import pytest\npytest.skip({!r}, allow_module_level=True)\n"


def run(
    folder: Path, text: str, *options: str, ci: str = "true", name: str = "test_skipped.py"
) -> subprocess.CompletedProcess[str]:
    """Run a test file, beside one that passes, under our conftest."""
    for ours in ("conftest.py", "expected_skips.txt"):
        shutil.copy(HERE / ours, folder)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_passes.py").write_text("def test_it():\n    pass\n")
    (folder / name).write_text(text)
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "WATTRIG"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "xdist", *options],
        cwd=folder, env=outside | {"CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "two processes"])
@pytest.mark.parametrize("text", [WITHIN, WHOLE], ids=["test", "module"])
def test_a_skip_that_is_not_on_the_list_fails_the_run(tmp_path: Path, text: str, options: tuple[str, ...]) -> None:
    done = run(tmp_path, text.format("just so"), *options)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "not on the list of expected skips: " in done.stdout
    assert "just so" in done.stdout


def test_a_skip_on_the_list_passes_and_so_does_any_on_a_machine_of_ones_own(tmp_path: Path) -> None:
    assert run(tmp_path, WITHIN.format(LISTED), "-n", "2").returncode == 0
    assert run(tmp_path, WITHIN.format("just so"), ci="").returncode == 0


def test_what_is_dear_is_made_by_one_process(tmp_path: Path) -> None:
    done = run(tmp_path, DEAR, "-n", "3", name="test_every_driver.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len((tmp_path / "made").read_text().splitlines()) == 1


def test_what_is_dear_is_there() -> None:
    assert all(len(list(HERE.rglob(f"test_{name}.py"))) == 1 for name in TOGETHER)
