from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from director.merge import merge, pairs, total_w
from evidence.power_log import parse_power_log
from evidence.power_samples import BAD
from evidence.ptd_protocol import parse_sample, sample_line, unmarked_line
from metrology.errors import EvidenceError
from metrology.reading import BAD_READING, MISSED_READING, Reading, Sample, Validity

T_NS, S_NS, MS_NS = 1_800_000_000_000_000_000, 1_000_000_000, 1_000_000
PEAK = Reading(8.074, 246.71, 0.08023, 0.4079, Validity.PEAK_OVER)


def sample(at_s: float, power_w: float = 10.0, channels: int = 0) -> Sample:
    reading = Reading(power_w, 230.0, power_w / 230.0, 1.0)
    return Sample(T_NS + round(at_s * 1000) * MS_NS, reading, (reading,) * channels)


def listing(*samples: Sample) -> list[str]:
    return [sample_line(each) for each in samples]


def beats(*offsets_s: float) -> list[Sample]:
    return [sample(number + offset_s) for number, offset_s in enumerate(offsets_s)]


def test_the_merged_line_of_the_reference() -> None:
    one = "Time,11-28-2024 15:24:14.738,Watts,8.093000,Volts,244.830000,Amps,0.081340,PF,0.406400"
    two = "Time,11-28-2024 15:24:14.471,Watts,477.900000,Volts,244.300000,Amps,2.117800,PF,0.923700"
    mark = "Mark,2024-11-28_15-21-56_testing"
    assert merge([[one], [two]], mark.removeprefix("Mark,"), S_NS) == [
        (
            f"{one[:28]},Watts,485.993000,Volts,-1.000000,Amps,-1.000000,PF,-1.000000,{mark}"
            f",Analyzer1,{one},{mark},Analyzer2,{two},{mark}"
        )
    ]


@pytest.mark.parametrize("bad", [BAD_READING, MISSED_READING, PEAK], ids=["bad", "missed", "peak over"])
@pytest.mark.parametrize("meter", [0, 1])
def test_a_bad_sample_of_one_meter_makes_the_sum_bad(bad: Reading, meter: int) -> None:
    listings = [listing(sample(0), sample(1), sample(2)) for _ in range(2)]
    listings[meter][1] = sample_line(Sample(sample(1).t_utc_ns, bad))
    log = parse_power_log("".join(f"{line}\n" for line in merge(listings, "m", S_NS)).encode())
    assert list(log.power_w) == [20.0, -1.0, 20.0]
    assert list(log.quality[0]) == [0, BAD, 0]
    assert log.channels == ("sum", "Analyzer1", "Analyzer2")
    assert not log.irregular


def test_a_sample_that_is_lacking_shifts_nothing() -> None:
    first = listing(*(sample(number, 100.0 + number) for number in range(5)))
    second = listing(*(sample(number + 0.3, 200.0 + number) for number in (0, 1, 3, 4)))
    lines = merge([first, second], "m", S_NS)
    assert [line.split(",")[3] for line in lines] == [
        "300.000000", "302.000000", "-1.000000", "306.000000", "308.000000",
    ]  # fmt: skip
    assert lines[2].endswith(
        ",Analyzer2,Time,01-15-2027 08:00:02.000,Watts,-1.000000,Volts,-1.000000,Amps,-1.000000,PF,-1.000000,Mark,m"
    )


def test_channels_stay_with_their_analyzer() -> None:
    three = listing(sample(0, 30.0, channels=3), sample(5, 30.0, channels=3))
    line, _ = merge([listing(sample(0), sample(1)), three], "m", S_NS)
    assert line.count(",Ch3,Watts,30.000000") == 1
    alone = merge([listing(sample(1)), three], "m", S_NS)[0]
    assert alone.count("Watts,-1.000000") == 5, "the sum, analyzer 2 and its three channels"
    log = parse_power_log(f"{line}\n{alone}\n".encode())
    assert log.channels == ("sum", "Analyzer1", "Analyzer2", "Analyzer2/Ch1", "Analyzer2/Ch2", "Analyzer2/Ch3")
    assert len(log.lines) == 2
    assert not log.irregular


@pytest.mark.parametrize(
    ("offsets_s", "expected"),
    [
        ([0.0, 0.0, 0.0], [0, 1, 2]),
        ([0.5, 0.5, 0.5], [0, 1, 2]),
        ([0.501, 0.501, 0.501], [None, 0, 1]),
        ([-0.497, -0.502, -0.498], [0, 1, 2]),
        ([0.499, 0.502, 0.497, 0.503], [0, 1, 2, 3]),
        ([0.4, 0.45, 0.6], [0, 1, None]),
    ],
)
def test_which_sample_goes_with_which(offsets_s: list[float], expected: list[int | None]) -> None:
    first = [sample(number) for number in range(len(offsets_s))]
    assert list(pairs(first, beats(*offsets_s), S_NS)) == expected


def test_a_meter_that_drifts_past_another_costs_one_sample() -> None:
    first = [sample(number) for number in range(2000)]
    other = [sample(number * 1.001) for number in range(2000)]
    found = list(pairs(first, other, S_NS))
    assert found.count(None) == 2, "one at each half interval of the two seconds that it drifts by"


times = st.lists(st.integers(300, 1700), min_size=1, max_size=60)
values = st.floats(-1000, 5000).map(lambda value: round(value, 6))
readings = st.one_of(
    values.map(lambda power_w: Reading(power_w, 230.0, 1.0, 0.9)),
    st.sampled_from([BAD_READING, MISSED_READING, PEAK]),
)


@st.composite
def runs(draw: st.DrawFn) -> list[str]:
    """A run whose samples come 0.3 to 1.7 s apart."""
    found, at_ms = [], draw(st.integers(0, 2000))
    for step_ms in draw(times):
        at_ms += step_ms
        found.append(sample_line(Sample(T_NS + at_ms * MS_NS, draw(readings))))
    return found


@given(st.lists(runs(), min_size=1, max_size=4))
def test_no_sample_is_invented_or_used_twice_and_every_sum_is_exact(listings: list[list[str]]) -> None:
    used: list[list[str]] = [[] for _ in listings]
    for line in merge(listings, "m", S_NS):
        head, *own = line.replace(",Analyzer", "\n,Analyzer").split("\n")
        lines = [unmarked_line(part.split(",", 2)[2])[0] for part in own]
        samples = [parse_sample(each) for each in lines]
        assert head.split(",")[1] == lines[0].split(",")[1]
        good = all(each.total.usable for each in samples)
        expected = sum(Decimal(each.split(",")[3]) for each in lines) if good else Decimal(-1)
        assert Decimal(head.split(",")[3]) == expected
        for number, (each, listed) in enumerate(zip(samples, lines, strict=True)):
            if listed in listings[number]:
                used[number].append(listed)
                assert abs(each.t_utc_ns - samples[0].t_utc_ns) <= 530 * MS_NS
            else:
                assert each == Sample(samples[0].t_utc_ns, BAD_READING)
    assert used[0] == listings[0]
    for found, listed in zip(used, listings, strict=True):
        places = iter(listed)
        assert all(each in places for each in found), "in order, each once"


@given(st.lists(values, min_size=1, max_size=60), st.integers(-450, 450), st.integers(0, 2**32))
def test_meters_in_beat_are_paired_without_a_gap(powers: list[float], offset_ms: int, seed: int) -> None:
    first = [sample(number + (seed * (number + 7) % 23) / 1000, power) for number, power in enumerate(powers)]
    other = [sample(number + offset_ms / 1000, power) for number, power in enumerate(powers)]
    assert list(pairs(first, other, S_NS)) == list(range(len(powers)))


def test_what_is_no_sample_is_refused() -> None:
    with pytest.raises(EvidenceError):
        merge([listing(sample(0)), ["Time,x"]], "m", S_NS)
    assert total_w(listing(sample(0, 0.1), sample(0, 0.2))) == Decimal("0.300000")
