from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.main import main

VALID = "v4.1/closed/UntetherAI/results/h13_u3_slim/resnet50/singlestream"
CLIPPED = (
    "v5.1/open/GATEOverflow/results/TRIGKEY_Mini_PC_Ryzen_5_5560-ctuning_cpp_tflite-cpu-tflite_vmaster-default_config/"
    "mobilenet-v1-precision_float-1.0-128/singlestream"
)


def wattrig(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_verdict_number_and_curve(published: Path) -> None:
    lines = wattrig("show", published / VALID, "--width", "80").output.splitlines()
    assert lines[1] == "strict: valid   reference: valid   v4.1"
    assert lines[2].startswith("29.2390 mJ per query +- 0.16 mJ per query   231.12 W over 600.0 s")
    assert lines[3] == "testing, W"
    plot = [line for line in lines if "│" in line]
    assert len(plot) == 10
    assert {len(line) for line in plot} == {80}
    assert lines[-2].strip("▀ ") == ""
    assert "0:00" in lines[-1]


def test_both_phases_and_bad_samples(published: Path) -> None:
    output = wattrig("show", published / CLIPPED, "--phase", "both").output
    assert "testing, W   37 bad samples" in output
    assert "ranging, W   40 bad samples" in output
    assert "PWR017" in output


@pytest.mark.parametrize("width", [40, 200])
def test_every_line_of_the_picture_fits(published: Path, width: int) -> None:
    lines = wattrig("show", published / VALID, "--width", width).output.splitlines()
    assert all(len(line) <= width for line in lines[3:])


def test_no_color_leaves_out_all_colours(published: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[36m" in wattrig("show", published / VALID).output
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[36m" not in wattrig("show", published / VALID).output


def test_an_empty_session_says_so(tmp_path: Path) -> None:
    (tmp_path / "power").mkdir()
    done = wattrig("show", tmp_path)
    assert done.exit_code == 0
    assert "no number" in done.output
    assert "strict: invalid   reference: invalid" in done.output
