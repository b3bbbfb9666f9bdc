from hypothesis import given
from hypothesis import strategies as st

from evidence import loadgen_columns, loadgen_log
from evidence.loadgen_log import RECORD, STARTS, Places

PIECES = [RECORD, *STARTS, b"\n", b"\n\n", b"effe", b'x", "value": 1}\n', b":::MLLOG", b"\r\n", b" ", b"\xff", b"\0"]


@given(st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join))
def test_both_ways_find_the_same(text: bytes) -> None:
    block = text + b"\n"
    assert loadgen_columns.find_places(block) == loadgen_log.find_places(block)


def test_what_is_found() -> None:
    block = RECORD + b'power_begin"}\n' + b"odd\n" + RECORD + b'sample"}\n' + b"x" + RECORD + b'result_x"}\n'
    assert loadgen_columns.find_places(block) == Places(4, 2, 1, [0])
