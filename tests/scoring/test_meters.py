"""Which rows of a power log are whose, and the uncertainty of each meter's samples."""

import math

import numpy as np
import pytest

from evidence.power_log import parse_power_log
from evidence.power_samples import PowerLog
from metrology.datasheet import WT310E
from metrology.reading import Reading
from metrology.uncertainty import power_uncertainty
from scoring.meters import channel_rows, meter_uncertainty

NUMBERS = "Watts,{:.6f},Volts,230.000000,Amps,{:.6f},PF,0.900000"
TIME = "Time,11-22-2026 14:17:07.000"


def values(power_w: float) -> str:
    return NUMBERS.format(power_w, power_w / 230 / 0.9)


def log_of(line: str) -> PowerLog:
    return parse_power_log(f"{line}\n".encode())


MERGED = log_of(
    f"{TIME},{values(600)},Mark,m,Analyzer1,{TIME},{values(100)},Mark,m,"
    f"Analyzer2,{TIME},{values(500)},Mark,m,Ch1,{values(200)},Ch2,{values(300)}"
)


def test_rows_of_one_meter() -> None:
    assert channel_rows(log_of(f"{TIME},{values(5)},Mark,m"), 1, 1) == [0]
    assert channel_rows(log_of(f"{TIME},{values(5)},Mark,m,Ch1,{values(2)},Ch2,{values(3)}"), 1, 1) == [1, 2]


def test_rows_of_several_meters() -> None:
    assert MERGED.channels == ("sum", "Analyzer1", "Analyzer2", "Analyzer2/Ch1", "Analyzer2/Ch2")
    assert channel_rows(MERGED, 1, 2) == [1]
    assert channel_rows(MERGED, 2, 2) == [3, 4]
    assert channel_rows(MERGED, 3, 3) == []
    assert channel_rows(MERGED, 1, 1) == [], "a merged log is not that of one meter"


def test_channels_of_a_meter_add_up_by_power() -> None:
    fractions, power_w = meter_uncertainty(MERGED, [3, 4], WT310E.accuracy, [600.0, 1500.0])
    each = [
        power_uncertainty(WT310E.accuracy, Reading(watts, 230.0, round(watts / 230 / 0.9, 6), 0.9), range_va) or 0.0
        for watts, range_va in ((200.0, 600.0), (300.0, 1500.0))
    ]
    assert power_w.tolist() == [500.0]
    assert fractions[0] == pytest.approx((200 * each[0] + 300 * each[1]) / 500)


def test_a_bad_channel_makes_the_sample_unknown() -> None:
    bad = "Watts,-1.000000,Volts,-1.000000,Amps,-1.000000,PF,-1.000000"
    log = log_of(f"{TIME},{bad},Mark,m,Ch1,{values(200)},Ch2,{bad}")
    fractions, power_w = meter_uncertainty(log, [1, 2], WT310E.accuracy, [600.0, 600.0])
    assert np.isnan(fractions).all()
    assert math.isnan(power_w[0])
