"""The pages that are written by hand say what there is: files, keys, commands of the wire, commands of the shell."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from compliance import package_spec
from compliance.package_refusal import FINAL, TITLES
from console.main import COMMANDS
from director.station import load_station
from evidence import layout
from tests.docs.pages import DOCS, ROOT, blocks, pages, prose

REFERENCE = DOCS / "reference"


def names_in(page: Path) -> list[re.Pattern[str]]:
    """Get the files of a page's tables as patterns: `<word>` stands for any name, a folder for all that is in it."""
    cells = re.findall(r"^\| (`[^|]+?) \|", page.read_text("utf-8"), re.M)
    return [
        re.compile(re.sub(r"<\w+>", r"[^/]+", re.escape(name)) + (".*" if name.endswith("/") else ""))
        for cell in cells
        for name in re.findall(r"`([^`]+)`", cell)
    ]


def is_named(file: str, patterns: list[re.Pattern[str]]) -> bool:
    return any(pattern.fullmatch(file) for pattern in patterns)


def test_every_file_of_a_session_is_described(demo_session: Path) -> None:
    stored = demo_session.parent / ".director" / demo_session.name
    files = {
        path.relative_to(root).as_posix()
        for root in (demo_session, stored)
        for path in root.rglob("*")
        if path.is_file()
    }
    patterns = names_in(REFERENCE / "session-folder.md")
    assert "wattrig/owner.json" in files
    assert not {file for file in files | set(layout.REQUIRED_FILES) if not is_named(file, patterns)}


def test_a_file_that_is_not_described_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("| file | by |\n|---|---|\n| `a/b_<number>.txt`, `c/` | it |\n")
    assert is_named("a/b_12.txt", names_in(page))
    assert is_named("c/d/e.json", names_in(page))
    assert not is_named("a/b_12.log", names_in(page))


def test_the_station_page_shows_every_key() -> None:
    from director.analyzer_config import AnalyzerConfig
    from director.station import DirectorConfig, SessionConfig

    text = (REFERENCE / "station.md").read_text("utf-8")
    keys = {key for model in (DirectorConfig, SessionConfig, AnalyzerConfig) for key in model.model_fields}
    assert not {key for key in keys if not re.search(rf"^(# )?{key} = ", text, re.M)}


def examples(table: str) -> list[pytest.param]:
    """Get the TOML examples of all pages that have a table."""
    found = [
        (page, block.text)
        for page in pages()
        for block in blocks(page.read_text("utf-8"))
        if block.language == "toml"
    ]
    assert found
    return [
        pytest.param(text, id=f"{page.stem}-{number}") for number, (page, text) in enumerate(found) if table in text
    ]


@pytest.mark.parametrize("text", examples("[[analyzer]]"))
def test_each_station_file_of_a_page_is_one(text: str, tmp_path: Path) -> None:
    file = tmp_path / "station.toml"
    file.write_text(text if "[director]" in text else f'[director]\nstore = "sessions"\n{text}')
    assert load_station(file).analyzer


@pytest.mark.parametrize("text", examples("[system."))
def test_each_table_of_a_submission_has_known_keys(text: str) -> None:
    models: dict[str, type[BaseModel]] = {"system": package_spec.System, "benchmark": package_spec.Benchmark}
    for name, tables in tomllib.loads(text).items():
        for values in tables.values():
            assert not set(values) - set(models[name].model_fields)


def test_every_command_between_client_and_director_is_described() -> None:
    sources = [
        path.read_text("utf-8") for room in ("wire", "director", "sut_client") for path in (ROOT / room).glob("*.py")
    ]
    said = {command for source in sources for command in re.findall(r"wattrig,[a-z]+", source)}
    text = (REFERENCE / "wire-protocol.md").read_text("utf-8")
    assert {"wattrig,hello", "wattrig,sign"} <= said
    assert not {command for command in said if f"`{command}" not in text}


def test_every_command_of_the_daemon_is_described() -> None:
    source = (ROOT / "analyzers" / "ptd" / "daemon.py").read_text("utf-8")
    table = re.search(r"_handlers\b.*?= \{(.*?)\}", source, re.S)
    assert table is not None
    known = {name for line in table[1].splitlines() for name in re.findall(r'"([a-z*-]+)"', line)}
    text = (REFERENCE / "wattrig-ptd.md").read_text("utf-8").casefold()
    assert {"hello", "go", "r*", "rl", "dc-rl"} <= known
    assert not {name for name in known if not re.search(rf"`{re.escape(name)}[`,]", text)}


def test_every_refusal_of_a_package_is_described() -> None:
    page = (DOCS / "how-to" / "package-a-submission.md").read_text("utf-8")
    marks = dict(re.findall(r"(PKG\d{3})( \*)?", "\n".join(re.findall(r"^\| PKG.*$", page, re.M))))
    assert set(marks) == set(TITLES)
    assert {code for code, mark in marks.items() if mark} == {code for code in FINAL if code.startswith("PKG")}


def test_the_readme_names_every_command() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert not {name for name in COMMANDS if f"`wattrig {name}`" not in text}


def test_the_generated_pages_are_those_of_the_code() -> None:
    done = subprocess.run(
        [sys.executable, DOCS / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_each_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose(page.read_text("utf-8")))
    assert not {link for link in links if "://" not in link and not (page.parent / link).exists()}


def test_every_page_is_on_the_map() -> None:
    index = (DOCS / "index.md").read_text("utf-8")
    inner = {page.relative_to(DOCS).with_suffix("").as_posix() for page in pages() if DOCS in page.parents} - {
        "index"
    }
    assert not {page for page in inner if f"\n{page}\n" not in index}
