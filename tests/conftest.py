"""What all tests share: the published sessions, and the rule that nothing is skipped silently."""

import fcntl
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("every_driver", "fault_matrix", "report_in_browser", "tls_end_to_end")
"""Files whose tests look at one thing that takes long to make: they run in one process, which makes it once."""
EXPECTED_SKIPS = Path(__file__).with_name("expected_skips.txt")


@pytest.fixture(scope="session", autouse=True)
def _no_keys_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test depends on, or touches, the keys of whoever runs it."""
    os.environ["WATTRIG_KEYS"] = str(tmp_path_factory.mktemp("home") / "keys")


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published sessions, unpacked: `<round>/<division>/<submitter>/results/.../performance`.

    The folder that the environment variable WATTRIG_PUBLISHED names holds `results.tar.xz` and the two tables
    `reference_verdicts.csv` and `reference_power.csv`.
    """
    source = os.environ.get("WATTRIG_PUBLISHED")
    if not source:
        pytest.skip("WATTRIG_PUBLISHED is not set")
    folder = tmp_path_factory.mktemp("published")
    with tarfile.open(Path(source) / "results.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Path]) -> Path:
    """Make something once for all processes of a test run: the first that asks makes it, the others wait."""
    base = factory.getbasetemp()
    with (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base).joinpath(name).open("a+") as made:
        fcntl.flock(made, fcntl.LOCK_EX)
        made.seek(0)
        if not (path := made.read()):
            path = str(make(factory.mktemp(name)))
            made.write(path)
    return Path(path)


@pytest.fixture(scope="session")
def demo_session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One whole session, which no test may change: real LoadGen, simulated analyzer, everything else real."""
    return once(tmp_path_factory, "demo", measured_demo)


def measured_demo(out: Path) -> Path:
    wattrig = Path(sys.executable).with_name("wattrig")
    done = subprocess.run(
        [wattrig, "demo", "--seconds", "6", "--out", out], capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    (client_json,) = out.glob("*/power/client.json")
    return client_json.parent.parent


class Scheduler(LoadScopeScheduling):
    """Gives each process the next test, or the next file of `TOGETHER`, as soon as it has nothing to do.

    xdist's own groups need a name of pytest's nodes that pytest 9 no longer has: there they do nothing, silently.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if Path(file).stem.removeprefix("test_") in TOGETHER else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduler:
    return Scheduler(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Spread the tests that mostly wait among those that work, and have none of them last, where many run at once."""
    if not hasattr(config, "workerinput"):
        return
    waiting = {item: item.get_closest_marker("slow") is not None or "faults" in item.path.parts for item in items}
    place = {}
    for waits, last in ((True, 0.8), (False, 1.0)):
        alike = [item for item in items if waiting[item] is waits]
        place |= {item: last * number / len(alike) for number, item in enumerate(alike)}
    # Whoever asks for the demo session before it is made would wait, too.
    first = next((item for item in items if "demo_session" in getattr(item, "fixturenames", ())), None)
    items.sort(key=lambda item: place[item] if item is not first else -1.0)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skip whose reason is not on the written list makes the run fail."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") != "true" or reporter is None or exitstatus not in (0, pytest.ExitCode.OK):
        return
    expected = [line for line in EXPECTED_SKIPS.read_text().splitlines() if line and not line.startswith("#")]
    for report in reporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(text in reason for text in expected):
            reporter.write_line(f"not on the list of expected skips: {report.nodeid}: {reason}", red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
