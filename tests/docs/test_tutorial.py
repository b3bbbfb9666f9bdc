"""The tutorial as written: each command that is marked is run, in order, and prints what the page shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, Shown, blocks, differs, pattern, shown

PAGE = (DOCS / "tutorials" / "first-measurement.md").read_text("utf-8")
NOT_RUN = {"make install", ". .venv/bin/activate"}
"""What installs wattrig; `.ci/run` does it on a clean checkout."""
MARK = "=== end of command"


def marked() -> list[tuple[Shown, int]]:
    """Get the commands to run, each with the exit code that it shall have."""
    found = []
    for block in blocks(PAGE):
        if block.marker.startswith("run"):
            code = int(block.marker.partition("exit ")[2] or 0)
            found += [(each, code) for each in shown(block)]
    return found


def script(commands: list[str]) -> str:
    """One script, so that variables and background processes are those of one terminal."""
    after = f"printf '\\n{MARK} %s\\n' $?"
    lines = [f"{command}\n{after}" for command in commands]
    return "\n".join(["set -m", "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT", *lines])


def test_every_command_is_run_but_what_installs() -> None:
    everything = {each.command for block in blocks(PAGE) if block.language == "console" for each in shown(block)}
    assert everything - {each.command for each, _ in marked()} == NOT_RUN


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_tutorial_runs_as_written(tmp_path: Path) -> None:
    commands = marked()
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
    }
    done = subprocess.run(
        ["bash", "-c", script([each.command for each, _ in commands])],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=280,
        check=False,
    )  # fmt: skip
    printed = re.split(rf"{MARK} (\d+)\n", done.stdout)
    assert len(printed) == 2 * len(commands) + 1, done.stdout
    for (each, code), output, status in zip(commands, printed[::2], printed[1::2], strict=False):
        assert int(status) == code, f"{each.command}\n{output}"
        assert not differs(each.output, output), f"{each.command}: {differs(each.output, output)}"


def test_a_page_that_shows_something_else_is_found() -> None:
    assert not differs("mean power 99.9 W\n...\nverdict invalid", "mean power 1.2e3 W so\nand so\nverdict\n  invalid")
    assert differs("verdict valid", "verdict invalid")
    assert differs("one line", "one line and more")
    assert not pattern("in 7 samples").fullmatch(" in samples")


def test_commands_are_told_apart_by_their_exit_code(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", script(["true", "(exit 3)"])],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert re.findall(rf"{MARK} (\d+)", done.stdout) == ["0", "3"]
