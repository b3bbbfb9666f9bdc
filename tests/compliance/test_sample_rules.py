"""The rules on samples: what each says of a sound session, and of one damaged in one place."""

import dataclasses
import importlib
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from compliance.checks.samples import missed_samples
from compliance.facts import PHASES, SessionFacts, gather
from compliance.findings import Ask, Finding, MissingFactError, NotApplicableError, Outcome
from compliance.judge import check_session
from evidence.power_samples import PowerLog
from evidence.power_samples import judge as judge_samples
from evidence.session import find_session
from rules.rulebook import all_rounds, all_rules, params_of
from tests.compliance.asking import failure, found

SPL = "run_1/spl.txt"
LINES = 36
LOAD = range(4, 33)
"""Samples within the load, by index; it begins at that of index 3 and ends at that of index 33."""


def lines_of(package: Any, name: str = SPL) -> list[str]:
    return package.files[name].decode().splitlines()[:LINES]


def rewrite(package: Any, lines: list[str], name: str = SPL) -> None:
    package.files[name] = "".join(f"{line}\n" for line in lines).encode()


def change(package: Any, rows: range | list[int], how: Callable[[str], str], name: str = SPL) -> None:
    lines = lines_of(package, name)
    rewrite(package, [how(line) if row in rows else line for row, line in enumerate(lines)], name)


def put(**values: str) -> Callable[[str], str]:
    """Make a function that sets quantities of a line."""

    def how(line: str) -> str:
        words = line.split(",")
        for name, value in values.items():
            words[words.index(name) + 1] = value
        return ",".join(words)

    return how


def all_four(value: str) -> Callable[[str], str]:
    return put(Watts=value, Volts=value, Amps=value, PF=value)


def test_a_sound_session_passes_all(package: Any, tmp_path: Path) -> None:
    result = check_session(package.write(tmp_path), "v5.1")
    assert result is not None
    said = {one.code: one.outcome for one in result.findings if one.code.startswith("SMP")}
    assert said == dict.fromkeys(said, Outcome.PASS) | {"SMP011": Outcome.NOT_APPLICABLE}
    assert len(said) == 16


@pytest.mark.parametrize(("kept", "fails"), [(29, 0), (28, 1), (15, 1)])
def test_coverage_grants_one_sample(package: Any, tmp_path: Path, kept: int, fails: int) -> None:
    """The window of 30 s has 29 samples within it; 0.98 of it are 29.4 s."""
    change(package, list(LOAD)[kept:], all_four("-1.000000"))
    assert len(found(package, tmp_path, "SMP001")) == fails


def test_coverage_counts_what_a_double_covers_once(package: Any, tmp_path: Path) -> None:
    lines = lines_of(package)
    rewrite(package, lines[:10] + [lines[9]] * 20 + lines[30:])
    assert failure(package, tmp_path, "SMP001").got == pytest.approx(9 / 30, abs=0.05)


@pytest.mark.parametrize(("gone", "level"), [(1, "recommended"), (2, "recommended"), (3, "required")])
def test_gaps(package: Any, tmp_path: Path, gone: int, level: str) -> None:
    lines = lines_of(package)
    rewrite(package, lines[:10] + lines[10 + gone :])
    one = failure(package, tmp_path, "SMP002")
    assert (one.level, one.got, one.line, one.sample) == (level, gone + 1, 11, 10)


def test_a_gap_across_the_edge_of_the_window_counts(package: Any, tmp_path: Path) -> None:
    lines = lines_of(package)
    rewrite(package, lines[:1] + lines[5:])
    assert failure(package, tmp_path, "SMP002").got == 5


def test_a_placeholder_of_a_missed_sample_is_no_sample(package: Any, tmp_path: Path) -> None:
    """As in the one published testing run with a missed sample: it is there with the time of the one before."""
    lines = lines_of(package)
    lines[10] = all_four("-2.000000")(lines[9])
    rewrite(package, lines)
    for code in ("SMP002", "SMP004"):
        assert failure(package, tmp_path, code).level == ("recommended" if code == "SMP002" else "required")
    for code in ("SMP006", "SMP007", "SMP008"):
        assert not found(package, tmp_path, code)


def test_few_missed_samples_are_a_note(package: Any, tmp_path: Path) -> None:
    change(package, [10], all_four("-2.000000"))
    assert failure(package, tmp_path, "SMP004").level == "required"
    folder = find_session(tmp_path)
    assert folder is not None
    ask = Ask(all_rules()["SMP004"], {"most": 0.05}, all_rounds()["v5.1"])
    assert [one.level for one in missed_samples(gather(folder), ask)] == ["recommended"]


def test_a_bad_reading_fails_under_load_alone(package: Any, tmp_path: Path) -> None:
    change(package, [0, 34], all_four("-1.000000"))
    assert not found(package, tmp_path, "SMP003")
    change(package, [12, 13], all_four("-1.000000"))
    one = failure(package, tmp_path, "SMP003")
    assert (one.got, one.line, one.sample) == (2, 13, 12)


def test_a_bad_reading_in_ranging_is_usual(package: Any, tmp_path: Path) -> None:
    change(package, [12], all_four("-1.000000"), "ranging/spl.txt")
    assert not [one for code in ("SMP003", "SMP006", "SMP010") for one in found(package, tmp_path, code)]


def test_peak_over_the_range(package: Any, tmp_path: Path) -> None:
    change(package, [20], put(Watts="-205.000000", Amps="-4.000000"))
    assert (one := failure(package, tmp_path, "SMP005")).line == 21
    assert "1 of 29 samples" in one.message


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999", "1e300", "-0.500000"])
def test_numbers_that_cannot_be(package: Any, tmp_path: Path, value: str) -> None:
    change(package, [20], put(Watts=value))
    assert failure(package, tmp_path, "SMP006").line == 21


def test_numbers_of_ranging_that_cannot_be_are_a_note(package: Any, tmp_path: Path) -> None:
    change(package, [20], put(Volts="99100000000000005192630646116011999232.000000"), "ranging/spl.txt")
    assert failure(package, tmp_path, "SMP006").level == "recommended"


def test_doubled_samples(package: Any, tmp_path: Path) -> None:
    lines = lines_of(package)
    rewrite(package, lines[:12] + lines[11:])
    assert (one := failure(package, tmp_path, "SMP007")).sample == 12
    assert not found(package, tmp_path, "SMP008")
    assert one.got == 1


def test_samples_out_of_order(package: Any, tmp_path: Path) -> None:
    lines = lines_of(package)
    lines[11], lines[12] = lines[12], lines[11]
    rewrite(package, lines)
    assert failure(package, tmp_path, "SMP008").line == 13
    assert not found(package, tmp_path, "SMP002")


@pytest.mark.parametrize("name", [SPL, "ranging/spl.txt"])
def test_foreign_marks(package: Any, tmp_path: Path, name: str) -> None:
    change(package, [7], lambda line: line.replace("2025-07-25", "2025-07-24"), name)
    assert (one := failure(package, tmp_path, "SMP009")).line == 8
    assert (one.level, str(one.got)[:10]) == ("required", "2025-07-24")


def test_edited_watts(package: Any, tmp_path: Path) -> None:
    change(package, [7, 8], lambda line: line.replace("Watts,201", "Watts,191").replace("Watts,202", "Watts,192"))
    assert (one := failure(package, tmp_path, "SMP010")).line == 8
    assert one.got == pytest.approx(10 / 191, abs=1e-4)


def test_rounding_of_a_small_load_is_no_difference(package: Any, tmp_path: Path) -> None:
    change(package, range(LINES), put(Watts="2.000000", Volts="230.0", Amps="0.010000", PF="0.889000"))
    assert not found(package, tmp_path, "SMP010")


def with_channels(line: str) -> str:
    """Give a line three channels, the third of which is unused."""
    total = float(line.split(",")[3])
    half = f"Watts,{total / 2:.6f},Volts,230.000000,Amps,0.500000,PF,{total / 230:.6f}"
    return f"{line},Ch1,{half},Ch2,{half},Ch3,Watts,0.000000,Volts,0.000000,Amps,0.000000,PF,0.000000"


@pytest.mark.parametrize("sum_fields", [{}, {"Volts": "-1.000000", "Amps": "-1.000000", "PF": "-1.000000"}])
def test_channels_of_either_daemon_pass(package: Any, tmp_path: Path, sum_fields: dict[str, str]) -> None:
    """PTDaemon 1.9.2 writes -1 for all of the sum but its watts."""
    change(package, range(LINES), lambda line: put(**sum_fields)(with_channels(line)))
    result = check_session(package.write(tmp_path), "v5.1")
    assert result is not None
    assert not [one for one in result.findings if one.code[:3] == "SMP" and one.outcome is Outcome.FAIL]


def test_a_sum_that_is_not_that_of_the_channels(package: Any, tmp_path: Path) -> None:
    change(package, range(LINES), with_channels)
    change(package, [15], put(Watts="150.000000"))
    assert (one := failure(package, tmp_path, "SMP011")).line == 16
    assert not found(package, tmp_path, "SMP010")
    assert one.unit == "W"


def test_edited_channels(package: Any, tmp_path: Path) -> None:
    def fewer(line: str) -> str:
        head, *channels = line.split(",Ch")
        return ",Ch".join([put(Watts="120.000000")(head), *(put(Watts="60.000000")(one) for one in channels[:2])])

    change(package, range(LINES), with_channels)
    change(package, [15], lambda line: fewer(line) + ",Ch3" + line.split(",Ch3")[1])
    assert "of Ch1" in found(package, tmp_path, "SMP010")[0].message
    assert not found(package, tmp_path, "SMP011")


@pytest.mark.parametrize(("first", "fails"), [(3, 0), (4, 0), (5, 1)])
def test_the_first_sample_may_come_an_interval_after_the_load_begins(
    package: Any, tmp_path: Path, first: int, fails: int
) -> None:
    rewrite(package, lines_of(package)[first:])
    assert len(found(package, tmp_path, "SMP012")) == fails


def test_samples_that_end_before_the_load(package: Any, tmp_path: Path) -> None:
    rewrite(package, lines_of(package)[:33])
    assert (one := failure(package, tmp_path, "SMP012")).line == 33
    assert one.got == -1.0


def test_another_sampling_interval(package: Any, tmp_path: Path) -> None:
    rewrite(package, lines_of(package)[::2])
    assert failure(package, tmp_path, "SMP013").got == 2.0
    for message in package.server["ptd_messages"]:
        message["cmd"] = message["cmd"].replace("Go,1000", "Go,2000")
    assert [one.unit for one in found(package, tmp_path, "SMP013")] == ["ms", "ms", "s"]


def test_a_range_that_cannot_have_been(package: Any, tmp_path: Path) -> None:
    (message,) = (one for one in package.server["ptd_messages"] if one["cmd"] == "SR,A,1.1")
    message["cmd"] = "SR,A,0.4"
    one = failure(package, tmp_path, "SMP014")
    assert (one.got, one.expected, one.unit) == (1.0, 0.65, "A")
    message["cmd"] = "SR,A,Auto"
    assert not found(package, tmp_path, "SMP014")


def test_samples_of_another_hour(package: Any, tmp_path: Path) -> None:
    change(package, range(LINES), lambda line: line.replace(" 15:", " 16:"))
    assert failure(package, tmp_path, "SMP015").got == LINES


def test_the_first_sample_comes_late(package: Any, tmp_path: Path) -> None:
    rewrite(package, lines_of(package)[1:])
    assert failure(package, tmp_path, "SMP015").got == pytest.approx(3.0)


def test_a_small_load_is_noted(package: Any, tmp_path: Path) -> None:
    change(package, range(LINES), put(Watts="50.000000", PF="0.500000", Amps="0.434783"))
    assert failure(package, tmp_path, "SMP016").level == "info"


VALUES = st.one_of(st.sampled_from([-1.0, -2.0, -3.0, 0.0, 1.0, 230.0, np.nan, np.inf, -np.inf, 1e308]), st.floats())
NEAR = st.integers(1_753_456_400, 1_753_456_520).map(lambda second: second * 10**9)
NAMES = ("sum", "Ch1", "Analyzer1", "Analyzer1/Ch2")


@st.composite
def any_power_log(draw: st.DrawFn, like: PowerLog) -> PowerLog:
    """Make a power log of any samples at all, near the windows of the package or far from them."""
    count, channels = draw(st.integers(0, 12)), draw(st.integers(1, len(NAMES)))
    values = draw(arrays.arrays(np.float64, (channels, 4, count), elements=VALUES))
    return like._replace(
        t_utc_ns=draw(arrays.arrays(np.int64, count, elements=st.one_of(NEAR, st.integers(0, 2**62)))),
        values=values,
        quality=judge_samples(values),
        channels=NAMES[:channels],
        analyzer_t_utc_ns=np.zeros((0, count), np.int64),
        lines=np.arange(1, count + 1),
        mark_codes=draw(arrays.arrays(np.int16, count, elements=st.integers(-1, len(like.marks) - 1))),
    )


@pytest.fixture
def sound(package: Any, tmp_path: Path) -> SessionFacts:
    folder = find_session(package.write(tmp_path))
    assert folder is not None
    return gather(folder)


def say_all(facts: SessionFacts) -> list[Finding]:
    """Get what all rules on samples say, each by itself; a crash of one comes through."""
    said: list[Finding] = []
    for rule in [rule for code, rule in all_rules().items() if code.startswith("SMP")]:
        module, _, name = rule.check.partition(":")
        check = getattr(importlib.import_module(f"compliance.checks.{module}"), name)
        with suppress(NotApplicableError, MissingFactError):
            said.extend(check(facts, Ask(rule, params_of(rule, all_rounds()["v5.1"]), all_rounds()["v5.1"])))
    return said


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_samples_make_a_rule_crash(sound: SessionFacts, data: st.DataObject) -> None:
    logs = {phase: data.draw(any_power_log(sound.power_logs[phase])) for phase in PHASES}
    assert len(say_all(dataclasses.replace(sound, power_logs=logs))) < 80


def test_a_day_at_ten_hertz_costs_milliseconds(sound: SessionFacts) -> None:
    count = 864_000
    log = sound.power_logs["testing"]
    power_w = np.full(count, 200.0)
    window = sound.loadgen_logs["testing"].detail.windows[0]
    long = log._replace(
        t_utc_ns=window.begin_ns + np.arange(count) * 10**8,
        values=np.stack([power_w, power_w * 0 + 230.0, power_w / 200, power_w / 230])[np.newaxis],
        quality=np.zeros((1, count), np.uint8),
        lines=np.arange(1, count + 1),
        mark_codes=np.zeros(count, np.int16),
    )
    facts = dataclasses.replace(sound, power_logs=sound.power_logs | {"testing": long})
    began_s = time.process_time()
    assert say_all(facts)
    assert time.process_time() - began_s < 1.0
