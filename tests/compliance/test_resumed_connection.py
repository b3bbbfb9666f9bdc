"""What the logs tell twice because a connection broke, and what only looks like it."""

import pytest

from compliance.checks.resumed import heard
from evidence.session_log import Direction, SessionLog, Traffic
from evidence.source import FileFacts

BACK = "The connection to the director is back"
CAME, LOST = "The client came back as client 192.0.2.1:4", "; its last reply was lost"
DIRECTIONS: dict[str, Direction] = {">": "command", "<": "reply"}


def told(*lines: str) -> str:
    """Read a log whose lines are `>command`, `<reply` or another text; get the numbers of what was heard."""
    traffic = [
        Traffic(number, "", DIRECTIONS[line[0]], 1, line[1:])
        for number, line in enumerate(lines, 1)
        if line[0] in DIRECTIONS
    ]
    other = [(number, "WARNING", line) for number, line in enumerate(lines, 1) if line[0] not in DIRECTIONS]
    log = SessionLog(FileFacts("power/server.log", "read"), tuple(traffic), other=tuple(other))
    return "".join(str(entry.line) for entry in heard(log))


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ((">time", BACK, ">time", "<1"), "34"),
        ((">time", BACK, ">time", BACK, ">time", "<1"), "56"),
        ((">time", "<1", BACK, ">time", "<2"), "1245"),
        ((">stop", BACK, ">time", "<1"), "134"),
        ((">time", ">time", "<1"), "123"),
        ((">time", BACK), "1"),
        ((">time", "<1", CAME + LOST, ">time", "<2"), "45"),
        ((">time", "<1", CAME, ">time", "<2"), "1245"),
        ((">stop", "<OK", CAME + LOST, ">time", "<2"), "1245"),
        (("<1", CAME + LOST, ">time", "<2"), "134"),
        ((">time", "<1", CAME + LOST), "12"),
    ],
    ids=range(11),
)
def test_what_was_said_in_vain(lines: tuple[str, ...], kept: str) -> None:
    assert told(*lines) == kept
