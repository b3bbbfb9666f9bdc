import copy
import csv
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import psutil
import pytest
from click.testing import CliRunner, Result

from console.main import main
from rules.rulebook import FOLDER

WATTRIG = Path(sys.executable).with_name("wattrig")
SCHEMA = json.loads((FOLDER / "check-result.schema.json").read_text())
NASTY = '<script>alert("x")</script>\x1b[2J'


def wattrig(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def place(number: int) -> str:
    return f"closed/lab/results/box{number}/resnet50/SingleStream/performance"


def make_tree(root: Path, package: Any, count: int) -> Path:
    """A submission with so many sessions, each with an identity and samples of its own."""
    for number in range(count):
        one = copy.deepcopy(package)
        for side in (one.client, one.server):
            side["uuid"] = {"client": str(UUID(int=number)), "server": str(UUID(int=1000 + number))}
        one.replace("run_1/spl.txt", "Watts,200.000000", f"Watts,200.{number:06d}")
        one.write(root / place(number))
    return root


@pytest.fixture
def tree(tmp_path: Path, package: Any) -> Path:
    return make_tree(tmp_path / "tree", package, 5)


def test_text_sums_up_and_tells_the_same_finding_once(tree: Path) -> None:
    (tree / place(3) / "run_1" / "spl.txt").unlink()
    done = wattrig("check", tree, "--jobs", 2)
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert lines[0] == f"5 power results below {tree / 'closed/lab/results'}"
    assert re.fullmatch(r"  invalid\s+5\s+1", next(line for line in lines if line.startswith("  invalid")))
    assert "    box3/resnet50/SingleStream/performance" in lines
    assert re.search(r"FIL001 fail, required: 1 of 5 results\n\s+'run_1/spl.txt' was not read", done.output)
    assert re.search(r"SUB005: 5 of 5 results\n\s+cannot be told without: the folder systems/\n", done.output)
    assert "Checks of the reference that do not pass" in done.output
    assert "All other rules" in wattrig("check", tree, "--all").output


def test_json_holds_what_the_schema_promises(tree: Path) -> None:
    for options in ([], ["--all"], ["--ignore", "FIL007=known"]):
        done = wattrig("check", tree, "--format", "json", *options)
        found = json.loads(done.stdout)
        jsonschema.validate(found, SCHEMA)
        assert [result["path"] for result in found["results"]] == [str(tree / place(number)) for number in range(5)]
    single = json.loads(wattrig("check", tree / place(0), "--format", "json").stdout)
    jsonschema.validate(single, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**single, "schema": 2}, SCHEMA)


def test_json_lines_are_a_line_for_each_session_and_one_for_the_tree(tree: Path) -> None:
    lines = [json.loads(line) for line in wattrig("check", tree, "--format", "jsonl").stdout.splitlines()]
    for line in lines:
        jsonschema.validate(line, SCHEMA)
    assert sorted(line["path"] for line in lines[:-1]) == [str(tree / place(number)) for number in range(5)]
    assert {found["code"] for found in lines[-1]["tree"]} == {"PWR022"}
    whole = json.loads(wattrig("check", tree, "--format", "json").stdout)["results"][0]
    told = next(line for line in lines if line.get("path") == whole["path"])
    assert [found for found in whole["findings"] if found["code"] != "PWR022"] == told["findings"]


class Reader(HTMLParser):
    """Reads a page; every tag must be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in {"meta", "br", "wbr"}:
            self.open.append(tag)
        assert tag not in {"link", "img", "iframe"}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_and_shows_hostile_text_as_text(tree: Path) -> None:
    path = tree / place(1) / "power" / "server.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps(record | {"session_name": NASTY}))
    (tree / place(2)).rename(Path(os.fsdecode(bytes(tree) + b"/\xff")))
    done = wattrig("check", tree, "--format", "html")
    page = Reader()
    page.feed(done.stdout)
    assert page.open == []
    assert NASTY.replace("\x1b", " ") in page.text
    # The one script is the page's own.
    assert done.stdout.count("<script") == 1
    assert "5 power results" in page.text
    assert page.text.count("Check UUID") == 5


def test_names_that_are_no_text_do_not_break_any_form(tree: Path) -> None:
    (tree / place(0)).rename(Path(os.fsdecode(bytes(tree) + b"/\xff\x1b\n")))
    for form in ("text", "json", "jsonl", "html"):
        done = wattrig("check", tree, "--format", form)
        assert done.exit_code == 1, done.exception
        assert "\x1b" not in done.stdout


def test_paths_that_hold_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert wattrig("check", tmp_path / "empty").exit_code == 3
    for path in (tmp_path / "absent", "x" * 5000):
        done = wattrig("check", path)
        assert done.exit_code == 2
        assert "is not there" in done.stderr
    (tmp_path / "file").write_text("x")
    done = wattrig("check", tmp_path / "file")
    assert (done.exit_code, "is a file" in done.stderr) == (2, True)
    os.mkfifo(tmp_path / "pipe")
    assert wattrig("check", tmp_path / "pipe").exit_code == 2


def test_an_unknown_rule_cannot_be_ignored(tree: Path) -> None:
    done = wattrig("check", tree, "--ignore", "FIL999=x")
    assert (done.exit_code, "no rule 'FIL999'" in done.stderr) == (2, True)


@pytest.mark.parametrize("kind", ["zip", "tar", "tgz"])
def test_a_tree_in_an_archive(kind: str, tree: Path, tmp_path: Path) -> None:
    path = tmp_path / f"x.{kind}"
    (tree / "link").symlink_to("/etc/passwd")
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as packed:
            for file in tree.rglob("*"):
                packed.write(file, file.relative_to(tree)) if not file.is_symlink() else None
    else:
        with tarfile.open(path, "w:gz" if kind == "tgz" else "w") as tar:
            tar.add(tree, ".")
    done = wattrig("check", path, "--format", "json")
    whole = json.loads(wattrig("check", tree, "--format", "json").stdout)
    assert ("'./link' is a link or a device and was left out" in done.stderr) == (kind != "zip")
    found = json.loads(done.stdout)
    assert [result["path"] for result in found["results"]] == [f"{path}/{place(number)}" for number in range(5)]
    assert [result["findings"] for result in found["results"]] == [result["findings"] for result in whole["results"]]


def test_a_hostile_archive_is_one_message(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        packed.writestr("../../out", "x")
    done = wattrig("check", tmp_path / "x.zip")
    assert (done.exit_code, done.stderr.startswith("wattrig: ")) == (2, True)
    assert "leads out of the folder" in done.stderr


def started(tree: Path, *options: str) -> subprocess.Popen[str]:
    """A check of a tree whose first line is out."""
    command = [WATTRIG, "check", tree, "--format", "jsonl", "--jobs", "2", *options]
    # A shell that runs the tests in the background has them ignore SIGINT, and so would what they start.
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout
    assert json.loads(process.stdout.readline())["path"]
    return process


def test_an_interrupted_check_goes_on_where_it_stopped(tmp_path: Path, package: Any, own_cache: Path) -> None:
    tree = make_tree(tmp_path / "tree", package, 400)
    process = started(tree)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130
    assert stderr == "wattrig: interrupted; the same command goes on from here\n"
    kept = len(list(own_cache.rglob("*.json")))
    assert 0 < kept < 400
    done = subprocess.run([WATTRIG, "check", tree, "--format", "jsonl"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 401
    assert len(list(own_cache.rglob("*.json"))) == 400


def test_no_process_outlives_a_killed_check(tmp_path: Path, package: Any) -> None:
    process = started(make_tree(tmp_path / "tree", package, 100), "--no-cache")
    children = psutil.Process(process.pid).children()
    assert len(children) == 2
    process.kill()
    process.communicate(timeout=20)
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []


def test_a_bar_on_the_terminal_when_it_takes_long() -> None:
    code = (
        "import time\nfrom console.check_progress import CheckProgress\n"
        "with CheckProgress(3, 0.0) as bar:\n"
        "    while bar._bar is None: time.sleep(0.01)\n"
        "    bar.advance(); bar.advance()\n    time.sleep(0.3)\n"
        "with CheckProgress(3, 60.0) as bar: bar.advance()\n"
    )
    ours, theirs = pty.openpty()
    process = subprocess.Popen([sys.executable, "-c", code], stderr=theirs, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    told = b""
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        told += _read(ours)
    assert process.wait(20) == 0
    assert b"checking" in told
    assert b"2/3" in told


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # The other end is closed.
        return b""


def test_the_published_sessions_get_the_reference_verdicts_in_one_call(published: Path) -> None:
    done = wattrig("check", published, "--format", "json", "--all")
    found = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA)
    outcomes = {
        (*str(Path(result["path"]).relative_to(published)).split("/", 1), check["check"]): check["outcome"]
        for result in found["results"]
        for check in result["reference_checks"]
    }
    with (Path(os.environ["WATTRIG_PUBLISHED"]) / "reference_verdicts.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["check"].startswith("Check ")]
    assert len(rows) == len(outcomes) == 110
    for row in rows:
        assert outcomes[row["round"], row["path"], row["check"]] == row["verdict"], row
    archive = Path(os.environ["WATTRIG_PUBLISHED"]) / "results.tar.xz"
    packed = json.loads(wattrig("check", archive, "--format", "json", "--all").stdout)
    assert [each["findings"] for each in packed["results"]] == [each["findings"] for each in found["results"]]


def test_no_sound_published_session_breaks_a_required_rule_of_submissions(published: Path) -> None:
    found = json.loads(wattrig("check", published, "--format", "json").stdout)
    broken = {
        (finding["code"], finding["level"])
        for result in found["results"]
        for finding in result["findings"]
        if finding["code"].startswith("SUB") and finding["outcome"] != "not_evaluated"
    }
    assert broken == set()
