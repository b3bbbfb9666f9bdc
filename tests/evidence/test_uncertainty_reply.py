import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.uncertainty_reply import last_of_run, parse_uncertainty
from metrology.errors import EvidenceError

REPLY = "Uncertainty,0.009589,0.009294,0.015984,611,11,563,37"


def test_a_published_reply() -> None:
    assert parse_uncertainty(f"{REPLY}\r\n") == (0.009589, 0.009294, 0.015984, 611, 11, 563, 37)
    assert parse_uncertainty("Uncertainty,-1.0,10000000.000000,0.000000,837,0,0,837") == (
        -1.0, 1e7, 0.0, 837, 0, 0, 837,
    )  # fmt: skip
    assert parse_uncertainty("Unknown command") is None


@pytest.mark.parametrize(
    "reply", ["Uncertainty", f"{REPLY},1", REPLY.replace("611", "6e2"), REPLY.replace("0.0", "n")]
)
def test_a_damaged_reply_is_told(reply: str) -> None:
    with pytest.raises(EvidenceError, match="expected 'Uncertainty,f,f,f,n,n,n,n'"):
        parse_uncertainty(reply)


@given(st.text(max_size=80).map(lambda text: f"Uncertainty,{text}") | st.text(max_size=80))
def test_any_text_is_a_reply_none_or_an_error(text: str) -> None:
    try:
        found = parse_uncertainty(text)
    except EvidenceError:
        return
    assert found is None or found.total >= 0


def test_the_last_reply_of_the_run_counts() -> None:
    said = [
        ("Uncertainty", REPLY), ("Go,1000,0,s_ranging", ""), ("Uncertainty", REPLY.replace("611", "612")),
        ("Go,1000,0,s_testing", ""), ("Uncertainty", REPLY), ("Stop", ""),
        ("Uncertainty", REPLY.replace("611", "613")), ("Uncertainty", "Error"),
    ]  # fmt: skip
    totals = [found and found.total for found in (last_of_run(said, "ranging"), last_of_run(said, "testing"))]
    assert totals == [612, 613]
    assert last_of_run(said[:1], "testing") is None
