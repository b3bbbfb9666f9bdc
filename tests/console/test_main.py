import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from console.main import COMMANDS, EXTRAS, main
from console.plain import plain

WATTRIG = Path(sys.executable).with_name("wattrig")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0, done.output
    assert len(done.output.splitlines()) > 6


def test_the_top_help_names_every_command_and_imports_none() -> None:
    script = (
        "import sys\nfrom console.main import main\nsys.argv = ['wattrig', '--help']\ntry:\n    main()\n"
        "except SystemExit:\n    pass\n"
        "print('LOADED', sorted({'numpy', 'rich', 'pydantic', 'serial'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert all(name in done.stdout for name in COMMANDS)
    assert done.stdout.endswith("LOADED []\n")


def test_an_extra_that_is_not_installed_is_named(tmp_path: Path) -> None:
    script = (
        "import sys\nsys.modules['numpy'] = None\nfrom console.main import main\n"
        f"sys.argv = ['wattrig', 'check', {str(tmp_path)!r}]\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert f"pip install 'wattrig[{EXTRAS['numpy']}]'" in done.stderr


def test_an_unknown_command_and_a_wrong_option_end_with_a_hint() -> None:
    for arguments in (["chek"], ["client", "--nope"]):
        done = subprocess.run([WATTRIG, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "Error:" in done.stderr


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (PermissionError(13, "Permission denied", "/a\nb"), "wattrig: '/a\\nb': Permission denied\n"),
        (ConnectionRefusedError(111, "Connection refused"), "wattrig: Connection refused\n"),
        (OSError("the line is dead"), "wattrig: the line is dead\n"),
    ],
)
def test_what_the_system_refuses_is_one_message(monkeypatch: pytest.MonkeyPatch, problem: OSError, told: str) -> None:
    def refuse(_path: Path | None) -> None:
        raise problem

    monkeypatch.setattr("console.keys.KeyFolder", refuse)
    done = CliRunner().invoke(main, ["keys", "list"])
    assert (done.exit_code, done.stderr) == (2, told)


@given(st.text(st.sampled_from("a\u202e\u2066\u200b\ufeff\U000e0041\x1b\x9b\n\ud800")))
def test_no_text_steers_the_terminal_or_turns_itself_round(text: str) -> None:
    assert set(plain(text)) <= set("a ?")
    assert len(plain(text)) == len(text)
