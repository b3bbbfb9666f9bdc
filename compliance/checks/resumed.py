"""A connection that broke while a session was open and was made anew: what was said in vain, and was said again.

    client.log                                  server.log
    Sending command to the server: 'X'          Got command from the client 'X'
    The connection to the director is back      Sending reply to client 'OK'
    Sending command to the server: 'X'          The client came back as ...; its last reply was lost
                                                Got command from the client 'X'

Neither side records it in its JSON, where the two must agree.
"""

import re
from bisect import bisect

from evidence.session_log import SessionLog, Traffic

_BACK = "The connection to the director is back"
_LOST = re.compile(r"The client came back as .{1,200}; its last reply was lost")


def heard(log: SessionLog) -> list[Traffic]:
    """Get commands and replies, but those that the log says were lost on the way, where the same command follows."""
    said = list(log.of("command", "reply"))
    lines = [entry.line for entry in said]
    lost: set[int] = set()
    for line, _, text in log.other:
        count = 1 if text == _BACK else 2 if _LOST.fullmatch(text) else 0
        again = bisect(lines, line)
        if count and count <= again < len(said) and _is_command(said[again], said[again - count]):
            lost.update(range(again - count, again))
    return [entry for number, entry in enumerate(said) if number not in lost]


def _is_command(entry: Traffic, before: Traffic) -> bool:
    return entry.direction == before.direction == "command" and entry.text == before.text
