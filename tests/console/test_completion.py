"""Completion: each shell gets its script, and values come from the rulebook and the catalogue."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from analyzers.catalogue import catalogue
from console.main import COMMANDS, main
from console.ptd_command_line import ptd_options, ptd_types
from rules.rulebook import all_rounds, all_rules

WATTRIG = str(Path(sys.executable).with_name("wattrig"))


def completed(line: str) -> list[str]:
    """What bash would offer at the end of a line."""
    words = line.split(" ")
    environment = {
        **os.environ,
        "_WATTRIG_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    done = subprocess.run([WATTRIG], capture_output=True, text=True, timeout=20, check=True, env=environment)
    return [text.partition(",")[2] for text in done.stdout.splitlines()]


def test_commands_and_tools_are_completed() -> None:
    assert completed("wattrig ") == list(COMMANDS)
    assert completed("wattrig do") == ["doctor"]
    assert completed("wattrig analyzers re") == ["read", "record"]
    assert completed("wattrig keys tr") == ["trust"]


def test_no_command_is_imported_to_complete_its_name() -> None:
    script = (
        "import sys\nfrom console.main import main\nimport click\n"
        "main.shell_complete(click.Context(main), 'd')\n"
        "print(sorted({'console.demo', 'console.director_command', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_options_have_quiet_everywhere() -> None:
    assert "--quiet" in completed("wattrig check --")
    assert "--quiet" in completed("wattrig analyzers scan --")


def test_values_are_completed() -> None:
    assert completed("wattrig rule pwr01") == [code for code in all_rules() if code.startswith("PWR01")]
    rounds = [name for name in all_rounds() if name.startswith("v5")]
    for command in ("check", "report", "show", "compare", "results", "rule", "doctor", "package init"):
        assert completed(f"wattrig {command} --round v5") == rounds, command
    types = [str(entry.family.device_type) for entry in catalogue()]
    assert completed("wattrig analyzers read --type ") == types
    assert completed("wattrig analyzers identify /dev/x 4") == [number for number in types if number.startswith("4")]
    assert completed("wattrig init --type 50") == [number for number in types if number.startswith("50")]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_one(shell: str) -> None:
    done = subprocess.run([WATTRIG, "completion", shell], capture_output=True, text=True, check=True)
    assert "_WATTRIG_COMPLETE" in done.stdout
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=done.stdout, text=True, check=True)


def test_bash_completes_with_the_script() -> None:
    script = (
        f'export PATH="{Path(WATTRIG).parent}:$PATH"\neval "$(wattrig completion bash)"\n'
        "COMP_WORDS=(wattrig rule LGN00)\nCOMP_CWORD=2\n_wattrig_completion wattrig\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == [code for code in all_rules() if code.startswith("LGN00")]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_daemons_script_of_each_shell_is_one_with_all_there_is(shell: str) -> None:
    done = CliRunner().invoke(main, ["completion", shell, "wattrig-ptd"])
    assert done.exit_code == 0, done.output
    for each in ptd_options():
        name = each.flag.lstrip("-") if shell == "fish" else each.flag
        assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", done.stdout), name
    for number in ptd_types():
        assert re.search(rf"\b{number}\b", done.stdout), number
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=done.stdout, text=True, check=True)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("--mo", ["--model"]),
        ("--model p", ["ptd"]),
        ("50", [str(number) for number in ptd_types() if str(number).startswith("50")]),
        ("-D 49 ", []),
        ("-p 88", []),
        ("", [str(number) for number in ptd_types()]),
    ],
)
def test_bash_completes_the_daemons_command_line(words: str, offered: list[str]) -> None:
    line = ["wattrig-ptd", *words.split(" ")]
    script = CliRunner().invoke(main, ["completion", "bash", "wattrig-ptd"]).stdout + (
        "compopt() { :; }\n"  # bash has it only while it completes
        f"COMP_WORDS=({shlex.join(line)})\nCOMP_CWORD={len(line) - 1}\n_wattrig_ptd\n"
        'printf "%s " "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == offered
