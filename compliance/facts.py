"""The facts of one session, gathered once: every file is read in one pass, and judging looks at nothing else.

A reader never raises for what it finds; what cannot be read is a fact too. The methods `record`, `power_log`,
`ptd_log`, `loadgen` and `window` raise `MissingFactError` where the file they need is not there or tells nothing, so
that a rule that needs it is `not_evaluated` without further ado.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

from compliance.findings import MissingFactError
from evidence.attempts import read_attempts
from evidence.layout import CLIENT_JSON, CLIENT_LOG, OURS, PHASE_FOLDERS, PTD_LOGS, SERVER_JSON, SERVER_LOG
from evidence.loadgen_columns import find_places
from evidence.loadgen_log import DetailLog, Window, parse_summary, scan_detail
from evidence.power_log import read_power_log
from evidence.power_samples import PowerLog
from evidence.ptd_log import PtdLog, read_ptd_log
from evidence.ptd_protocol import Identity, parse_identity
from evidence.session import SessionFolder
from evidence.session_json import SessionRecord, read_session_json
from evidence.session_log import SessionLog, read_session_log
from evidence.source import FileFacts, Source, read_bytes
from evidence.state import State, read_state
from metrology.errors import EvidenceError

Phase = Literal["ranging", "testing"]
Side = Literal["client", "server"]
PHASES: tuple[Phase, ...] = ("ranging", "testing")
LARGEST_SUMMARY = 1 << 20
T = TypeVar("T")


class LoadgenFacts(NamedTuple):
    """LoadGen's logs of one run: the two files, what they say, and the summary's `label : value` lines."""

    detail_file: FileFacts
    detail: DetailLog
    summary_file: FileFacts
    summary: dict[str, str]


@dataclass(frozen=True, eq=False)
class SessionFacts:
    """All that is known of one session; equal to itself alone, so that what is worked out of it can be kept.

    Attributes:
        folder: where it lies, with the list of its files.
        client, server: client.json and server.json.
        client_log, server_log: their logs of traffic.
        ptd: ptd_logs.txt.
        power_logs: spl.txt by phase.
        loadgen_logs: LoadGen's logs by phase.
        state: how the session ended, as wattrig records it; None for sessions of others.
        state_error: why that record cannot be read; empty where it can, or is not there.
        attempts: why each testing run that was repeated failed, as wattrig's client records it.
    """

    folder: SessionFolder
    client: SessionRecord
    server: SessionRecord
    client_log: SessionLog
    server_log: SessionLog
    ptd: PtdLog
    power_logs: dict[Phase, PowerLog]
    loadgen_logs: dict[Phase, LoadgenFacts]
    state: State | None = None
    state_error: str = ""
    attempts: tuple[str, ...] = ()

    def files(self) -> dict[str, FileFacts]:
        """Get what is known of each of the eleven files of a submission, by path below the session."""
        found = [self.client.file, self.server.file, self.client_log.file, self.server_log.file, self.ptd.file]
        for phase in PHASES:
            logs = self.loadgen_logs[phase]
            found += [self.power_logs[phase].file, logs.detail_file, logs.summary_file]
        return {file.name: file for file in found}

    def record(self, side: Side) -> SessionRecord:
        """Get client.json or server.json.

        Raises:
            MissingFactError: it holds no JSON object.
        """
        record = self.client if side == "client" else self.server
        if not record.parsed:
            raise MissingFactError(f"{record.file.name}: {record.error}")
        return record

    def ptd_log(self) -> PtdLog:
        """Get ptd_logs.txt.

        Raises:
            MissingFactError: it was not read.
        """
        return self._read(self.ptd, self.ptd.file)

    def power_log(self, phase: Phase) -> PowerLog:
        """Get spl.txt of a phase.

        Raises:
            MissingFactError: it was not read.
        """
        return self._read(self.power_logs[phase], self.power_logs[phase].file)

    def loadgen(self, phase: Phase) -> DetailLog:
        """Get mlperf_log_detail.txt of a phase.

        Raises:
            MissingFactError: it was not read.
        """
        return self._read(self.loadgen_logs[phase].detail, self.loadgen_logs[phase].detail_file)

    def window(self, phase: Phase) -> Window:
        """Get the power window of a phase, the first one.

        Raises:
            MissingFactError: LoadGen's log was not read, or has no pair of power_begin and power_end.
        """
        windows = self.loadgen(phase).windows
        if not windows:
            name = self.loadgen_logs[phase].detail_file.name
            raise MissingFactError(f"{name} has no pair of power_begin and power_end")
        return windows[0]

    def identity(self) -> Identity:
        """Get what the (first) analyzer and its daemon say of themselves.

        Raises:
            MissingFactError: server.json holds no reply to `Identify`.
        """
        reply = self.record("server").ptd_reply("Identify")
        if reply is None:
            raise MissingFactError(f"{self.server.file.name} holds no reply to 'Identify'")
        return parse_identity(reply)

    @staticmethod
    def _read(value: T, file: FileFacts) -> T:
        if not file.was_read:
            raise MissingFactError(f"{file.name}: {file.reason}")
        return value


def gather(folder: SessionFolder) -> SessionFacts:
    """Read every file of a session once."""
    root, within = folder.root, folder.within
    state, state_error = _state(root)
    return SessionFacts(
        folder,
        read_session_json(root / CLIENT_JSON, CLIENT_JSON, within),
        read_session_json(root / SERVER_JSON, SERVER_JSON, within),
        read_session_log(root / CLIENT_LOG, CLIENT_LOG, within),
        read_session_log(root / SERVER_LOG, SERVER_LOG, within),
        read_ptd_log(root / PTD_LOGS, PTD_LOGS, within),
        {phase: _power_log(root, within, phase) for phase in PHASES},
        {phase: _loadgen(root, within, phase) for phase in PHASES},
        state,
        state_error,
        read_attempts(root),
    )


def _power_log(root: Path, within: Path, phase: Phase) -> PowerLog:
    name = f"{PHASE_FOLDERS[phase]}/spl.txt"
    return read_power_log(root / name, name, within)


def _loadgen(root: Path, within: Path, phase: Phase) -> LoadgenFacts:
    name = f"{PHASE_FOLDERS[phase]}/mlperf_log_detail.txt"
    with Source(root / name, name, within) as source:
        detail = scan_detail(source, root / name, find_places)
        detail_file = source.facts()
    name = f"{PHASE_FOLDERS[phase]}/mlperf_log_summary.txt"
    content, summary_file = read_bytes(root / name, name, LARGEST_SUMMARY, within)
    return LoadgenFacts(detail_file, detail, summary_file, parse_summary(content))


def _state(root: Path) -> tuple[State | None, str]:
    if not (root / OURS / "state.json").is_file():
        return None, ""
    try:
        return read_state(root), ""
    except EvidenceError as problem:
        return None, problem.message
