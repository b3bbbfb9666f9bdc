import math

import pytest

from analyzers.simulated.device import Setting
from analyzers.simulated.faults import KINDS, LATE_S, Fault, Faults, parse_fault
from analyzers.simulated.load import ConstantLoad
from analyzers.simulated.meter import Mains
from analyzers.simulated.models import MODELS, maker_of
from metrology.errors import ConfigError

IDLE = -math.inf
"""The time of faults before the first use."""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("nan@5", Fault("nan", 5)),
        ("9.91e37@0.5+2", Fault("9.91e37", 0.5, 2.5)),
        ("unplug@10+0.25", Fault("unplug", 10, 10.25)),
    ],
)
def test_faults_as_they_are_written(text, fault):
    assert parse_fault(text) == fault


@pytest.mark.parametrize(
    "text", ["", "nan", "nan@", "nan@-1", "fire@1", "nan@1+", "nan@1e9", "nan@1+2+3", "9x91e37@1"]
)
def test_what_is_no_fault(text):
    with pytest.raises(ConfigError, match="expected KIND@SECONDS") as problem:
        parse_fault(text)
    assert all(kind in problem.value.hint for kind in KINDS)


def test_a_fault_has_its_time():
    faults = Faults([Fault("nan", 5, 7), Fault("inf", 6, 8), Fault("reset", 5), Fault("reset", 9)])
    assert [faults.shown(now_s) for now_s in (IDLE, 4.9, 5, 6.9, 7, 8)] == [None, None, "NAN", "NAN", "INF", None]
    assert [faults.begun("reset", now_s) for now_s in (IDLE, 5, 9)] == [0, 1, 2]
    assert [faults.next_s(now_s) for now_s in (IDLE, 5, 7.5, 9)] == [5, 6, 8, math.inf]
    assert not Faults().active("mute", 1)


def test_answers_are_spoiled():
    faults = Faults([Fault("half", 1, 2), Fault("garbage", 3, 4), Fault("slow", 3)])
    assert faults.spoil(b"1.234", b"\n", 0) == (b"1.234\n", 0)
    assert faults.spoil(b"1.234", b"\n", 1) == (b"1.", 0)
    garbage, late_s = faults.spoil(b"1.234" * 9, b"\r\n", 3)
    assert (len(garbage), garbage[-2:], late_s) == (47, b"\r\n", LATE_S)
    assert garbage != b"1.234" * 9 + b"\r\n"


@pytest.mark.parametrize("model", sorted(MODELS))
def test_each_model_says_that_it_is_simulated_and_can_be_spoiled(model):
    now_s = 0.0
    device = maker_of(model)(Setting(ConstantLoad(100), Mains(), lambda: now_s))
    assert device.title
    assert device.next_update_s > 0
    running = device.run("*IDN?")
    with pytest.raises(StopIteration) as finished:
        next(running)
    assert "SIMULATED" in finished.value.value
    device.spoiled = "NAN"
    assert device.spoiled == "NAN"
    device.overrun()
