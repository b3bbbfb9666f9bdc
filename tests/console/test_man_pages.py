"""Manual pages: one for each command, which man itself finds nothing wrong with."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from console.main import COMMANDS
from console.ptd_command_line import ptd_options, ptd_types

SOURCE = Path(__file__).parents[2] / "docs" / "man.py"


def loaded() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_man", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAN = loaded()
PAGES: dict[str, str] = dict(MAN.all_pages())


def test_every_command_has_a_page() -> None:
    pages = {"wattrig.1", "wattrig-keys-trust.1", "wattrig-ptd.1"}
    assert {f"wattrig-{name}.1" for name in COMMANDS} | pages <= set(PAGES)


def test_the_daemons_page_has_its_options_and_device_types() -> None:
    text = PAGES["wattrig-ptd.1"]
    for each in ptd_options():
        assert f".B {MAN.escaped(f'{each.flag} {each.value}'.strip())}\n" in text
    for number, title in ptd_types().items():
        assert f".TP\n.B {number}\n{MAN.escaped(title)}\n" in text


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_its_parts_and_no_request_but_ours(name: str) -> None:
    text = PAGES[name]
    for part in (".TH ", ".SH NAME\n", ".SH SYNOPSIS\n", ".SH DESCRIPTION\n", ".SH OPTIONS\n", ".SH SEE ALSO\n"):
        assert text.count(part) == 1, part
    requests = {line.split()[0] for line in text.splitlines() if line.startswith((".", "'"))}
    assert requests <= {".TH", ".SH", ".PP", ".nf", ".fi", ".TP", ".B", ".BR"}
    assert text.count(".nf\n") == text.count("\n.fi")


def test_text_that_roff_would_take_for_its_own_is_kept_as_text() -> None:
    assert MAN.escaped(".SH no\n'so \\fB a-b") == "\\&.SH no\n\\&'so \\efB a\\-b"


def test_the_command_writes_them_and_man_shows_them(tmp_path: Path) -> None:
    subprocess.run([sys.executable, SOURCE, tmp_path], check=True, timeout=60)
    assert {path.name for path in tmp_path.iterdir()} == set(PAGES)
    if man := shutil.which("man"):
        for name, part in (("doctor", "wattrig doctor -c station.toml --round v6.1"), ("ptd", "Yokogawa WT310")):
            page = tmp_path / f"wattrig-{name}.1"
            done = subprocess.run([man, "--warnings=all", "-l", page], capture_output=True, text=True, check=True)
            assert part in done.stdout
            assert done.stderr == ""
