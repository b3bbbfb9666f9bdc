import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.power_log import MOST_SINGLE, parse_power_log, read_power_log
from evidence.power_samples import BAD, GOOD, MISSED, NON_FINITE, PEAK_OVER, PowerLog, judge
from evidence.stamps import format_stamp
from metrology.reading import Validity, decode

MARK = "2025-07-25_15-13-09_testing"
T0 = 1_753_457_443_020_000_000


def quantities(power_w: float, voltage_v: float = 230.0, current_a: float = 1.0, factor: float = 0.9) -> str:
    return f"Watts,{power_w:.6f},Volts,{voltage_v:.6f},Amps,{current_a:.6f},PF,{factor:.6f}"


def line(index: int, power_w: float, mark: str = MARK) -> str:
    return f"Time,{format_stamp(T0 + index * 10**9)},{quantities(power_w)},Mark,{mark}"


def read(folder: Path, content: bytes) -> PowerLog:
    path = folder / "spl.txt"
    path.write_bytes(content)
    return read_power_log(path, "run_1/spl.txt")


def plain_samples(content: bytes) -> list[tuple[float, float]]:
    """What a plain reader takes from the lines that begin with `Time`."""
    rows = [text.split(b",") for text in content.replace(b"\r", b"\n").split(b"\n") if text.startswith(b"Time")]
    return [(float(row[3]), float(row[9])) for row in rows]


@given(
    powers=st.lists(st.floats(-1e5, 1e7), min_size=1, max_size=30),
    channels=st.integers(0, 3),
    end=st.sampled_from(["\n", "\r\n", "\r", "\r\r\n"]),
    last=st.sampled_from(["", "\n", "\n\n"]),
)
def test_regular_files_read_as_a_plain_reader_does(
    tmp_path_factory: pytest.TempPathFactory, powers: list[float], channels: int, end: str, last: str
) -> None:
    tail = "".join(f",Ch{number},{quantities(number)}" for number in range(1, channels + 1))
    content = ("\n".join(line(index, power) + tail for index, power in enumerate(powers)) + last).replace("\n", end)
    log = read(tmp_path_factory.mktemp("spl"), content.encode())
    assert list(zip(log.power_w.tolist(), log.power_factor.tolist(), strict=True)) == plain_samples(content.encode())
    assert log.t_utc_ns.tolist() == [T0 + index * 10**9 for index in range(len(powers))]
    assert log.lines.tolist() == list(range(1, len(powers) + 1))
    assert log.channels == ("sum", *(f"Ch{number}" for number in range(1, channels + 1)))
    assert log.values.shape == (channels + 1, 4, len(powers))
    assert (log.marks, set(log.mark_codes.tolist()), log.irregular) == ((MARK,), {0}, ())
    assert log.blank_lines == (1 if last == "\n\n" else 0)


@given(st.lists(st.sampled_from(["good", "bad mark", "cut", "blank", "odd", "nan"]), min_size=1, max_size=40))
def test_irregular_lines_stay_in_place(tmp_path_factory: pytest.TempPathFactory, kinds: list[str]) -> None:
    make = {
        "good": lambda i: line(i, i + 1), "bad mark": lambda i: line(i, i + 1, "other"),
        "cut": lambda i: line(i, 1)[:40], "blank": lambda _: "", "odd": lambda _: "what is this?",
        "nan": lambda i: line(i, i + 1).replace("Volts,230.000000", "Volts,nan"),
    }  # fmt: skip
    log = read(tmp_path_factory.mktemp("spl"), "".join(make[k](i) + "\n" for i, k in enumerate(kinds)).encode())
    samples = [index + 1 for index, kind in enumerate(kinds) if kind in {"good", "bad mark", "nan"}]
    assert log.lines.tolist() == samples
    assert log.power_w.tolist() == samples
    assert [entry.line for entry in log.irregular] == [
        i + 1 for i, k in enumerate(kinds) if k in {"cut", "odd", "nan"}
    ]
    assert (log.unreadable_time_lines, log.unreadable_other_lines) == (kinds.count("cut"), kinds.count("odd"))
    assert log.blank_lines == kinds.count("blank")
    marks = [log.marks[code] for code in log.mark_codes.tolist()]
    assert marks == ["other" if kinds[number - 1] == "bad mark" else MARK for number in samples]


def test_the_merged_line_of_two_analyzers(tmp_path: Path) -> None:
    """The line is that of mlcommons/power-dev#330, its second time changed by a digit on the next line."""
    first = (
        "Time,11-28-2024 15:24:14.738,Watts,485.993000,Volts,-1.000000,Amps,-1.000000,PF,-1.000000,"
        "Mark,2024-11-28_15-21-56_testing,Analyzer1,Time,11-28-2024 15:24:14.738,Watts,8.093000,Volts,244.830000,"
        "Amps,0.081340,PF,0.406400,Mark,2024-11-28_15-21-56_testing,Analyzer2,Time,11-28-2024 15:24:14.471,"
        "Watts,477.900000,Volts,244.300000,Amps,2.117800,PF,0.923700,Mark,2024-11-28_15-21-56_testing"
    )
    log = read(tmp_path, f"{first}\r\n{first.replace('14.471', '14.472')}\r\n".encode())
    assert log.channels == ("sum", "Analyzer1", "Analyzer2")
    assert log.values[:, 0, 0].tolist() == [485.993, 8.093, 477.9]
    assert np.diff(log.analyzer_t_utc_ns, axis=0).tolist() == [[-267_000_000, -266_000_000]]
    assert log.irregular_count == 0
    assert log.quality[0].tolist() == [GOOD, GOOD]


@given(st.lists(st.tuples(*[st.floats() | st.sampled_from([-1.0, -2.0, -3.0, -3.5, 0.0])] * 4), min_size=1))
def test_quality_is_that_of_a_single_reading(rows: list[tuple[float, float, float, float]]) -> None:
    codes = {Validity.GOOD: GOOD, Validity.BAD: BAD, Validity.MISSED: MISSED, Validity.PEAK_OVER: PEAK_OVER}
    found = judge(np.array(rows).T)
    for row, code in zip(rows, found.tolist(), strict=True):
        expected = codes[decode(*row).validity] if all(math.isfinite(value) for value in row) else NON_FINITE
        assert code == expected


def test_true_power_decodes_peaks_and_leaves_out_what_was_not_measured(tmp_path: Path) -> None:
    texts = [line(0, 20), line(1, -1), line(2, -37.41).replace("Amps,1.000000", "Amps,-3.286630")]
    texts[1] = texts[1].replace("230.000000", "-1.000000").replace("1.000000,PF,0.900000", "-1.000000,PF,-1.000000")
    log = read(tmp_path, "\n".join(texts).encode())
    assert log.quality[0].tolist() == [GOOD, BAD, PEAK_OVER]
    assert log.true_power_w() == pytest.approx([20, math.nan, 34.41], nan_ok=True)


def test_a_form_that_shows_late_takes_in_what_came_before(tmp_path: Path) -> None:
    odd = line(0, 5).replace(",Mark,", ",Mrk,")
    tail = "".join(f",Ch{number},{quantities(number)}" for number in (1, 2))
    filler = ("x" * 60 + "\n") * 20_000
    log = read(tmp_path, f"{odd}\n{filler}".encode() + f"{line(1, 6)}{tail}\n".encode())
    assert log.power_w.tolist() == [5, 6]
    assert log.channels == ("sum", "Ch1", "Ch2")
    assert np.isnan(log.values[1:, :, 0]).all()
    assert log.values[2, 0, 1] == 2


def test_content_reads_as_a_file_does(tmp_path: Path) -> None:
    content = "".join(line(index, index) + "\n" for index in range(5)).encode()
    parsed, found = parse_power_log(content, "x"), read(tmp_path, content)
    assert np.array_equal(parsed.values, found.values)
    assert parsed.lines.tolist() == found.lines.tolist()
    assert len(parse_power_log(b"").lines) == 0


@given(st.binary(max_size=400))
def test_any_bytes_are_data_or_a_note(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("spl")
    good = line(0, 1).encode() + b"\n"
    log = read(folder, good + content)
    assert 1.0 in log.power_w.tolist()
    assert len(log.t_utc_ns) == len(log.lines) == log.values.shape[2] == len(log.mark_codes)


def test_endless_garbage_is_cut_short(tmp_path: Path) -> None:
    log = read(tmp_path, b"x\n" * (MOST_SINGLE + 600_000))
    assert "more lines than are looked at" in log.file.damage[-1].text
    assert log.file.size_bytes == 2 * (MOST_SINGLE + 600_000)
    assert log.file.sha1 != ""


def test_files_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    for name, state in (("fifo", "refused"), ("folder", "refused"), ("nothing", "absent")):
        log = read_power_log(tmp_path / name, name)
        assert (log.file.state, len(log.lines)) == (state, 0)
