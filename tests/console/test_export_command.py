import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from pyarrow import parquet

from console.main import main
from console.samples_table import COLUMNS

VALID = "v4.1/closed/UntetherAI/results/h13_u3_slim/resnet50/singlestream"
THREE = "v5.1/closed/Lenovo/results/SR680a_V3_B200SXMx8_TRT/whisper/Offline"
CLIPPED = (
    "v5.1/open/GATEOverflow/results/TRIGKEY_Mini_PC_Ryzen_5_5560-ctuning_cpp_tflite-cpu-tflite_vmaster-default_config/"
    "mobilenet-v1-precision_float-1.0-128/singlestream"
)


def wattrig(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_parquet_holds_all_channels_with_units(published: Path, tmp_path: Path) -> None:
    done = wattrig("export", published / THREE, "-o", tmp_path / "samples.parquet")
    assert done.output == f"samples: {tmp_path / 'samples.parquet'} (6660 rows)\n"
    table = parquet.read_table(tmp_path / "samples.parquet")
    assert table.schema.names == [column.name for column in COLUMNS]
    assert table.schema.field("power_w").metadata[b"unit"] == b"W"
    assert table.schema.field("t_utc_ns").metadata[b"unit"] == b"ns"
    assert table.schema.metadata[b"wattrig.session"] == b"2025-07-25_15-13-09"
    assert set(table["channel"].to_pylist()) == {"sum", "Ch1", "Ch2", "Ch3"}
    assert set(table["phase"].to_pylist()) == {"ranging", "testing"}


def test_the_mean_of_the_table_is_the_published_figure(published: Path, tmp_path: Path) -> None:
    wattrig("export", published / CLIPPED, "-o", tmp_path / "samples.parquet")
    rows = parquet.read_table(tmp_path / "samples.parquet").to_pylist()
    window = [row for row in rows if row["phase"] == "testing" and row["in_window"]]
    power_w = np.array([row["power_w"] for row in window])
    assert power_w[power_w > 0].mean() == pytest.approx(34.17648312611008, rel=1e-12)
    clipped = [row for row in window if row["quality"] == "peak_over"]
    assert len(clipped) == 37
    assert clipped[0]["true_power_w"] == pytest.approx(34.41)
    assert clipped[0]["uncertainty"] is None


def test_csv_has_the_same_rows_and_its_columns_beside_it(published: Path, tmp_path: Path) -> None:
    done = wattrig("export", published / VALID, "-o", tmp_path / "out", "--format", "csv")
    assert done.exit_code == 0, done.output
    (file,) = (tmp_path / "out").glob("*.csv")
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    log = next((published / VALID).rglob("run_1/spl.txt")).read_text().splitlines()
    first = next(row for row in rows if row["phase"] == "testing")
    assert [float(first[name]) for name in ("power_w", "voltage_v", "current_a", "power_factor")] == [
        float(word) for word in log[0].split(",")[3:10:2]
    ]
    about = json.loads(file.with_name(f"{file.name}.columns.json").read_text())
    assert [column["name"] for column in about] == list(rows[0])
    assert about[4]["unit"] == "W"


def test_a_session_without_samples_exits_3_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "session" / "power").mkdir(parents=True)
    done = wattrig("export", tmp_path / "session", "-o", tmp_path / "x.parquet")
    assert done.exit_code == 3
    assert "has no samples" in done.output
    assert not (tmp_path / "x.parquet").exists()


def test_a_place_that_cannot_be_written_exits_2(published: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = wattrig("export", published / VALID, "-o", tmp_path / "file" / "x.csv")
    assert done.exit_code == 2
    assert "cannot be written" in done.output
