"""One session on the measured machine: agree on the time, run the workload, bring home the evidence.

The order of commands is the reference client's (protocol v3), with a burst of `time` wherever it sends one. While the
workload runs the client does nothing but wait.
"""

import asyncio
import contextlib
import json
from pathlib import Path
from uuid import UUID, uuid4

from evidence import state
from evidence.clock_record import write_clock
from evidence.digest import loaded_modules, source_sha1
from evidence.journal import Journal
from evidence.layout import CLIENT_JOURNAL, CLIENT_JSON, CLIENT_LOG, LOADGEN_FILES, OURS, PHASE_FOLDERS, POWER
from evidence.summary import Summary
from evidence.traffic_log import TrafficLog
from metrology.errors import PeerError, PeerRefusedError, SessionError, WattrigError
from sut_client.analyzer_files import fetch_analyzer_files
from sut_client.clocks import Clocks
from sut_client.connection import connect, note_connection
from sut_client.describe import record_system
from sut_client.download import fetch_all, wanted
from sut_client.events import (
    Finished,
    LogLine,
    Observe,
    SessionNamed,
    unobserved,
)
from sut_client.link import Link
from sut_client.options import Options, check_options, remove_old_logs
from sut_client.partial import keep_partial
from sut_client.phases import Phases
from sut_client.signing import sign_session
from wire.keys import KeyFolder
from wire.protocol import MAGIC_CLIENT, MAGIC_SERVER, SESSION_NAME

ROOMS = ("sut_client", "evidence", "wire", "metrology", "rules", "console")
"""The packages a client's process uses; their digests go into client.json."""
DONE_S = 120.0


async def run(options: Options, observe: Observe = unobserved) -> Path:
    """Run one session; get its folder. May be cancelled at any time: the workload is then ended.

    A session that fails keeps its folder, marked "aborted" with the reason and the phase.

    Raises:
        WattrigError: the session failed.
        asyncio.CancelledError: it was cancelled; the argument of `cancel`, if any, is the recorded reason.
    """
    check_options(options)
    return await Client(options, observe).run()


class Client:
    """One session; see `run`."""

    def __init__(self, options: Options, observe: Observe) -> None:
        self._options = options
        self._observe = observe
        self._log = TrafficLog("client", lambda line: observe(LogLine(line)), must_write=True)
        self._summary = Summary(ROOMS, client_uuid=uuid4())
        self._clocks = Clocks(options.ntp, self._log, observe)
        self._folder: Path | None = None
        self._journal: Journal | None = None
        self._phase = ""

    async def run(self) -> Path:
        """Run the session; whatever ends it, the connection is closed and the state recorded."""
        link, reason = None, ""
        try:
            link = Link(await connect(self._options), self._log, self._summary, lambda: connect(self._options))
            self._prepare_folders()
            return await self._measure(link)
        except asyncio.CancelledError as cancelled:
            reason = f"the client was ended by {cancelled.args[0] if cancelled.args else 'its caller'}"
            raise
        except OSError as problem:
            reason = str(problem)
            raise SessionError(
                f"the session's files cannot be written: {problem}", "check disk and rights"
            ) from problem
        except WattrigError as problem:
            reason = problem.message
            raise
        finally:
            if reason:
                self._abort(reason)
            self._log.close()
            if self._journal is not None:
                self._journal.close()
            if link is not None:
                await link.leave(reason)

    def _prepare_folders(self) -> None:
        if remove_old_logs(self._options):
            self._log.warning(f"Removing loadgen logs directory {str(self._options.loadgen_logs)!r}")
        if not self._options.output.exists():
            self._log.info(f"Creating output directory {str(self._options.output)!r}")
            self._options.output.mkdir(parents=True)

    async def _measure(self, link: Link) -> Path:
        await self._shake_hands(link)
        await self._clocks.check(link, "before new")
        folder, journal = await self._open_session(link)
        await self._run_phases(link, folder, journal)
        await self._finish(link, folder)
        return folder

    async def _shake_hands(self, link: Link) -> None:
        if (magic := await link.ask(MAGIC_CLIENT)) != MAGIC_SERVER:
            raise PeerRefusedError(f"got {magic[:80]!r} as the director's greeting, expected {MAGIC_SERVER!r}")
        await link.hello()
        if self._options.stop_server:
            await link.ask_ok("stop")

    async def _open_session(self, link: Link) -> tuple[Path, Journal]:
        reply = await link.ask(f"new,{self._options.label},{self._summary.client_uuid}")
        name, self._summary.server_uuid = parse_new(reply)
        self._summary.session_name = link.session = name
        self._log.info(f"Session id is {name!r}")
        sources = {"sources": source_sha1(ROOMS), "modules": loaded_modules(ROOMS)}
        self._log.info(f"Sources: {json.dumps(sources)}")
        folder = self._options.output / name if self._options.timestamp_path else self._options.output
        try:
            (folder / POWER).mkdir(parents=True)
            (folder / OURS).mkdir()
        except FileExistsError as problem:
            raise SessionError(f"there is a session in '{folder}' already", "give this one a --label") from problem
        self._folder = folder
        self._log.open(folder / CLIENT_LOG)
        self._journal = journal = Journal(folder / CLIENT_JOURNAL)
        self._summary.keep(journal.add)
        note_connection(folder, link.lines)
        self._observe(SessionNamed(name, folder))
        await asyncio.to_thread(record_system, folder)
        return folder, journal

    async def _run_phases(self, link: Link, folder: Path, journal: Journal) -> None:
        phases = Phases(self._options, self._observe, self._log, self._summary, self._clocks, journal)
        for phase in self._options.phases:
            self._phase = phase
            await phases.run(link, phase, folder)
        self._phase = ""

    async def _finish(self, link: Link, folder: Path) -> None:
        self._log.info("Done runs")
        self._log.close()
        link.stop_recording()
        await asyncio.to_thread(self._summary.save, folder / CLIENT_JSON, folder, self._hashed_files())
        write_clock(folder, self._clocks.record)
        await link.ask_ok(f"session,{self._summary.session_name},done", DONE_S)
        link.finish()
        self._summary.note("end", reason="")
        files = wanted(self._options.phases)
        self._log.info(f"Fetching files {', '.join(files)}")
        await fetch_all(link, folder, files)
        if link.given is not None:
            await self._fetch_analyzer_files(link, folder)
        state.mark(folder, "complete")
        await sign_session(link, folder, self._summary.session_name, KeyFolder(self._options.keys), self._log)
        await self._clean_up(link)
        self._observe(Finished(folder))

    async def _fetch_analyzer_files(self, link: Link, folder: Path) -> None:
        try:
            await fetch_analyzer_files(link, folder)
        except PeerError as problem:  # no part of a submission: the session is whole without
            self._log.warning(f"What the director has on each analyzer was not fetched: {problem.message}")

    def _hashed_files(self) -> tuple[str, ...]:
        folders = (PHASE_FOLDERS[phase] for phase in self._options.phases)
        return (CLIENT_LOG, *(f"{folder}/{name}" for folder in folders for name in LOADGEN_FILES))

    async def _clean_up(self, link: Link) -> None:
        try:
            await link.ask_ok(f"cleanup,{self._summary.session_name}")
        except PeerError as problem:  # the session is complete here; what the director keeps is its own affair
            self._log.warning(problem.message)

    def _abort(self, reason: str) -> None:
        """Record that the session ended early, as far as a failing disk lets us."""
        if self._folder is None or state_is_complete(self._folder):
            return
        with contextlib.suppress(OSError):
            self._log.error(reason)
        with contextlib.suppress(OSError):
            write_clock(self._folder, self._clocks.record)
        with contextlib.suppress(OSError):
            self._summary.note("end", reason=reason)
            keep_partial(self._folder, reason)
        with contextlib.suppress(OSError):
            state.mark(self._folder, "aborted", reason, self._phase)


def state_is_complete(folder: Path) -> bool:
    """Tell whether a session was completed before something else went wrong."""
    found = state.read_state(folder)
    return found is not None and found.state == "complete"


def parse_new(reply: str) -> tuple[str, UUID]:
    """Read the reply to `new`: the session's name, which is about to name a folder, and the director's UUID.

    Raises:
        PeerRefusedError: the director opens no session.
        PeerError: the reply is no such pair.
    """
    if not reply.startswith("OK "):
        raise PeerRefusedError(f"the director opens no session: {reply[:200]!r}", "look into the director's log")
    name, _, server_uuid = reply.removeprefix("OK ").partition(",")
    if SESSION_NAME.fullmatch(name) is None:
        raise PeerError(
            f"got {name[:80]!r} from the director as the session's name, expected YYYY-MM-DD_hh-mm-ss[_label]",
            "nothing was written; find out who answers at this address",
        )
    try:
        return name, UUID(server_uuid)
    except ValueError as problem:
        raise PeerError(f"got {server_uuid[:80]!r} from the director as its UUID") from problem
