import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import ptd_log
from evidence.columns import NO_TIME
from evidence.ptd_log import PtdLog, read_ptd_log
from evidence.ptd_wording import Wording, wording
from evidence.stamps import format_stamp, parse_stamp

T0 = 1_753_457_443_020_000_000
BANNER = """\
Analyzer 1
Selected power analyzer 'Yokogawa WT500:MULTICHANNEL' from wt500_multiphase.cpp
                        Version 1.11.1-69286632-20240907
Calculated PTD CRC: 0x69286632, 7524264
"""


def read(folder: Path, content: bytes | str) -> PtdLog:
    path = folder / "ptd_logs.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_ptd_log(path, "power/ptd_logs.txt")


def at(index: int, text: str) -> str:
    return f"{format_stamp(T0 + index * 10**9)}: {text}\n"


WORDINGS = [
    ("WARNING: Uncertainty unknown for the last measurement sample! channel 2", True, None, 2),
    ("WARNING: Uncertainty unknown for the last measurement sample!", True, None, None),
    ("WARNING: Uncertainty unknown for the last measurement sample, channel 0!", True, None, 0),
    ("WARNING: Uncertainty unknown for the last measurement sample, logical channel 3!", True, None, 3),
    ("WARNING: Uncertainty 1.05% above 1.00% limit for the last measurement sample!", False, 1.05, None),
    ("WARNING: Uncertainty 1.60%, which is above 1.00% limit for the last sample!", False, 1.6, None),
    (
        "WARNING: Uncertainty 12.34%, which is above 1.00% limit for the last sample, logical channel 1!",
        False,
        12.34,
        1,
    ),
    ("WARNING: Missed 1 samples", False, None, None),
    ("ERROR: Can't evaluate uncertainty of this sample!", False, None, None),
]


@pytest.mark.parametrize(("text", "unknown", "percent", "channel"), WORDINGS)
def test_every_wording_of_every_version(text: str, unknown: bool, percent: float | None, channel: int | None) -> None:
    assert wording(text) == Wording(text, text.startswith("ERROR"), unknown, percent, channel)


@given(
    st.lists(
        st.sampled_from([text for text, *_ in WORDINGS] + ["Volt range set to Auto", "sample", ""]), max_size=60
    ),
    st.sampled_from(["\n", "\r\n", "\r\r\n"]),
)
def test_errors_and_warnings_with_times_and_lines(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], end: str
) -> None:
    sample = "Time,07-25-2025 15:13:38.457,Watts,1.000000,Volts,1.000000,Amps,1.000000,PF,1.000000\n"
    lines = [sample if text == "sample" else at(i, text) if text else "\n" for i, text in enumerate(texts)]
    log = read(tmp_path_factory.mktemp("ptd"), "".join(lines).replace("\n", end))
    expected = [i for i, text in enumerate(texts) if text.startswith(("ERROR", "WARNING"))]
    assert log.lines.tolist() == [i + 1 for i in expected]
    assert log.t_utc_ns.tolist() == [T0 + i * 10**9 for i in expected]
    assert [log.wordings[code].text for code in log.codes.tolist()] == [texts[i] for i in expected]
    assert log.at_start.all()
    assert [m.line for m in log.messages] == [i + 1 for i, text in enumerate(texts) if text.startswith("Volt")]


def test_what_the_banner_and_the_messages_say(tmp_path: Path) -> None:
    log = read(
        tmp_path,
        BANNER + at(0, "Go with mark '2025-07-25_15-13-09_ranging'")
        + at(1, "Response to client sent: Range V changed") + at(2, "Completed test")
        + at(3, "Go with mark '2025-07-25_15-13-09_testing'"),
    )  # fmt: skip
    assert log.version() == "1.11.1-69286632-20240907"
    assert log.checksum() == ("69286632", 7524264)
    assert [mark for _, mark in log.goes()] == ["2025-07-25_15-13-09_ranging", "2025-07-25_15-13-09_testing"]
    assert [reply.text for reply in log.replies()] == ["Range V changed"]
    done = log.first("Completed")
    assert done is not None
    assert (done.line, done.t_utc_ns) == (7, T0 + 2 * 10**9)


def test_a_sample_line_cut_by_a_second_time(tmp_path: Path) -> None:
    """Pieces of a listing as three-channel logs of PTDaemon 1.10 and 1.11 have them."""
    content = (
        at(0, "Response to client sent: Last 2 samples from sum channel and channels 1 - 3")
        + at(0, "Response to client sent: Time,07-11-2024 23:34:57.718,Watts,1.000000,Volts,2.000000,Amps,3.000000")
        + "Time,07-11-2024 23:34:58.718,Watts,1.000000,PF,0.963200"
        + at(1, "Response to client sent: ,Watts,784.800000,Volts,2.000000,Amps,3.000000,PF,1.000000")
        + at(2, "Response to client sent: Watts,1.0,1.0,1.0,2,0,2")
    )
    log = read(tmp_path, content)
    assert log.midline_stamps == 1
    assert [reply.text for reply in log.replies()] == [
        "Last 2 samples from sum channel and channels 1 - 3", "Watts,1.0,1.0,1.0,2,0,2",
    ]  # fmt: skip


def test_errors_in_mid_line_and_without_a_time(tmp_path: Path) -> None:
    second = at(5, "ERROR: USB.")
    log = read(tmp_path, "Time,07-11-2024 23:34:58.718,Watts,1.000000" + second + "no time ERROR: x\n" + second)
    assert log.lines.tolist() == [1, 2, 3]
    assert log.t_utc_ns.tolist() == [T0 + 5 * 10**9, NO_TIME, T0 + 5 * 10**9]
    assert log.at_start.tolist() == [False, False, True]
    assert [log.wordings[code].is_error for code in log.codes.tolist()] == [True, True, True]


@pytest.mark.parametrize(("content", "cut"), [("", False), (at(0, "x"), False), (at(0, "x")[:20], True)])
def test_a_log_that_ends_in_mid_line(tmp_path: Path, content: str, cut: bool) -> None:
    assert read(tmp_path, content).ends_in_midline is cut


@given(st.binary(max_size=500))
def test_any_bytes_are_data_or_a_note(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    log = read(tmp_path_factory.mktemp("ptd"), at(0, "ERROR: USB.").encode() + content)
    assert log.lines[0] == 1
    assert len(log.lines) == len(log.t_utc_ns) == len(log.codes) == len(log.at_start)
    found = sum(b"ERROR" in text or b"WARNING" in text for text in content.replace(b"\r", b"\n").split(b"\n"))
    assert len(log.lines) == 1 + found


def test_memory_stays_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ptd_log, "MOST_TEXTS", 3)
    monkeypatch.setattr(ptd_log, "MOST_MESSAGES", 2)
    monkeypatch.setattr(ptd_log, "MOST_ODD", 1)
    log = read(tmp_path, "".join(at(i, f"ERROR: {i}") + at(i, f"note {i}") + f"odd ERROR {i}\n" for i in range(9)))
    assert [entry.text for entry in log.wordings][3:] == [ptd_log.OTHER_TEXT]
    assert (len(log.messages), len(log.lines)) == (2, 10)
    assert "than are kept" in log.file.damage[0].text


def test_columns_answer_where_and_of_what(tmp_path: Path) -> None:
    log = read(tmp_path, "".join(at(i, text) for i, (text, *_) in enumerate(WORDINGS)))
    above = log.of(code for code, entry in enumerate(log.wordings) if entry.percent is not None)
    assert log.lines[above].tolist() == [5, 6, 7]
    assert log.lines[log.where(T0, T0 + 3 * 10**9)].tolist() == [2, 3]


def test_a_fifo_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert read_ptd_log(tmp_path / "fifo", "x").file.state == "refused"


def test_published_logs_agree_with_a_plain_count(published: Path) -> None:
    paths = sorted(published.rglob("ptd_logs.txt"))
    assert len(paths) == 10
    for path in paths:
        log = read_ptd_log(path, path.name)
        lines = path.read_bytes().split(b"\n")
        marked = [n for n, text in enumerate(lines, 1) if b"ERROR" in text or b"WARNING" in text]
        assert log.lines.tolist() == marked
        assert log.t_utc_ns.tolist() == [parse_stamp(lines[n - 1][:23].decode()) for n in marked]
        assert len(list(log.goes())) == 2
        assert log.version() in {"1.9.2-3976349f-20201208", "1.10.0-ed9a21d2-20220817", "1.11.1-69286632-20240907",
                                 "1.11.1-462c978e-20240907"}  # fmt: skip


PIECES = ["Time,07-11-2024 23:34:58.718,Watts,1.000000", at(1, "ERROR: USB."), at(2, "WARNING: late"), at(3, "RMS"),
          at(4, "Response to client sent: OK"), at(5, "WARNING: ERROR").rstrip("\n"), "ERROR", "R", "\n"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=15))
def test_no_error_or_warning_is_overlooked_anywhere(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[str]
) -> None:
    content = "".join(pieces)
    log = read(tmp_path_factory.mktemp("ptd"), content)
    lines = content.split("\n")
    assert log.lines.tolist() == [n for n, line in enumerate(lines, 1) if "ERROR" in line or "WARNING" in line]
    starts = [line[23:48] for line in lines].count(": Response to client sent")
    assert log.midline_stamps == content.count(": Response to client sent: ") - starts
