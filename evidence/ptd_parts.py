"""What each analyzer's daemon was told and said: server.json and ptd_logs.txt, which hold all of them one after the
other, split into one part for each analyzer."""

import re
from itertools import pairwise, takewhile
from typing import NamedTuple

from evidence.ptd_log import Message, PtdLog
from evidence.ptd_protocol import Identity, parse_identity
from evidence.ptd_ranges import Ranges, ranges_told
from evidence.session_json import SessionRecord
from metrology.errors import EvidenceError
from metrology.judgement import Judgement, judgement_of, parse_told

Messages = tuple[tuple[str, str], ...]
"""Commands to one daemon with their replies, `Identify` the first."""
_HEADING = re.compile(r"Analyzer \d{1,2}")


class AnalyzerPart(NamedTuple):
    """The part of one analyzer.

    Attributes:
        number: counted from 1.
        messages: what was said to its daemon, from `Identify` on.
        log: its daemon's log.
    """

    number: int
    messages: Messages
    log: PtdLog

    @property
    def identity(self) -> Identity:
        """What the analyzer and its daemon say of themselves."""
        return parse_identity(self.messages[0][1])

    def ranges(self, phase: str) -> Ranges:
        """Get the ranges in force when the run of a phase began.

        Raises:
            EvidenceError: the log does not show its start.
        """
        return ranges_in_force(self.log, start_of(self.log, phase).line)

    def told(self) -> Judgement | None:
        """Get how the daemon says that it judges; None where it says nothing, as SPEC's does not."""
        return next((told for message in self.log.messages if (told := parse_told(message.text))), None)

    def judgement(self, model: str | None = None) -> Judgement | None:
        """Get how readings are judged; None where the terms are not known.

        Args:
            model: "ptd" or "datasheet"; None for the daemon's own, which is "ptd" for SPEC's.
        """
        told, identity = self.told(), self.identity
        own = told.model if told else None if identity.is_wattrig else "ptd"
        found = judgement_of(model or own, identity.driver, identity.version, identity.model)
        if told is None or model not in (None, told.model):
            return found and found._replace(crest_factor=told.crest_factor if told else 3)
        if found is not None and found.accuracy == told.accuracy:
            return told._replace(source=found.source, unverified=found.unverified)
        return told._replace(source="the daemon's log, for a lab's own terms")


def split_by_analyzer(server: SessionRecord, log: PtdLog) -> list[AnalyzerPart]:
    """Split both records; one part at least.

    Raises:
        EvidenceError: there is no reply to `Identify`, or not one heading in the log for each of several analyzers.
    """
    said = _messages_of_each(server)
    logs = _logs_of_each(log, len(said))
    return [AnalyzerPart(number, *pair) for number, pair in enumerate(zip(said, logs, strict=True), 1)]


def _messages_of_each(server: SessionRecord) -> list[Messages]:
    places = [place for place, (command, _) in enumerate(server.ptd_messages) if command == "Identify"]
    if not places:
        raise EvidenceError(f"{server.file.name}: {server.error or 'there is no reply to Identify'}")
    return [server.ptd_messages[begin:end] for begin, end in pairwise([*places, len(server.ptd_messages)])]


def _logs_of_each(log: PtdLog, count: int) -> list[PtdLog]:
    """Split the log at the headings that the director writes above the part of each analyzer."""
    if count == 1:
        return [log]
    places = [place for place, message in enumerate(log.messages) if _HEADING.fullmatch(message.text)]
    if len(places) != count:
        raise EvidenceError(f"{log.file.name} has {len(places)} headings 'Analyzer N', expected {count}")
    pairs = pairwise([*places, len(log.messages)])
    return [log._replace(messages=log.messages[begin:end]) for begin, end in pairs]


def start_of(log: PtdLog, phase: str) -> Message:
    """Get where the last run of a phase begins in the log.

    Raises:
        EvidenceError: it does not.
    """
    found = [message for message, mark in log.goes() if mark.endswith(f"_{phase}")]
    if not found:
        raise EvidenceError(f"{log.file.name} has no start of the {phase} run")
    return found[-1]


def ranges_in_force(log: PtdLog, before_line: int) -> Ranges:
    """Get the ranges that an analyzer had at a line of its log."""
    return ranges_told(message.text for message in takewhile(lambda each: each.line < before_line, log.messages))
