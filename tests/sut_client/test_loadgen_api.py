import sys
from pathlib import Path

import pytest

from evidence.loadgen_log import read_detail
from metrology.errors import ConfigError, WorkloadError
from sut_client.loadgen import UserConf, run_apart

pytest.importorskip("mlperf_loadgen", reason="mlcommons-loadgen is not installed")

PROGRAM = """
import sys
from sut_client.loadgen import command_line
class Echo:
    n_samples, performance_samples = 40, 1024
    def load(self, indices): pass
    def unload(self, indices): pass
    def infer(self, indices):
        {body}
        return [index.to_bytes(4, "little") for index in indices]
command_line(Echo, "resnet50")
{after}
"""


def program(tmp_path: Path, body: str = "", after: str = "") -> list[str | Path]:
    path = tmp_path / "echo.py"
    path.write_text(PROGRAM.format(body=body or "pass", after=after))
    conf = tmp_path / "user.conf"
    conf.write_text(
        UserConf(target_qps=2000, min_duration_ms=300).lines("Offline")
        + UserConf(target_latency_ms=0.1, min_duration_ms=300).lines("SingleStream")
        + UserConf(target_qps=2000, target_latency_ms=500, min_duration_ms=300, min_query_count=800).lines("Server")
        + UserConf(target_latency_ms=0.1, min_duration_ms=300).lines("MultiStream")
    )
    return [sys.executable, path, "--user-conf", conf, "--logs", tmp_path / "logs"]


@pytest.mark.parametrize("scenario", ["Offline", "SingleStream", "MultiStream", "Server"])
def test_each_scenario_runs_with_the_settings_of_user_conf(tmp_path: Path, scenario: str) -> None:
    # Slower than announced, so that LoadGen prepares enough queries on a busy machine, too.
    taken_s = "0.0005" if scenario.endswith("Stream") else "len(indices) / 2000 if len(indices) == 8 else 0"
    body = f"import time; time.sleep({taken_s})"
    run_apart([*program(tmp_path, body), "--scenario", scenario, "--batch", "8"], timeout_s=60)
    log = read_detail(tmp_path / "logs" / "mlperf_log_detail.txt")
    assert (log.text("result_validity"), log.text("effective_scenario")) == ("VALID", scenario)
    assert (log.number("effective_min_duration_ms"), log.n_errors, len(log.windows)) == (300, 0, 1)
    assert log.round_name() is not None


def test_an_accuracy_run_covers_every_sample_once(tmp_path: Path) -> None:
    run_apart([*program(tmp_path), "--scenario", "Offline", "--mode", "AccuracyOnly"], timeout_s=60)
    text = (tmp_path / "logs" / "mlperf_log_accuracy.json").read_text()
    assert text.count("qsl_idx") == 40
    assert read_detail(tmp_path / "logs" / "mlperf_log_detail.txt").text("effective_test_mode") == "AccuracyOnly"


def test_a_model_that_fails_ends_the_test(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"status 70: (?s:.*)ZeroDivisionError"):
        run_apart([*program(tmp_path, "1 / 0"), "--scenario", "Offline"], timeout_s=60)


def test_a_second_test_in_one_process_is_refused(tmp_path: Path) -> None:
    slow = "import time; time.sleep(0.0005)"
    words = [*program(tmp_path, slow, after='command_line(Echo, "resnet50")'), "--scenario", "SingleStream"]
    with pytest.raises(WorkloadError, match="ran a LoadGen test already"):
        run_apart(words, timeout_s=60)


def test_an_invalid_result_and_a_missing_user_conf_say_so(tmp_path: Path) -> None:
    words = program(tmp_path)
    (tmp_path / "user.conf").write_text(UserConf(target_qps=1, min_duration_ms=100_000).lines("Offline"))
    with pytest.raises(WorkloadError, match="INVALID: Increase expected QPS"):
        run_apart([*words, "--scenario", "Offline"], timeout_s=60)
    words = [word for word in words if word != tmp_path / "user.conf"]
    words.insert(words.index("--user-conf") + 1, tmp_path / "absent.conf")
    with pytest.raises(WorkloadError, match="cannot be opened"):
        run_apart([*words, "--scenario", "Offline"], timeout_s=60)


def test_a_test_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(WorkloadError, match=r"took over 2 s"):
        run_apart([*program(tmp_path, "import time; time.sleep(60)"), "--scenario", "Offline"], timeout_s=2)


def test_user_conf_is_written_in_loadgens_words() -> None:
    text = UserConf(target_qps=10.5, min_duration_ms=600_000).lines("Offline")
    assert text == "*.Offline.target_qps = 10.5\n*.Offline.min_duration = 600000\n"
    with pytest.raises(ConfigError, match=r"'target_qps' of user.conf is -1, expected a number above 0"):
        UserConf(target_qps=-1).lines("Server")
