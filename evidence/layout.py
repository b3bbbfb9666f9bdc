"""Where the files of a session lie.

<session>/power/{client.json,client.log,ptd_logs.txt,server.json,server.log}
<session>/ranging/{mlperf_log_detail.txt,mlperf_log_summary.txt,spl.txt}
<session>/run_1/{mlperf_log_detail.txt,mlperf_log_summary.txt,spl.txt}
<session>/wattrig/    all that is ours and no part of a submission
"""

import re

POWER, RANGING, TESTING, OURS = "power", "ranging", "run_1", "wattrig"

CLIENT_JSON, CLIENT_LOG = "power/client.json", "power/client.log"
SERVER_JSON, SERVER_LOG = "power/server.json", "power/server.log"
PTD_LOGS = "power/ptd_logs.txt"
PTD_OUT = "run_1/ptd_out.txt"
OWN_SPL = "wattrig/spl_analyzer_{number}_{phase}.txt"
"""What each of several analyzers measured; spl.txt holds what could be merged."""
STATION = "wattrig/station.json"
"""The analyzers of a session, how they are connected, and what hangs on each."""
ANALYZER_FILES = "wattrig/analyzer_files.json"
"""The SHA-1 of `STATION`, of each `OWN_SPL` and of what the director has of an `ATTEMPT`, by path: our client fetches
them from our director as well."""
ANALYZER_FILE = re.compile(
    r"wattrig/(station\.json|spl_analyzer_[1-9][0-9]?_(ranging|testing)\.txt"
    r"|attempt_[1-9][0-9]?/(spl_analyzer_[1-9][0-9]?\.txt|ptd_messages\.json))"
)
DIRECTOR_JOURNAL, CLIENT_JOURNAL = "wattrig/director.journal", "wattrig/client.journal"
"""What each side did and saw, record by record (`evidence.journal`)."""
PARTIAL = "wattrig/partial"
"""What there is of a session that was broken off: apart, so that nobody takes it for a result."""
ATTEMPT = "wattrig/attempt_{number}"
"""A testing run, counted from 1, that failed and was repeated."""
RANGING_SPL, TESTING_SPL = "ranging/spl.txt", "run_1/spl.txt"

PHASE_FOLDERS = {"ranging": RANGING, "testing": TESTING}
"""The folder of each phase; the submission rules call the testing phase run_1."""

LOADGEN_FILES = ("mlperf_log_detail.txt", "mlperf_log_summary.txt")

REQUIRED_FILES = (
    CLIENT_JSON,
    CLIENT_LOG,
    PTD_LOGS,
    SERVER_JSON,
    SERVER_LOG,
    *(f"{folder}/{name}" for folder in (RANGING, TESTING) for name in (*LOADGEN_FILES, "spl.txt")),
)
"""The eleven files that a submission needs, no more and no less (check.py, power_check.py)."""

DOWNLOADS = (PTD_LOGS, RANGING_SPL, SERVER_JSON, SERVER_LOG, TESTING_SPL, PTD_OUT)
"""What a client fetches from the director, in the reference client's order."""

OUR_PLACE = {PTD_OUT: f"{OURS}/ptd_out.txt"}
"""Where a client keeps what it fetched and no submission holds."""


def may_be_fetched(name: str) -> bool:
    """Tell whether a client may have a file of the director."""
    return name in DOWNLOADS or name == ANALYZER_FILES or ANALYZER_FILE.fullmatch(name) is not None
