"""Every help has examples, every example is understood, and those that a demo session suffices for are run."""

import datetime
import re
import shlex
import shutil
import tarfile
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from console.main import main
from wire.identity import make_identity
from wire.keys import KeyFolder

Example = tuple[str, str]
_EXAMPLE = re.compile(r"\s*(?:sudo )?(wattrig(?: .*)?)")
_COMMENT = re.compile(r"\s{2,}.*| > .*")

SESSIONS = (
    "demo-out/2026-03-01_10-00-00", "out/2026-11-22_14-17-07", "out/2026-11-22_12-00-00",
    "sessions/2026-01-05_10-11-12", "submitted/performance", "reproduced/performance", "before", "after",
    "closed/Example/results/system/resnet50/Offline/performance", "submission/one", "last-round/one",
    "v5.1/closed/Example/results/system/resnet50/Offline/performance",
)  # fmt: skip
"""Where the examples find a session."""
NOT_RUN = {
    r"wattrig (demo|measure|client|director)\b": "measures: the fixture demo_session, test_director_command",
    r"wattrig watch\b": "follows a director without end: test_live_page",
    r"wattrig simulate\b": "serves without end: test_analyzers_tools",
    r"/dev/|192\.168|10\.0\.0|--identify|^wattrig suggest$|lab\.toml": "needs an instrument or another machine",
    r"wattrig analyzers check -c": "reads the instruments of a station: test_analyzers_tools",
    r"wattrig init$|keys trust": "asks a person: test_suggest_and_init, test_keys_command",
    r"wattrig package": "needs all of a submission: test_package_command",
    r"--format pdf": "needs Chromium: test_report_in_browser",
}
MAY_END_WITH = {"check": {0, 1}, "verify": {3}, "doctor": {0, 1}}
"""Exit codes that tell of the demo session, or of this machine, and not of the command; else 0."""
RUN_THOUGH = r"init --yes --port /dev/ttyUSB0 --type 49"


def commands(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    yield context.command_path, command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            sub = command.get_command(context, name)
            assert sub is not None
            yield from commands(sub, click.Context(sub, info_name=name, parent=context))


TOP = click.Context(main, info_name="wattrig")
ALL = {path: (command, context) for path, command, context in commands(main, TOP)}


def as_they_are(text: str) -> Iterator[str]:
    """The lines of a help text that click leaves as they are."""
    for paragraph in cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b\n"):
            yield from paragraph.splitlines()


def examples_of(path: str) -> list[str]:
    command, _ = ALL[path]
    lines = (line for text in (command.help, command.epilog) for line in as_they_are(text or ""))
    return [_COMMENT.sub("", match[1]).rstrip() for line in lines if (match := _EXAMPLE.fullmatch(line))]


EXAMPLES = list(dict.fromkeys(example for path in ALL for example in examples_of(path)))


def why_not(example: str) -> str:
    if re.search(RUN_THOUGH, example):
        return ""
    return next((reason for pattern, reason in NOT_RUN.items() if re.search(pattern, example)), "")


RUN = [example for example in EXAMPLES if not why_not(example)]


@pytest.mark.parametrize("path", ALL)
def test_every_help_has_an_example_of_its_own(path: str) -> None:
    assert any(example.startswith(path) for example in examples_of(path)), ALL[path][0].help


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_understood(example: str) -> None:
    words = shlex.split(example, comments=True)
    path = max((each for each in ALL if f"{example} ".startswith(f"{each} ")), key=len)
    command, context = ALL[path]
    rest = words[len(path.split()) :]
    options, _, _ = command.make_parser(context).parse_args(list(rest))
    asked = [param for param in command.params if isinstance(param, click.Option) and param.required]
    assert all(param.name in options for param in asked), "a required option is missing"
    assert not isinstance(command, click.Group), "a group is no example"


def test_most_examples_are_run_and_the_reasons_for_the_others_still_hold() -> None:
    assert len(RUN) >= 35
    for pattern in NOT_RUN:
        assert any(re.search(pattern, example) for example in EXAMPLES), pattern


@pytest.fixture(scope="module")
def place(demo_session: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the examples find what they name."""
    folder = tmp_path_factory.mktemp("examples")
    for name in SESSIONS:
        shutil.copytree(demo_session, folder / name)
    with tarfile.open(folder / "submission.tar.gz", "w:gz") as archive:
        archive.add(folder / "submission", "submission")
    (folder / "station.toml").write_text(
        '[director]\nstore = "store"\nlisten = "127.0.0.1:0"\n'
        '[[analyzer]]\ndevice_type = 0\ndevice_port = "none"\nnetwork_port = 0\n'
    )
    now = datetime.datetime.now(datetime.UTC)
    other = make_identity(KeyFolder(folder / "other"), "sut7", now)
    make_identity(KeyFolder(folder / "keys"), "director", now)
    KeyFolder(folder / "keys").trust("sut7", other.der)
    return folder


def expanded(word: str, place: Path) -> list[str]:
    return sorted(str(path.relative_to(place)) for path in place.glob(word)) if "*" in word else [word]


@pytest.mark.parametrize("example", RUN)
def test_the_example_runs_on_a_demo_session(example: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    fresh = "keys init" in example
    monkeypatch.setenv("WATTRIG_KEYS", str(place / (f"fresh/{EXAMPLES.index(example)}" if fresh else "keys")))
    if RUN_THOUGH in example:
        (place / "station.toml").unlink()
    words = [each for word in shlex.split(example)[1:] for each in expanded(word, place)]
    done = CliRunner().invoke(main, words, prog_name="wattrig")
    assert done.exit_code in MAY_END_WITH.get(words[0], {0}), f"{done.output}\n{done.exception!r}"
