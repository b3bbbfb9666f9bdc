import subprocess
import sys
from pathlib import Path

import pytest

from evidence.loadgen_log import read_detail

loadgen = pytest.importorskip("mlperf_loadgen", reason="mlcommons-loadgen is not installed")


def test_the_client_itself_needs_neither_loadgen_nor_numpy() -> None:
    check = "import sys, console.client_command; sys.exit(not {'numpy', 'mlperf_loadgen'}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


@pytest.mark.parametrize("scenario", ["Offline", "SingleStream"])
def test_a_real_test_is_valid(tmp_path: Path, scenario: str) -> None:
    command = [
        sys.executable,
        "-m",
        "sut_client.loadgen",
        "--scenario",
        scenario,
        "--seconds",
        "3",
        "--logs",
        tmp_path,
    ]
    (tmp_path / "audit.config").write_text("*.*.mode = 1\n")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    log = read_detail(tmp_path / "mlperf_log_detail.txt")
    assert (log.text("result_validity"), log.text("effective_test_mode")) == ("VALID", "PerformanceOnly")
    assert (log.n_errors, log.n_warnings, log.damaged, len(log.windows)) == (0, 0, 0, 1)
    assert log.text("effective_scenario") == scenario
    assert log.round_name() is not None
    window = log.windows[0]
    # As many samples as the machine did in that time just before; other tests beside it may slow them down.
    assert 3.0 <= (window.end_ns - window.begin_ns) / 1e9 < 12
    assert (tmp_path / "mlperf_log_trace.json").stat().st_size == 0


PEAK = """
import sys
import time
from sut_client.loadgen import command_line

class OneMillisecond:
    n_samples = performance_samples = 1024
    def load(self, indices): pass
    def unload(self, indices): pass
    def infer(self, indices):
        time.sleep(0.001 * len(indices))
        return [b"x"] * len(indices)

command_line(OneMillisecond, "resnet50", sys.argv[1:])
"""


@pytest.mark.alone
def test_the_peak_of_a_server_is_searched_for(tmp_path: Path) -> None:
    (tmp_path / "peak.py").write_text(PEAK)
    (tmp_path / "user.conf").write_text("*.Server.target_qps = 100\n*.Server.min_duration = 200\n")
    words = ["--scenario", "Server", "--mode", "FindPeakPerformance", "--user-conf", "user.conf", "--logs", "logs"]
    command = [sys.executable, "peak.py", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, cwd=tmp_path)
    # So few queries cannot prove a latency: LoadGen may call the last run invalid, which is told.
    assert done.returncode == 0 or "the result is INVALID" in done.stderr, done.stdout + done.stderr
    log = read_detail(tmp_path / "logs/mlperf_log_detail.txt")
    assert log.text("effective_test_mode") == "FindPeakPerformance"
    found = log.number("result_completed_samples_per_sec")
    assert found is not None
    assert 50 < found < 1.05 / 0.001
