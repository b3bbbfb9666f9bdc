import hashlib
import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from console.main import main
from evidence.layout import REQUIRED_FILES

ALLOWED = ("PWR001", "PWR002", "PWR003", "PWR019", "PWR020", "PKG005", "PKG008", "PKG017")
FIELDS = """
system_name = "box"
number_of_nodes = 1
host_memory_configuration = "x"
host_networking = "x"
host_networking_topology = "N/A"
accelerators_per_node = 0
accelerator_model_name = "N/A"
accelerator_memory_capacity = "N/A"
accelerator_host_interconnect = "N/A"
accelerator_memory_configuration = "N/A"
accelerator_interconnect = "N/A"
cooling = "air"
framework = "numpy"
other_software_stack = "x"
host_storage_type = "x"
system_power_only = false
"""
PLACE = "open/Lab/results/box/mat/Offline"


class Work(NamedTuple):
    """A folder with a submission.toml and all it names."""

    folder: Path

    @property
    def spec(self) -> Path:
        return self.folder / "submission.toml"

    def edit(self, old: str, new: str, name: str = "submission.toml") -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def build(self, *more: str | Path, allowed: tuple[str, ...] = ALLOWED, out: str = "tree") -> tuple[int, str]:
        words = [word for code in allowed for word in ("--allow", code)]
        because = ["--because", "a test"] if allowed else []
        return wattrig("package", "build", "--spec", self.spec, "--out", self.folder / out, *words, *because, *more)


def wattrig(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout + done.stderr


def make_work(folder: Path, session: Path, round_name: str = "v6.1") -> Work:
    """Lay out a submission around a measured session, with an accuracy log made of its own."""
    work = Work(folder)
    shutil.copytree(session, folder / "session")
    accuracy = folder / "accuracy"
    accuracy.mkdir()
    detail = (session / "run_1/mlperf_log_detail.txt").read_text()
    (accuracy / "mlperf_log_detail.txt").write_text(detail.replace('"PerformanceOnly"', '"AccuracyOnly"'))
    (accuracy / "mlperf_log_summary.txt").write_text("\nNo warnings.\n")
    (accuracy / "mlperf_log_accuracy.json").write_text("[" + "x" * 20_000 + "]")
    (accuracy / "accuracy.txt").write_text("accuracy=90.000%, good=9, total=10\n")
    (folder / "user.conf").write_text("*.Offline.min_duration = 6000\n")
    (folder / "code/__pycache__").mkdir(parents=True)
    (folder / "code/__pycache__/x.pyc").write_text("x")
    (folder / "code/main.py").write_text("pass\n")
    (folder / "code/__init__.py").touch()
    (accuracy / "images").mkdir()
    (accuracy / "images/1.png").write_text("x")
    (folder / "code/.hidden").write_text("x")
    (folder / "README.md").write_text("# How to run\n")
    begun = wattrig("package", "init", "--round", round_name, "--submitter", "Lab", "--spec", work.spec)
    names = ("--system", "box", "--benchmark", "mat", "--accuracy", accuracy, "--user-conf", folder / "user.conf")
    added = wattrig("package", "add", folder / "session", *names, "--spec", work.spec)
    assert (begun[0], added[0]) == (0, 0), begun[1] + added[1]
    text = work.spec.read_text()
    for name in ("input_data_types", "retraining", "starting_weights_filename", "weight_data_types"):
        text = text.replace(f'{name} = ""', f'{name} = "no"')
    text = text.replace('weight_transformations = ""', 'weight_transformations = "no"')
    fields, _, rest = text.partition('[benchmark."mat"]')
    work.spec.write_text(fields + FIELDS + f'\n[benchmark."mat"]{rest}')
    settings = folder / "power_settings.md"
    settings.write_text(settings.read_text().replace("\nTODO\n", "\nNothing was changed.\n"))
    return work


@pytest.fixture
def work(tmp_path: Path, demo_session: Path) -> Work:
    return make_work(tmp_path, demo_session)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, demo_session: Path) -> Path:
    work = make_work(tmp_path_factory.mktemp("built"), demo_session)
    status, told = work.build("--archive", work.folder / "one.tar.gz")
    assert status == 0, told
    return work.folder / "tree"


@pytest.fixture
def tree(built: Path, tmp_path: Path) -> Path:
    return shutil.copytree(built, tmp_path / "tree")


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_tree_has_what_the_round_wants_and_the_session_byte_for_byte(built: Path, demo_session: Path) -> None:
    root = built / "open/Lab"
    place = "results/box/mat/Offline"
    beside = ("measurements.json", "user.conf", "README.md", "analyzer_table.md", "power_settings.md")
    accuracy = ("mlperf_log_detail.txt", "mlperf_log_summary.txt", "mlperf_log_accuracy.json", "accuracy.txt")
    assert names(root) == {
        "src/mat/main.py", "src/mat/__init__.py", "systems/box.json", "documentation/wattrig_package.json",
        *(f"{place}/{name}" for name in beside),
        *(f"{place}/accuracy/{name}" for name in (*accuracy, "images/1.png")),
        *(f"{place}/performance/{name}" for name in REQUIRED_FILES),
    }  # fmt: skip
    for name in REQUIRED_FILES:
        assert (root / place / "performance" / name).read_bytes() == (demo_session / name).read_bytes()
    assert names(built) == {f"open/Lab/{name}" for name in names(root)}
    described = json.loads((root / "systems/box.json").read_text())
    assert (described["submitter"], described["accelerators_per_node"]) == ("Lab", "0")
    assert "| YOKOGAWA | WT310E | 1.04 |" in (root / place / "analyzer_table.md").read_text().replace(
        "SIMULATED ", ""
    )


def test_the_large_accuracy_log_is_cut_and_its_hash_recorded(built: Path) -> None:
    folder = built / PLACE / "accuracy"
    assert (folder / "mlperf_log_accuracy.json").stat().st_size == 2 * 4096 + len("\n\n...\n\n")
    lines = (folder / "accuracy.txt").read_text().splitlines()
    assert lines[0].startswith("accuracy=90.000%")
    assert lines[1].startswith("hash=")
    assert len(lines[1]) == len("hash=") + 64


@pytest.mark.parametrize("round_name", ["v4.1", "v5.0", "v5.1", "v6.0"])
def test_other_rounds_have_their_own_layout(tmp_path: Path, demo_session: Path, round_name: str) -> None:
    work = make_work(tmp_path, demo_session, round_name)
    (tmp_path / "mlperf.conf").write_text("*.*.x = 1\n")
    work.edit("user_conf =", 'mlperf_conf = "mlperf.conf"\nuser_conf =')
    status, told = work.build(allowed=(*ALLOWED, "PKG010", "LGN001", "LGN003"))
    assert status == 0, told
    found = names(tmp_path / "tree/open/Lab")
    if round_name == "v6.0":
        assert {"src/mat/main.py", "results/box/mat/Offline/measurements.json"} <= found
        assert not any(name.startswith("measurements/") for name in found)
    else:
        folder = "measurements/box/mat/Offline"
        assert {"code/mat/main.py", f"{folder}/box_Offline.json", f"{folder}/analyzer_table.md"} <= found
    assert ("measurements/box/mat/Offline/mlperf.conf" in found) == (round_name == "v4.1")


def test_without_reasons_nothing_is_built_and_each_one_has_code_and_remedy(work: Work) -> None:
    status, told = work.build(allowed=())
    assert status == 1
    assert not (work.folder / "tree").exists()
    assert all(code in told for code in ("PWR001", "PWR003", "PWR019", "PKG005"))
    assert told.count("try: ") >= 5


Change = Callable[[Work], None]


def _spoil_samples(work: Work) -> None:
    path = work.folder / "session/run_1/spl.txt"
    path.write_bytes(path.read_bytes().replace(b"Watts,", b"Watts,1", 1))


def _twice(work: Work) -> None:
    text = work.spec.read_text()
    entry = text[text.index("[[result]]") :]
    work.spec.write_text(text + "\n" + entry)


def _other_machine(work: Work) -> None:
    shutil.copytree(work.folder / "session", work.folder / "session2")
    path = work.folder / "session2/wattrig/system.json"
    found = json.loads(path.read_text())
    found["facts"]["cpu.model"]["value"] = "Another CPU"
    path.write_text(json.dumps(found))
    text = work.spec.read_text()
    entry = text[text.index("[[result]]") :].replace('"session"', '"session2"').replace('"Offline"', '"Server"')
    work.spec.write_text(text + "\n" + entry)


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (_spoil_samples, "FIL005", "spl.txt"),
        (_twice, "PKG001", "are both to be box/mat/Offline"),
        (_other_machine, "PKG003", "'Another CPU'"),
        (lambda work: work.edit('scenario = "Offline"', 'scenario = "Server"'), "PKG002",
         "cannot come from a run of Offline"),
        (lambda work: work.edit('cooling = "air"', ""), "PKG004", "'cooling' is not known"),
        (lambda work: work.edit("accelerators_per_node = 0", 'accelerators_per_node = "N/A"'), "PKG004",
         "'accelerators_per_node' is 'N/A', expected a whole number"),
        (lambda work: work.edit("Nothing was changed.", "TODO", "power_settings.md"), "PKG006",
         "'System' has no answer"),
        (lambda work: (work.folder / "accuracy/accuracy.txt").unlink(), "PKG007", "is not there"),
        (lambda work: work.edit('retraining = "no"', 'retraining = ""'), "PKG009", "lacks retraining"),
        (lambda work: (work.folder / "session/run_1/audit.config").write_text("x"), "PKG011", "audit.config"),
        (lambda work: (work.folder / "code/a b.py").write_text("x"), "PKG013", "has a space"),
        (lambda work: (work.folder / "README.md").unlink(), "PKG014", "'README.md' is not there"),
        (lambda work: work.edit('"AccuracyOnly"', '"PerformanceOnly"', "accuracy/mlperf_log_detail.txt"), "PKG007",
         "expected AccuracyOnly"),
        (lambda work: work.edit("accuracy=", "hash=abc\naccuracy=", "accuracy/accuracy.txt"), "PKG007",
         "the hash is abc"),
        (lambda work: work.edit('availability =', 'design_power_w = 900\n'
         'power_supplies = [{ needed = 1, capacities_w = [500, 500] }]\navailability ='), "PKG012", "deliver 500 W"),
    ],
)  # fmt: skip
def test_what_cannot_be_submitted_is_refused(work: Work, change: Change, code: str, message: str) -> None:
    change(work)
    status, told = work.build()
    assert status == 1, told
    assert code in told
    assert message in told
    assert not (work.folder / "tree").exists()


def test_closed_asks_for_calibration_in_markdown_and_for_its_own_benchmarks(work: Work) -> None:
    (work.folder / "calibration.txt").write_text("None.\n")
    work.edit('division = "open"', 'division = "closed"\ncalibration = "calibration.txt"')
    work.edit('round = "v6.1"', 'round = "v5.1"')
    allowed = tuple(code for code in ALLOWED if code != "PKG017")
    status, told = work.build(allowed=(*allowed, "PKG010", "LGN001", "LGN003"))
    assert status == 1
    assert "PKG014" in told
    assert "is no Markdown" in told
    assert "PKG017" in told
    assert "has no benchmark 'mat'" in told


def test_add_names_the_compliance_tests_that_are_asked_for(tmp_path: Path, demo_session: Path) -> None:
    spec = tmp_path / "submission.toml"
    wattrig("package", "init", "--round", "v5.1", "--division", "closed", "--submitter", "Lab", "--spec", spec)
    names = ("--system", "box", "--benchmark", "resnet50", "--accuracy", tmp_path, "--user-conf", tmp_path / "u")
    status, told = wattrig("package", "add", demo_session, *names, "--spec", spec)
    assert status == 0, told
    (entry,) = tomllib.loads(spec.read_text())["result"]
    assert entry["compliance"] == {"TEST01": "TODO", "TEST04": "TODO"}


def test_a_user_conf_of_another_run_is_refused(work: Work) -> None:
    work.edit("6000", "600000", "user.conf")
    status, told = work.build(allowed=tuple(code for code in ALLOWED if code != "PKG008"))
    assert status == 1
    assert "PKG008" in told
    assert "'min_duration' is 600000, the run had effective_min_duration_ms 6000" in told


def test_reasons_need_a_why_and_some_codes_never_pass(work: Work) -> None:
    status, told = wattrig("package", "build", "--spec", work.spec, "--allow", "PWR003")
    assert (status, "say why" in told) == (2, True)
    status, told = work.build(allowed=("FIL005",))
    assert (status, "FIL005 cannot be let pass" in told) == (2, True)
    status, told = work.build(allowed=("ABC123",))
    assert (status, "there is no code 'ABC123'" in told) == (2, True)


def test_a_tree_that_is_there_is_not_overwritten(work: Work) -> None:
    (work.folder / "tree").mkdir()
    status, told = work.build()
    assert (status, "is there already" in told) == (2, True)


def test_the_same_input_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    work = Work(built.parent)
    status, told = work.build("--archive", tmp_path / "two.tar.gz", out="again")
    assert status == 0, told
    assert (tmp_path / "two.tar.gz").read_bytes() == (built.parent / "one.tar.gz").read_bytes()
    shutil.rmtree(built.parent / "again")


def test_a_tree_as_built_is_fine_and_shows_what_was_let_pass(tree: Path) -> None:
    status, told = wattrig("package", "check", tree)
    assert (status, "0 changes since it was built; 1 of 1 results valid" in told) == (0, True), told
    status, told = wattrig("package", "show", tree)
    assert status == 0
    assert "let pass: PWR003: a test" in told
    assert "box/mat/Offline  from session" in told


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (f"{PLACE}/performance/run_1/spl.txt", "", "missing"),
        (f"{PLACE}/performance/run_1/spl.txt", f"{PLACE}/performance/spl.txt", "moved"),
        (f"{PLACE}/user.conf", f"{PLACE}/User.conf", "moved"),
        ("open/Lab/systems/box.json", "open/Lab/box.json", "moved"),
        (PLACE, "open/Lab/results/box/mat/offlne", "moved"),
        ("open/Lab", "open/Other", "misplaced"),
        ("open", "closed", "misplaced"),
        ("open/Lab/src", "", "missing"),
        (f"{PLACE}/accuracy", "", "missing"),
    ],
)
def test_what_is_moved_or_removed_is_reported_with_a_remedy(tree: Path, old: str, new: str, kind: str) -> None:
    if new:
        (tree / old).rename(tree / new)
    elif (tree / old).is_dir():
        shutil.rmtree(tree / old)
    else:
        (tree / old).unlink()
    status, told = wattrig("package", "check", tree)
    assert status == 1, told
    line = next(line for line in told.splitlines() if line.strip().startswith(kind))
    assert (new if kind == "misplaced" else Path(old).name) in line
    assert "try: " in told


@pytest.mark.parametrize("name", sorted(
    {f"{PLACE}/performance/{name}" for name in REQUIRED_FILES}
    | {f"{PLACE}/measurements.json", f"{PLACE}/analyzer_table.md"}
    | {"open/Lab/systems/box.json", "open/Lab/src/mat/main.py"}
))  # fmt: skip
def test_what_is_edited_is_reported(tree: Path, name: str) -> None:
    (tree / name).write_bytes((tree / name).read_bytes() + b"\n")
    status, told = wattrig("package", "check", tree)
    assert status == 1
    assert f"edited {name}" in told


@pytest.mark.parametrize(
    "name", [f"{PLACE}/performance/run_1/ptd_out.txt", "open/Lab/notes.txt", "open/x.txt", "y.txt"]
)
def test_what_is_added_is_reported(tree: Path, name: str) -> None:
    (tree / name).write_text("x")
    status, told = wattrig("package", "check", tree)
    assert (status, f"extra {name}" in told) == (1, True), told


def test_folders_that_the_submission_checker_refuses_are_reported(tree: Path) -> None:
    (tree / "open/Lab/documentation/old").mkdir()
    (tree / "closde").mkdir()
    (tree / ".git").mkdir()
    status, told = wattrig("package", "check", tree)
    assert status == 1
    assert "extra open/Lab/documentation/old/" in told
    assert "extra closde/" in told
    assert ".git" not in told


def test_a_copied_result_and_swapped_phases_are_reported(tree: Path) -> None:
    shutil.copytree(tree / PLACE, tree / "open/Lab/results/box/mat/Server")
    run = tree / PLACE / "performance"
    for old, new in (("run_1", "aside"), ("ranging", "run_1"), ("aside", "ranging")):
        (run / old).rename(run / new)
    status, told = wattrig("package", "check", tree)
    assert status == 1
    assert "extra open/Lab/results/box/mat/Server/user.conf" in told
    assert f"edited {PLACE}/performance/run_1/spl.txt" in told


def test_a_list_of_files_edited_to_fit_hides_nothing_that_was_measured(tree: Path) -> None:
    listed = tree / "open/Lab/documentation/wattrig_package.json"
    name = "results/box/mat/Offline/performance/run_1/spl.txt"
    samples = tree / "open/Lab" / name
    samples.write_bytes(samples.read_bytes().replace(b"Watts,", b"Watts,1", 1))
    found = json.loads(listed.read_text())
    found["files"][name]["sha256"] = hashlib.sha256(samples.read_bytes()).hexdigest()
    del found["files"]["src/mat/main.py"]
    listed.write_text(json.dumps(found))
    status, told = wattrig("package", "check", tree)
    assert status == 1
    assert "FIL005" in told
    assert "extra open/Lab/src/mat/main.py" in told


def test_a_link_in_place_of_a_file_is_reported(tree: Path) -> None:
    path = tree / PLACE / "performance/run_1/spl.txt"
    path.rename(tree.parent / "spl.txt")
    path.symlink_to(tree.parent / "spl.txt")
    status, told = wattrig("package", "check", tree)
    assert (status, "edited" in told) == (1, True)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"schema": 1, "files": 3}'])
def test_a_spoiled_list_of_files_is_told(tree: Path, content: str) -> None:
    (tree / "open/Lab/documentation/wattrig_package.json").write_text(content)
    status, told = wattrig("package", "check", tree)
    assert (status, "is no list of files" in told) == (2, True)


def test_a_tree_of_others_is_no_package(tmp_path: Path) -> None:
    status, told = wattrig("package", "check", tmp_path)
    assert (status, "holds no package of wattrig's" in told) == (2, True)
