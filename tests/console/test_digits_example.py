"""The worked example from nothing to a package: train, measure, accuracy, package, check."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from evidence.loadgen_log import read_detail

pytest.importorskip("mlperf_loadgen", reason="mlcommons-loadgen is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

RUN = Path(__file__).parents[2] / "examples" / "digits" / "run.py"
PLACE = "tree/open/WattrigExample/results/example/digits"


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("round_name", ["v6.1", "v5.1"])
def test_the_example_measures_and_packages_a_real_model(tmp_path: Path, round_name: str) -> None:
    # It measures four phases on a real clock.
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, RUN, "--seconds", "4", "--round", round_name, "--out", out],
        capture_output=True,
        text=True,
        timeout=390,
        check=False,
    )
    if "cannot be fetched" in done.stderr:
        pytest.skip("the LoadGen of an older round cannot be fetched")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "0 changes since it was built; 3 of 3 results valid" in done.stdout
    assert {path.name for path in (out / PLACE).iterdir()} == {"Offline", "SingleStream", "MultiStream"}
    for scenario in ("Offline", "SingleStream", "MultiStream"):
        log = read_detail(out / PLACE / scenario / "accuracy/mlperf_log_detail.txt")
        assert log.number("qsl_reported_total_count") == 50_000
        assert log.round_name() == round_name
        accuracy = (out / PLACE / scenario / "accuracy/accuracy.txt").read_text()
        assert float(accuracy.removeprefix("accuracy=").partition("%")[0]) > 90
    # Beside the results, or among the measurements of older rounds.
    (readme,) = out.glob("tree/open/WattrigExample/*/example/digits/MultiStream/README.md")
    assert "It is inferred" in readme.read_text()
    mapping = json.loads((out / "tree/open/WattrigExample/model_mapping.json").read_text())
    assert mapping == {"digits": "resnet"}
    assert (out / "tree.tar.gz").stat().st_size > 10_000
