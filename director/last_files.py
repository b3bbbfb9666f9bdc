"""The last files of a session, in the order that lets each record the digests of those before it."""

from collections.abc import Sequence
from pathlib import Path

from director.analyzer import Analyzer
from director.package import write_analyzer_files, write_ptd_logs
from evidence.layout import DOWNLOADS, SERVER_JSON
from evidence.summary import Summary
from evidence.traffic_log import TrafficLog


def write_last_files(session: Path, analyzers: Sequence[Analyzer], log: TrafficLog, summary: Summary) -> None:
    """Write ptd_logs.txt, then server.log to its end, then server.json, which holds the digests of both.

    Raises:
        OSError: the disk does not take them.
    """
    write_ptd_logs(session, [analyzer.output for analyzer in analyzers])
    log.close()
    write_analyzer_files(session)
    extra = {
        "ptd_messages": [message for analyzer in analyzers for message in analyzer.said.messages],
        "ptd_config": [analyzer.record() for analyzer in analyzers],
    }
    files = tuple(name for name in DOWNLOADS if name != SERVER_JSON)
    summary.save(session / SERVER_JSON, session, files, extra)
