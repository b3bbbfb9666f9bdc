import json
from pathlib import Path

import pytest

from evidence.clock_record import Burst, ClockRecord, NtpState, read_clock, write_clock
from metrology.clock import Exchange
from metrology.errors import EvidenceError

T0_NS = 1_795_357_027 * 10**9


def burst(where: str, after_s: int, ahead_ns: int, trip_ns: int) -> Burst:
    sent_ns = T0_NS + after_s * 10**9
    worse = Exchange(sent_ns - 10**8, sent_ns, sent_ns - 10**8 + 2 * trip_ns)
    best = Exchange(sent_ns, sent_ns + trip_ns // 2 + ahead_ns, sent_ns + trip_ns)
    return Burst(where, (worse, best))


RECORD = ClockRecord(
    [burst("before new", 0, 5_000_000, 400_000), burst("testing stopped", 1000, 7_000_000, 200_000)],
    [NtpState("before new", "sntp ntp.example", True, 1.5, 0.4, 2), NtpState("before ranging", "not checked")],
)


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    assert read_clock(tmp_path) is None
    write_clock(tmp_path, RECORD)
    found = read_clock(tmp_path)
    assert found == RECORD
    written = json.loads((tmp_path / "wattrig/clock.json").read_text())
    assert written["schema"] == 1
    assert written["offset_ms"] == pytest.approx(7.0)
    assert written["uncertainty_ms"] == pytest.approx(0.1, abs=1e-3)
    assert written["drift_ppm"] == pytest.approx(2.0, abs=1e-3)
    assert written["drift_uncertainty_ppm"] == pytest.approx(0.3, abs=1e-3)
    assert [each["where"] for each in written["bursts"]] == ["before new", "testing stopped"]


def test_a_session_that_ended_before_any_exchange(tmp_path: Path) -> None:
    write_clock(tmp_path, ClockRecord())
    assert read_clock(tmp_path) == ClockRecord()
    assert json.loads((tmp_path / "wattrig/clock.json").read_text())["offset_ms"] is None


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"bursts": 5},
        {"bursts": [{"where": "x", "exchanges_ns": []}]},
        {"bursts": [{"where": "x", "exchanges_ns": [[1, 2]]}]},
        {"bursts": [{"where": "x", "exchanges_ns": [[1, 2, "3"]]}]},
        {"bursts": [{"where": "x", "exchanges_ns": [[1, 2, 1e300]]}]},
        {"bursts": [{"where": "x", "exchanges_ns": [[-1, 2, 3]]}]},
        {"ntp": [{"nobody": 1}]},
    ],
)
def test_a_damaged_record_is_named(tmp_path: Path, change: dict[str, object]) -> None:
    write_clock(tmp_path, RECORD)
    path = tmp_path / "wattrig/clock.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(EvidenceError, match=r"clock\.json' is no record of clocks"):
        read_clock(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_record_at_all(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "wattrig").mkdir()
    (tmp_path / "wattrig/clock.json").write_bytes(content)
    with pytest.raises(EvidenceError):
        read_clock(tmp_path)
