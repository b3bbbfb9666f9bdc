"""What all tests share: the published sessions, and the rule that nothing is skipped silently."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

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


@pytest.fixture(scope="session")
def demo_session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one whole session: real LoadGen, simulated analyzer, everything else real."""
    out = tmp_path_factory.mktemp("demo")
    wattrig = Path(sys.executable).with_name("wattrig")
    done = subprocess.run(
        [wattrig, "demo", "--seconds", "6", "--out", out], capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    (client_json,) = out.glob("*/power/client.json")
    return client_json.parent.parent


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
