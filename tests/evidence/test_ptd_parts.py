"""Records of several analyzers, split into one part for each: ranges and terms of one are never those of another."""

from pathlib import Path

import pytest

from evidence.ptd_log import PtdLog, read_ptd_log
from evidence.ptd_parts import ranges_in_force, split_by_analyzer, start_of
from evidence.session_json import SessionRecord, read_session_json
from metrology.accuracy import WT310E
from metrology.datasheet import PW3335
from metrology.errors import EvidenceError

STAMP = "11-22-2026 14:17:07.000: "


def identity(driver: str, version: str, idn: str) -> str:
    return f"{driver},1000,1,1,1,1,0,1,1,version={version},OS=Linux,mode=power,1,1,1,0,0,no_cal_date,{idn}"


SPEC = identity("YokogawaWT310E", "1.11.1-69286632-20240907", "YOKOGAWA;WT310E;S;F1.04")
OURS = identity("HiokiPW3335", "wattrig_0.1.0-00000000-20260101", "HIOKI;PW3335;0;V1.00")


def log_of(tmp_path: Path, *texts: str) -> PtdLog:
    path = tmp_path / "ptd_logs.txt"
    path.write_text("".join(f"{text if text.startswith('Analyzer ') else STAMP + text}\n" for text in texts))
    return read_ptd_log(path, "ptd_logs.txt")


def record_of(tmp_path: Path, *identities: str) -> SessionRecord:
    messages = ",".join(
        f'{{"cmd": "Hello", "reply": "Hello, PTDaemon here!"}}, {{"cmd": "Identify", "reply": "{identity}"}}'
        for identity in identities
    )
    path = tmp_path / "server.json"
    path.write_text(f'{{"ptd_messages": [{messages}]}}')
    return read_session_json(path, "server.json")


TWO = (
    "Analyzer 1", "Volt range set to 300.000000V", "Amp range set to 1.000000A", "Go with mark 'S_testing'",
    "Analyzer 2", "Accuracy by datasheet: reading=0.002,range=0.0005,crest_factor=6.0",
    "Volt range set to 150.000000V", "Go with mark 'S_testing'",
)  # fmt: skip


def test_each_analyzer_has_its_own_ranges_and_terms(tmp_path: Path) -> None:
    first, second = split_by_analyzer(record_of(tmp_path, SPEC, OURS), log_of(tmp_path, *TWO))
    assert (first.number, second.number) == (1, 2)
    assert first.ranges("testing").product_va(1) == 300
    assert second.ranges("testing").product_va(1) is None, "the amperes of analyzer 1 are not those of analyzer 2"
    by_ptd, by_sheet = first.judgement(), second.judgement()
    assert by_ptd is not None
    assert (by_ptd.model, by_ptd.accuracy) == ("ptd", WT310E)
    assert by_sheet is not None
    assert (by_sheet.accuracy.reading, by_sheet.crest_factor) == (0.002, 6)
    assert by_sheet.in_force.range == 0.001
    assert second.judgement("ptd") is None
    other = first.judgement("datasheet")
    assert other is not None
    assert other.accuracy.phase == 0.001


def test_spec_ptdaemon_is_never_said_to_go_by_a_data_sheet(tmp_path: Path) -> None:
    foreign = OURS.replace("wattrig_0.1.0", "1.11.1")
    (part,) = split_by_analyzer(record_of(tmp_path, foreign), log_of(tmp_path, "Go with mark 'S_testing'"))
    assert part.judgement() is None
    by_sheet = part.judgement("datasheet")
    assert by_sheet is not None
    assert by_sheet.accuracy == PW3335.accuracy
    (own,) = split_by_analyzer(record_of(tmp_path, OURS), log_of(tmp_path, "Go with mark 'S_testing'"))
    assert own.judgement() == by_sheet


def test_one_analyzer_needs_no_heading_and_several_need_one_each(tmp_path: Path) -> None:
    log = log_of(tmp_path, *TWO)
    assert len(split_by_analyzer(record_of(tmp_path, SPEC), log_of(tmp_path, *TWO[1:4]))) == 1
    with pytest.raises(EvidenceError, match="has 2 headings 'Analyzer N', expected 3"):
        split_by_analyzer(record_of(tmp_path, SPEC, SPEC, SPEC), log)
    with pytest.raises(EvidenceError, match="no reply to Identify"):
        split_by_analyzer(record_of(tmp_path), log)
    with pytest.raises(EvidenceError, match="no start of the ranging run"):
        start_of(log, "ranging")


VOLT, AMP = (
    "Voltage range for channel {}, physical channel {}, set to {}",
    "Amp range for channel {}, physical channel {}, set to {}",
)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["Volt range set to 300.000000V", "Amp range set to 2.000000A"], [600.0, 600.0]),
        # PTDaemon 1.11 writes volts with the unit A.
        ([VOLT.format(1, 2, "300.000000A"), AMP.format(1, 2, "5.000000A"), VOLT.format(2, 3, "150.000000V"),
          AMP.format(2, 3, "1.000000A")], [1500.0, 150.0]),
        (["Volt range set to 300.000000V", "Amp range set to 2.000000A", "Ampere range set to Auto"], [None, None]),
        (["Volt range set to 300.000000V", "Amp range set to 2.000000A", AMP.format(2, 2, "Auto")], [600.0, None]),
        ([VOLT.format(1, 1, "300.000000V"), AMP.format(1, 1, "2.000000A"), "Volt range set to 150.000000V"],
         [300.0, None]),
    ],
)  # fmt: skip
def test_ranges_in_force(tmp_path: Path, texts: list[str], expected: list[float | None]) -> None:
    ranges = ranges_in_force(log_of(tmp_path, *texts), 100)
    assert [ranges.product_va(channel) for channel in (1, 2)] == expected
    assert ranges_in_force(log_of(tmp_path, *texts), 1).product_va(1) is None
