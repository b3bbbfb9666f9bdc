"""server.log, and its lines for the operator."""

from director.events import LogLine, Observe
from evidence.traffic_log import TrafficLog

LONGEST_SHOWN = 400
"""Longest line shown to the operator, characters; server.log itself keeps whole listings of samples in one line."""


def server_log(observe: Observe) -> TrafficLog:
    """Make the log of one connection; `observe` gets every line, cut where it is very long."""

    def show(line: str) -> None:
        observe(LogLine(line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}..."))

    return TrafficLog("ptd-server", show, must_write=False)
