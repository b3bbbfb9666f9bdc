"""The reference's check of ptd_logs.txt: errors and warnings, and what it makes of them."""

import re

import numpy as np

from compliance.checks.reference_phases import load_window
from compliance.checks.reference_result import Failed, Warned, readable
from compliance.facts import SessionFacts
from evidence.columns import Mask
from evidence.ptd_log import Message, PtdLog
from evidence.ptd_wording import Wording
from metrology.errors import EvidenceError
from rules.documents import ReferenceRules, RoundRules

_NEVER = 1 << 63
_UNCERTAINTY_ON = re.compile(r"Uncertainty checking for Yokogawa\S+ is activated")
_ABOVE_LIMIT = re.compile(r"Uncertainty \d+\.\d+%, which is above 1\.00% limit for the last sample!")
"""The wording of PTDaemon 1.11 for one channel; the reference knows no other."""


def judge_ptd_log(facts: SessionFacts, rules: RoundRules) -> str:
    """Find the first error or warning that the reference does not pass over.

    Raises:
        Failed, Warned: what it makes of it.
        EvidenceError: it ends in an exception.
    """
    log = facts.ptd_log()
    window = load_window(facts, "testing")
    readable(log.file)
    begin, end = _ranging(log, str(facts.record("server").raw["session_name"]))
    zone_ns = _zones_ns(facts, rules.reference)
    shrink_ns = int(rules.reference.log_window_shrink_s * 1e9)
    loading = log.where(window.begin_ns + zone_ns + shrink_ns, window.end_ns + zone_ns - shrink_ns)
    ranging = log.where(begin.t_utc_ns or 0, end.t_utc_ns or 0)
    first = _first(_matters(log, rules.reference, ranging, loading))
    if first is None:
        return ""
    _end(log, first, bool(ranging[first]), rules.reference)
    return ""


def _ranging(log: PtdLog, session: str) -> tuple[Message, Message]:
    """Get start and end of ranging; the check of uncertainty must have been switched on before."""
    begin = next((message for message, mark in log.goes() if mark == f"{session}_ranging"), None)
    if begin is None:
        raise Failed(f"{log.file.name} has no 'Go with mark '{session}_ranging''")
    later = (message for message in log.messages if message.line > begin.line)
    end = next((message for message in later if message.text == "Completed test" and message.t_utc_ns), None)
    if end is None:
        raise Failed(f"{log.file.name} has no 'Completed test' after the start of ranging")
    switched_on = next((message for message in log.messages if _UNCERTAINTY_ON.search(message.text)), None)
    if switched_on is None or (switched_on.t_utc_ns or _NEVER) >= (begin.t_utc_ns or 0):
        raise Failed("PTDaemon did not switch on its check of uncertainty before ranging")
    return begin, end


def _zones_ns(facts: SessionFacts, rules: ReferenceRules) -> int:
    """Get what the load window is shifted by against the log: the two zones, which until 2023 were added to each."""
    if rules.log_times == "utc":
        return 0
    client, server = facts.record("client").raw["timezone"], facts.record("server").raw["timezone"]
    return int((client - server) * 1e9)


def _said(wording: Wording) -> str:
    """Get what an error says, without the word itself."""
    return wording.text.partition(":")[2].strip()


def _says(log: PtdLog, starts: tuple[str, ...]) -> Mask:
    return log.of(code for code, entry in enumerate(log.wordings) if _said(entry).startswith(starts))


def _matters(log: PtdLog, rules: ReferenceRules, ranging: Mask, loading: Mask) -> Mask:
    """Tell which errors and warnings the reference does not pass over in silence."""
    errors = log.of(code for code, entry in enumerate(log.wordings) if entry.is_error)
    silent = ranging & _says(log, rules.ranging_errors)
    # A line that does not begin with its time ends the reference's scan by an exception.
    matters: Mask = ~log.at_start | (errors & ~silent) | (~errors & loading)
    return matters


def _first(matters: Mask) -> int | None:
    found = np.flatnonzero(matters)
    return int(found[0]) if len(found) else None


def _end(log: PtdLog, index: int, while_ranging: bool, rules: ReferenceRules) -> None:
    entry = log.wordings[int(log.codes[index])]
    told = f"{log.file.name}:{int(log.lines[index])}: '{entry.text[:160]}'"
    if not log.at_start[index]:
        raise EvidenceError(f"{told} does not begin with a time")
    if not entry.is_error:
        if rules.uncertainty_above_fails and _ABOVE_LIMIT.search(entry.text):
            raise Failed(f"{told} within the load window")
        raise Warned(f"{told} within the load window; what comes after was not looked at")
    if while_ranging:
        raise Warned(f"{told} while ranging; what comes after was not looked at")
    if _said(entry) in rules.accepted_errors:
        raise Warned(f"{told} is accepted; what comes after was not looked at")
    raise Failed(f"{told} outside ranging")
