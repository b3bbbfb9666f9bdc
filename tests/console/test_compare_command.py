import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.comparing import Figure
from console.main import main

SMALL = (
    "v5.1/open/GATEOverflow/results/TRIGKEY_Mini_PC_Ryzen_5_5560-ctuning_cpp_tflite-cpu-tflite_vmaster-default_config"
)
VALID = "v4.1/closed/UntetherAI/results/h13_u3_slim/resnet50/singlestream"


def wattrig(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def hungrier(published: Path, tmp_path: Path) -> Path:
    """A copy of the valid session that draws 5 % more."""
    copy = tmp_path / "hungrier"
    shutil.copytree(published / VALID, copy)
    log = copy / "performance/run_1/spl.txt"
    lines = [line.split(",") for line in log.read_text().splitlines() if line]
    for words in lines:
        words[3] = f"{float(words[3]) * 1.05:.6f}"
    log.write_text("\n".join(",".join(words) for words in lines) + "\n\n")
    return copy


@pytest.mark.parametrize(
    ("b", "band"),
    [(102.0, "within 2 %"), (98.0, "within 2 %"), (102.1, "within 10 %"), (110.5, "more than 10 %"), (None, "")],
)
def test_the_limits_of_the_audit(b: float | None, band: str) -> None:
    assert Figure("power", "W", 100.0, b, judged=True).band == band
    assert Figure("power", "W", 100.0, b).band == ""


def test_a_session_does_not_differ_from_itself(published: Path) -> None:
    done = wattrig("compare", published / VALID, published / VALID)
    assert done.exit_code == 0
    assert "Not materially different" in done.output
    assert "What else differs" not in done.output


def test_more_power_for_the_same_work_is_explained(published: Path, hungrier: Path) -> None:
    done = wattrig("compare", published / VALID, hungrier)
    assert "  +5.00%  within 10 %" in done.output
    assert "more than 2 % apart" in done.output
    assert "The same performance at another power (+5.0%)" in done.output
    assert "strict verdict" in done.output


def test_json_holds_both_and_every_figure(published: Path, hungrier: Path) -> None:
    found = json.loads(wattrig("compare", published / VALID, hungrier, "--format", "json").output)
    assert found["band"] == "within 10 %"
    assert (found["a"]["strict"], found["b"]["strict"]) == ("valid", "invalid")
    power = next(figure for figure in found["figures"] if figure["name"] == "mean power")
    assert power["difference"] == pytest.approx(0.05, abs=1e-5)
    assert 0.005 < power["uncertainty"] < 0.02


def test_different_benchmarks_are_not_explained_away(published: Path) -> None:
    folder = published / SMALL
    one, two = (folder / f"mobilenet-v1-precision_float-1.0-{size}/singlestream/performance" for size in (128, 224))
    output = wattrig("compare", one, two).output
    assert "Benchmark or scenario differ" in output
    assert "look at" not in output


def test_the_page_has_both_curves(published: Path, hungrier: Path, tmp_path: Path) -> None:
    done = wattrig("compare", published / VALID, hungrier, "--format", "html", "-o", tmp_path / "c.html")
    assert done.output == f"report: {tmp_path / 'c.html'}\n"
    text = (tmp_path / "c.html").read_text("utf-8")
    assert text.count('<path class="line ') == 2
    assert "within 10 %" in text


def test_a_session_without_a_number_can_be_compared(published: Path, tmp_path: Path) -> None:
    (tmp_path / "power").mkdir()
    done = wattrig("compare", published / VALID, tmp_path)
    assert done.exit_code == 0
    assert "Nothing that auditors compare" in done.output
    assert f"{tmp_path.name} has no power result." in done.output


def test_no_session_exits_2(tmp_path: Path) -> None:
    done = wattrig("compare", tmp_path, tmp_path)
    assert done.exit_code == 2
    assert "holds no session" in done.output
