import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import ptd_protocol as ptd
from metrology.errors import EvidenceError
from metrology.ranges import Range
from metrology.reading import Validity
from metrology.uncertainty import UncertaintyTally

SINGLE = "Time,07-23-2024 13:43:39.220,Watts,171.300000,Volts,118.100000,Amps,1.658000,PF,0.875000"
CHANNELS = (
    "Time,07-25-2025 15:27:44.482,Watts,3.000000,Volts,211.000000,Amps,4.400000,PF,0.979760"
    ",Watts,1.000000,Volts,210.700000,Amps,4.484000,PF,0.981800,Watts,2.000000,Volts,211.300000,Amps,4.300000,PF,0.980000"
)


@pytest.mark.parametrize("line", [SINGLE, CHANNELS])
def test_a_sample_line_is_written_as_it_was_read(line: str) -> None:
    assert ptd.sample_line(ptd.parse_sample(line)) == line


def test_sentinels_survive() -> None:
    line = "Time,07-23-2024 13:43:39.220,Watts,-37.410000,Volts,245.980000,Amps,-3.286630,PF,0.488100"
    sample = ptd.parse_sample(line)
    assert sample.total.validity is Validity.PEAK_OVER
    assert ptd.sample_line(sample) == line


def test_the_mark_stands_where_the_reference_puts_it() -> None:
    assert ptd.marked_line(SINGLE, "S_testing") == SINGLE + ",Mark,S_testing"
    head, first, second = CHANNELS.split(",Watts,1")[0], ",Watts,1.000000", ",Ch2,Watts,2.000000"
    marked = ptd.marked_line(CHANNELS, "S_ranging")
    assert marked.startswith(f"{head},Mark,S_ranging,Ch1{first}")
    assert second in marked


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        ptd.parse_sample(text)
    except EvidenceError as problem:
        assert "expected" in problem.message
    ptd.parse_identity(text)
    ptd.parse_list_header(text)


def test_list_headers() -> None:
    assert ptd.parse_list_header("Last 837 samples from sum channel and channels 1 - 3") == (837, 3)
    assert ptd.parse_list_header(ptd.list_header(1164, 0)) == (1164, 0)
    assert ptd.parse_list_header(ptd.WRONG_COUNT_REPLY) is None


def test_ranges_are_restored_in_their_own_words() -> None:
    reply = ptd.ranges_reply((Range(False, 40.0), Range(True, 1000.0)))
    assert reply == "Ranges,0,40.000000,1,1000.000000"
    assert ptd.parse_ranges(reply) == ptd.RangesReply(current="40.000000", voltage="Auto")
    assert ptd.parse_ranges("Ranges,-1,-1.000000,-1,-1.000000") == ptd.RangesReply("Auto", "Auto")
    with pytest.raises(EvidenceError, match="expected 'Ranges"):
        ptd.parse_ranges("Error: busy")


def test_the_uncertainty_reply_with_every_range_automatic() -> None:
    tally = UncertaintyTally()
    for _ in range(796):
        tally.add(None)
    assert ptd.uncertainty_reply(tally) == "Uncertainty,-1.0,10000000.000000,0.000000,796,0,0,796"


def test_identity_of_a_published_session_and_of_ours() -> None:
    identity = ptd.parse_identity(
        "YokogawaWT500_multichannel,1000,1,1,1,1,0,0,1,version=1.11.1-69286632-20240907,OS=Linux 6.8.0,mode=power,"
        "1,1,3,0,0,no_cal_date,YOKOGAWA;760203;91L222238;F1.21"
    )
    assert (identity.driver, identity.channels, identity.idn) == (
        "YokogawaWT500_multichannel",
        3,
        "YOKOGAWA;760203;91L222238;F1.21",
    )
    assert not identity.is_wattrig
    assert not identity.is_simulated
    ours = ptd.parse_identity(
        "YokogawaWT310E,1000,version=wattrig_0.1.0-deadbeef-20261122,mode=power,1,1,1,0,0,no_cal_date,YOKOGAWA;WT310E;SIMULATED;F1.04"
    )
    assert ours.is_wattrig
    assert ours.is_simulated


@pytest.mark.parametrize("line", [SINGLE, CHANNELS])
def test_a_marked_line_gives_back_what_was_listed(line: str) -> None:
    assert ptd.unmarked_line(ptd.marked_line(line, "S_testing")) == (line, "S_testing")


@pytest.mark.parametrize("line", ["", SINGLE, "Mark,S", "Time,a,Mark,S,more"])
def test_a_line_without_mark_is_refused(line: str) -> None:
    with pytest.raises(EvidenceError, match="expected 'Time"):
        ptd.unmarked_line(line)


def test_replies_of_the_daemon() -> None:
    assert ptd.timed_reply(5, 1000, 1) == "Starting timed measurement, 5 samples at 1000ms with 1 rampup samples"
    assert ptd.quantity_reply("Watts", (4409.712563, 2339.7, 4637.7), 796, 794) == (
        "Watts,4409.712563,2339.700000,4637.700000,796,2,794"
    )
    group = (Range(False, 10.0), Range(True, None))
    assert ptd.ranges_reply(group, group) == "Ranges" + ",0,10.000000,1,-1.000000" * 2
    assert ptd.uncertainty_reply(UncertaintyTally(), UncertaintyTally()).count("-1.0,10000000.000000") == 2


def test_the_identity_that_is_written_is_read_back() -> None:
    reply = ptd.identify_reply("YokogawaWT500", "wattrig_1", "Linux, 6", "YOKOGAWA,A,B,C", frequency=True, channels=3)
    head = "YokogawaWT500,1000,1,1,1,1,0,1,0,version=wattrig_1,OS=Linux 6,mode=power,1,1,3,0,0,no_cal_date,"
    assert reply.startswith(head)
    assert ptd.parse_identity(reply) == ptd.Identity("YokogawaWT500", "wattrig_1", 3, "YOKOGAWA;A;B;C")
