import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from console.main import COMMANDS, EXTRAS, main

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
