"""What all commands have in common: `--quiet`, `--format json`, NO_COLOR."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from console.log_format import say_event, say_line
from console.main import main
from console.quiet import note, with_quiet
from director.events import PhaseStarted
from rules.rulebook import all_rules

WATTRIG = str(Path(sys.executable).with_name("wattrig"))
NO_DOCUMENT = {
    "suggest": "prints TOML", "init": "asks, and writes TOML", "analyzers record": "writes files",
    "package add": "writes a file", "package build": "writes files", "package init": "writes a file",
    "package check": "see wattrig check", "package show": "see the tree's own documents", "report": "writes a page",
    "export": "writes a table", "show": "draws a picture", "simulate": "serves", "completion": "prints a script",
    "keys init": "makes a key", "keys show": "prints a certificate", "keys revoke": "does it",
    "keys trust": "does it", "client": "--log-format", "director": "--log-format",
}  # fmt: skip
"""Commands without a form for programs, and why."""


def leaves(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield context.command_path.removeprefix("wattrig "), command
        return
    for name in command.list_commands(context):
        sub = command.get_command(context, name)
        assert sub is not None
        yield from leaves(sub, click.Context(sub, info_name=name, parent=context))


COMMANDS = dict(leaves(main, click.Context(main, info_name="wattrig")))


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_can_be_quiet_and_speaks_to_programs_where_it_tells_something(path: str) -> None:
    options = {option: param for param in COMMANDS[path].params for option in param.opts}
    assert {"-q", "--quiet"} <= set(options)
    spoken = [param.type.choices for name, param in options.items() if name == "--format"]
    has_json = any({"json", "jsonl"} & set(choices) for choices in spoken)
    assert has_json != (path in NO_DOCUMENT)


def test_the_option_is_given_once() -> None:
    command = click.Command("x", params=[])
    assert len(with_quiet(with_quiet(command)).params) == 1


def test_quiet_leaves_warnings_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def told() -> None:
        note("how it goes")
        say_line("ptd-server 2026-01-01 10:00:00,000 [INFO] fine", "text", "x")
        say_line("ptd-server 2026-01-01 10:00:00,000 [WARNING] look", "text", "x")
        say_event(PhaseStarted("s", "testing"), "json", "x")
        click.echo("the result")

    loud, quiet = (CliRunner().invoke(with_quiet(told), arguments) for arguments in ([], ["--quiet"]))
    assert len(loud.stderr.splitlines()) == 4
    assert quiet.stderr.splitlines() == ["ptd-server 2026-01-01 10:00:00,000 [WARNING] look"]
    assert quiet.stdout == "the result\n"


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [WATTRIG, *arguments], capture_output=True, text=True, timeout=120, check=False, env=os.environ | environment
    )


@pytest.mark.slow
def test_a_quiet_demo_tells_its_result_alone_and_what_it_signed_is_verified_for_programs(tmp_path: Path) -> None:
    keys = {"WATTRIG_KEYS": str(tmp_path / "keys")}
    run("keys", "init", **keys)
    listed = json.loads(run("keys", "list", "--format", "json", **keys).stdout)
    assert [each["state"] for each in listed] == ["own"]
    done = run("demo", "-q", "--seconds", "3", "--out", tmp_path / "out", "--format", "json", **keys)
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert done.stderr == f"report: {result['path']}/wattrig/report.html\n"
    session = Path(result["path"])
    checked = json.loads(run("check", session, "--format", "json").stdout)
    assert checked["results"][0]["findings"] == result["findings"]
    told = run("verify", session, "--format", "json", **keys)
    document = json.loads(told.stdout)
    assert (told.returncode, document["verified"], document["changed"]) == (0, True, [])
    assert {each["key"] for each in document["signatures"]} == {listed[0]["fingerprint"]}
    (session / "power" / "server.log").write_text("other")
    told = run("verify", session, "--format", "json", **keys)
    assert (told.returncode, json.loads(told.stdout)["changed"]) == (1, ["power/server.log"])


def test_documents_of_a_session(demo_session: Path) -> None:
    journal = json.loads(run("journal", demo_session, "--format", "json").stdout)
    assert journal["client"]["damages"] == []
    assert journal["client"]["kinds"]["message"] > 0
    verified = run("verify", demo_session, "--format", "json")
    assert (verified.returncode, verified.stdout) == (3, "")
    assert "is not signed" in verified.stderr


def test_rules_and_the_machine_as_documents() -> None:
    rules = json.loads(run("rule", "--format", "json").stdout)
    assert [rule["code"] for rule in rules] == list(all_rules())
    (one,) = json.loads(run("rule", "pwr012", "--round", "v5.1", "--format", "json").stdout)
    assert one["code"] == "PWR012"
    facts = json.loads(run("system", "describe", "--format", "json").stdout)
    assert set(facts["os.name"]) == {"value", "source"}


def test_no_color_means_no_colour_even_on_a_terminal(demo_session: Path) -> None:
    """`script` gives the command a terminal; click and rich both then use colours unless told not to."""
    for command in (f"doctor -c {station(demo_session)}", f"check {demo_session}"):
        for environment, coloured in (({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)):
            done = subprocess.run(
                ["script", "-qec", f"{WATTRIG} {command}", "/dev/null"],
                capture_output=True, text=True, timeout=60, check=False,
                env=os.environ | {"TERM": "xterm"} | environment,
            )  # fmt: skip
            assert ("\x1b[3" in done.stdout) == coloured, done.stdout


def station(folder: Path) -> Path:
    path = folder.parent / "station.toml"
    path.write_text(
        '[director]\nstore = "store"\nlisten = "127.0.0.1:0"\n[[analyzer]]\ndevice_type = 0\ndevice_port = "none"\n'
    )
    return path
