"""The count over columns against the daemon's own, sample by sample."""

import math

from hypothesis import given
from hypothesis import strategies as st

from evidence.power_log import parse_power_log
from evidence.ptd_protocol import marked_line, sample_line, uncertainty_reply
from evidence.uncertainty_reply import parse_uncertainty
from metrology.accuracy import WT210, WT310E, WT330E
from metrology.reading import BAD_READING, MISSED_READING, Reading, Sample, Validity
from metrology.uncertainty import UncertaintyTally, power_uncertainty, sum_uncertainty
from scoring.recount import recount, tally

T_NS = 1_800_000_000_000_000_000
NOTHING = Reading(0.0, 230.0, 0.0, 0.0)
readings = st.one_of(
    st.builds(
        lambda volts, amps, factor: Reading(round(volts * amps * factor, 6), volts, amps, factor),
        st.sampled_from([90.5, 230.125]), st.floats(0.01, 15).map(lambda value: round(value, 6)),
        st.sampled_from([0.25, 0.5, 1.0]),
    ),
    st.sampled_from([BAD_READING, NOTHING, Reading(100.0, 230.0, 0.5, 0.9, Validity.PEAK_OVER)]),
)  # fmt: skip


def counted(samples: list[Sample], accuracy: object, ranges_va: list[float | None]) -> object:
    text = "".join(marked_line(sample_line(sample), "m") + "\n" for sample in samples)
    return recount(parse_power_log(text.encode()), accuracy, ranges_va)  # type: ignore[arg-type]


@given(st.lists(readings, min_size=1, max_size=40), st.sampled_from([WT210, WT310E]))
def test_one_channel(found: list[Reading], accuracy: object) -> None:
    expected = UncertaintyTally()
    for reading in found:
        expected.add(power_uncertainty(accuracy, reading, 1500.0))  # type: ignore[arg-type]
    samples = [Sample(T_NS, reading) for reading in found]
    assert counted(samples, accuracy, [1500.0]) == parse_uncertainty(uncertainty_reply(expected))


@given(st.lists(st.tuples(readings, readings, readings), min_size=1, max_size=20))
def test_three_channels(found: list[tuple[Reading, Reading, Reading]]) -> None:
    ranges_va, expected, samples = [1500.0, 300.0, 6000.0], UncertaintyTally(), []
    for channels in found:
        usable = all(reading.usable for reading in channels)
        parts = [power_uncertainty(WT330E, *pair) for pair in zip(channels, ranges_va, strict=True)]
        powers = [reading.power_w for reading in channels]
        expected.add(sum_uncertainty(list(zip(parts, powers, strict=True))) if usable else None)
        total = Reading(math.fsum(powers), 230.0, 1.0, 0.5) if usable else BAD_READING
        samples.append(Sample(T_NS, total, channels))
    assert counted(samples, WT330E, [*ranges_va]) == parse_uncertainty(uncertainty_reply(expected))


def test_a_missed_sample_is_not_counted_and_an_automatic_range_leaves_all_unknown() -> None:
    good = Sample(T_NS, Reading(100.0, 230.0, 0.5, 0.87))
    samples = [good, Sample(T_NS, MISSED_READING), good]
    assert counted(samples, WT310E, [1500.0])[3:] == (2, 0, 2, 0)  # type: ignore[index]
    assert counted(samples, WT310E, [None]) == (-1.0, 1e7, 0.0, 2, 0, 0, 2)


def test_the_limit_itself_is_within() -> None:
    import numpy as np

    assert tally(np.array([0.01, 0.0100001, math.nan])) == (0.01, 0.01, 0.01, 3, 1, 1, 1)
