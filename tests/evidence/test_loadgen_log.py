import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import loadgen_log
from evidence.loadgen_log import Window, parse_record, read_detail, read_summary
from evidence.stamps import parse_stamp
from metrology.errors import EvidenceError

BEGIN, END = "07-25-2025 15:30:43.020", "07-25-2025 15:41:06.698"


def record(key: str, value: object, *, is_error: bool = False, is_warning: bool = False) -> bytes:
    metadata = {"is_error": is_error, "is_warning": is_warning, "file": "loadgen.cc", "line_no": 562}
    return (
        b":::MLLOG " + json.dumps({"key": key, "value": value, "time_ms": 1.5, "metadata": metadata}).encode() + b"\n"
    )


WINDOW = record("power_begin", BEGIN) + record("power_end", END)


def written(folder: Path, content: bytes) -> Path:
    (folder / "mlperf_log_detail.txt").write_bytes(content)
    return folder / "mlperf_log_detail.txt"


def test_what_matters_is_found_with_its_lines(tmp_path: Path) -> None:
    content = (
        record("effective_scenario", "Offline")
        + record("generic_message", 'says "key": "result_validity" in passing')
        + WINDOW
        + record("result_validity", "INVALID")
        + record("result_validity", "VALID")
        + record("error_runtime", "out of queries", is_error=True)
        + record("warning_x", "slow", is_warning=True)
    )
    log = read_detail(written(tmp_path, content))
    assert log.windows == [Window(parse_stamp(BEGIN), parse_stamp(END), 3, 4)]
    assert log.values["result_validity"] == "VALID"
    assert log.text("effective_scenario") == "Offline"
    assert (log.lines, log.n_errors, log.n_warnings, log.damaged, log.unpaired) == (8, 1, 1, 0, 0)
    assert [(p.line, p.key, p.text, p.is_error) for p in log.problems] == [
        (7, "error_runtime", "out of queries", True),
        (8, "warning_x", "slow", False),
    ]


def test_typed_values_and_the_round_of_the_seeds(tmp_path: Path) -> None:
    seeds = (2085463073848966840, 2747215439041700203, 16159082839903944936)
    keys = [f"effective_{key}" for key in loadgen_log.SEED_KEYS]
    content = b"".join(record(key, seed) for key, seed in zip(keys, seeds, strict=True))
    log = read_detail(written(tmp_path, content + record("result_min_duration_met", True)))
    assert (log.seeds(), log.round_name()) == (seeds, "v6.1")
    assert (log.number("result_min_duration_met"), log.text("effective_qsl_rng_seed")) == (None, None)
    strange = read_detail(written(tmp_path, b"".join(record(key, [1]) for key in keys)))
    assert (strange.seeds(), strange.round_name()) == ((None, None, None), None)


@pytest.mark.parametrize(
    ("content", "windows", "unpaired"),
    [
        (b"", 0, 0),
        (record("power_begin", BEGIN), 0, 1),
        (record("power_end", END), 0, 1),
        (record("power_begin", BEGIN) + WINDOW, 1, 1),
        (WINDOW + WINDOW, 2, 0),
        (record("power_begin", "yesterday") + record("power_end", END), 0, 2),
        (record("power_begin", 5) + WINDOW, 1, 1),
        (b":::MLLOG " + WINDOW, 0, 1),
    ],
)
def test_windows_are_pairs(tmp_path: Path, content: bytes, windows: int, unpaired: int) -> None:
    log = read_detail(written(tmp_path, content))
    assert (len(log.windows), log.unpaired) == (windows, unpaired)


def test_lines_across_blocks_and_a_line_longer_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long_line = record("loaded_qsl_set", list(range(2000)))
    content = record("result_validity", "VALID") + long_line + WINDOW + record("num_errors", 3)
    path = written(tmp_path, content)
    for block in (64, 65, 1000, 1 << 20):
        monkeypatch.setattr(loadgen_log, "BLOCK", block)
        log = read_detail(path)
        assert (log.lines, len(log.windows), log.values) == (5, 1, log.values)
        assert log.values == {"result_validity": "VALID", "power_begin": BEGIN, "power_end": END, "num_errors": 3}
        assert log.windows[0].begin_line == 3


@pytest.mark.parametrize(
    "damage",
    [
        b"\n",
        b"\0\xff binary\n",
        b':::MLLOG {"key": "result_validity", "value": \n',
        b':::MLLOG {"key": "result_validity", "value": ' + b"[" * 50_000 + b"\n",
        b':::MLLOG {"key": "result_validity", "value": ' + b"9" * 5_000 + b"}\n",
        record("result_validity", "x" * loadgen_log.LONGEST_RECORD),
        b':::MLLOG {"key": "power_be',
    ],
)
def test_damage_is_counted_and_hides_nothing(tmp_path: Path, damage: bytes) -> None:
    log = read_detail(written(tmp_path, WINDOW + damage))
    assert (log.damaged, log.lines, len(log.windows)) == (1, 3, 1)


@pytest.mark.parametrize("damage", [b"\n", b"lost\n", b':::MLLOG {"key": "result_validity", "value": "VAL\n'])
def test_the_first_damaged_line_is_named(tmp_path: Path, damage: bytes) -> None:
    assert read_detail(written(tmp_path, WINDOW + damage + WINDOW + damage)).damaged_line == 3


def test_times_of_loadgens_own_clock(tmp_path: Path) -> None:
    late = record("test_datetime", "2025-07-25T15:30:43Z").replace(b"1.5", b"18446744073709.04")
    assert read_detail(written(tmp_path, late + WINDOW)).logged_ms == {"power_begin": 1.5, "power_end": 1.5}


def test_a_hostile_log_fills_no_memory(tmp_path: Path) -> None:
    keys = b"".join(record(f"result_{number}", number) for number in range(2000))
    log = read_detail(written(tmp_path, keys + WINDOW * 1000 + record("error_x", "y", is_error=True) * 100))
    assert len(log.values) == loadgen_log.MOST_KEYS
    assert len(log.windows) == loadgen_log.MOST_WINDOWS
    assert (len(log.problems), log.n_errors) == (loadgen_log.MOST_PROBLEMS, 100)


@given(st.binary(max_size=400))
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("log") / "detail"
    path.write_bytes(record("result_validity", "VALID") + content)
    log = read_detail(path)
    assert log.lines == path.read_bytes().count(b"\n") + (not path.read_bytes().endswith(b"\n"))
    assert isinstance(parse_record(content), dict)
    path.write_bytes(content)
    assert isinstance(read_summary(path), dict)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="absent"):
        read_detail(tmp_path / "absent")
    with pytest.raises(EvidenceError, match="absent"):
        read_summary(tmp_path / "absent")


def test_a_summary(tmp_path: Path) -> None:
    path = tmp_path / "summary"
    path.write_text("=====\nScenario : Offline\nResult is : VALID\nmin_duration (ms): 600000\n")
    assert read_summary(path) == {"Scenario": "Offline", "Result is": "VALID", "min_duration (ms)": "600000"}
    path.write_bytes(b"x" * (loadgen_log.LARGEST_SUMMARY + 1))
    with pytest.raises(EvidenceError, match="expected a LoadGen summary"):
        read_summary(path)


def test_published_logs(published: Path) -> None:
    logs = [read_detail(path) for path in sorted(published.rglob("mlperf_log_detail.txt"))]
    assert len(logs) == 20
    for log in logs:
        assert (len(log.windows), log.damaged, log.unpaired, log.text("result_validity")) == (1, 0, 0, "VALID")
        expected = next(name for name in ("v1.1", "v4.1", "v5.1") if name in log.path.parts)
        assert log.round_name() == (None if expected == "v1.1" else expected)


@pytest.mark.parametrize(
    ("rest", "good"), [("", True), (" \t", True), ("x", False), ("}", False), (', {"a": 1}', False)]
)
def test_a_record_ends_with_its_line(rest: str, good: bool) -> None:
    assert parse_record(b':::MLLOG {"key": "a"}' + rest.encode()) == ({"key": "a"} if good else {})
