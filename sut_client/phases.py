"""The phases of a session: the director measures, the workload runs, and what LoadGen left is taken in."""

import asyncio
from pathlib import Path

from evidence.journal import Journal
from evidence.layout import OURS, PHASE_FOLDERS
from evidence.summary import Summary
from evidence.traffic_log import TrafficLog
from metrology.errors import SessionError, WorkloadError
from sut_client.clocks import Clocks
from sut_client.events import Observe, PhaseEnded, PhaseStarted, WorkloadStarted
from sut_client.link import START_S, STOP_S, Link
from sut_client.options import Options
from sut_client.repeat import set_aside
from sut_client.results import Result, check_result, copy_result, find_result, write_results
from sut_client.workload import Run, run_workload
from wire.clock_report import clock_line
from wire.comeback import REPEAT


class Phases:
    """The phases of one session.

    Args:
        options: what to run.
        observe: gets the events.
        log: client.log.
        summary: the record for client.json, which names the session.
        clocks: the record of the exchanges of time.
        journal: the client's journal; what it cannot keep ends the session.

    Attributes:
        results: what LoadGen left of each phase that was measured.
    """

    def __init__(
        self, options: Options, observe: Observe, log: TrafficLog, summary: Summary, clocks: Clocks, journal: Journal
    ) -> None:
        self.results: dict[str, Result] = {}
        self._options = options
        self._observe = observe
        self._log = log
        self._summary = summary
        self._clocks = clocks
        self._journal = journal

    async def run(self, link: Link, phase: str, folder: Path) -> None:
        """Run a phase; a testing run whose workload fails is repeated as often as operator and director allow.

        Raises:
            WattrigError: it failed for good.
            OSError: its files cannot be written.
        """
        allowed = self._options.testing_attempts if phase == "testing" and link.given else 1
        for attempt in range(1, allowed):
            try:
                return await self._run_phase(link, phase, folder)
            except WorkloadError as problem:
                self._log.warning(f"Testing run {attempt} of at most {allowed} failed: {problem.message}")
                await link.regain()
                await link.ask_ok(REPEAT, STOP_S)
                self._summary.forget(phase)
                self.results.pop(phase, None)
                set_aside(folder, attempt, problem.message)
        return await self._run_phase(link, phase, folder)

    async def _run_phase(self, link: Link, phase: str, folder: Path) -> None:
        command = f"session,{self._summary.session_name}"
        ranges = "".join(f",{value}" for value in self._options.fixed_ranges or ())
        self._log.info(f"Running workload in {phase} mode")
        self._observe(PhaseStarted(phase))
        await self._clocks.check(link, f"before {phase}")
        await self._tell_clock(link)
        self._summary.stamp(phase)
        await link.ask_ok(f"{command},start,{phase}{ranges}", START_S)
        self._summary.stamp(phase)
        await self._clocks.measure(link, f"{phase} started")
        run = await self._run_workload(link, phase, folder)
        await self._clocks.measure(link, f"{phase} ended")
        self._summary.stamp(phase)
        await link.ask_ok(f"{command},stop,{phase}", STOP_S)
        self._summary.stamp(phase)
        await self._clocks.measure(link, f"{phase} stopped")
        await self._take_result(phase, run, folder)

    async def _tell_clock(self, link: Link) -> None:
        """Tell a director of ours, for who watches it, how far apart the clocks are."""
        if link.given is not None and (best := self._clocks.record.best) is not None:
            await link.ask(clock_line(best.offset_ns / 1e6, best.uncertainty_ns / 1e6))

    async def _run_workload(self, link: Link, phase: str, folder: Path) -> Run:
        command, output = self._options.workload, folder / OURS / f"workload_{phase}.log"
        self._log.info(f"Running the workload {command!r}")

        def started(pid: int) -> None:
            self._summary.note("workload", phase=phase, pid=pid)
            self._observe(WorkloadStarted(phase, pid, output))

        run = await run_workload(command, phase, output, link.lost(), started, self._options.time_limit_s)
        self._summary.note("workload ended", phase=phase, started_ns=run.started_ns, ended_ns=run.ended_ns)
        await link.regain()
        if self._journal.problem:
            raise SessionError(self._journal.problem, "make room on the disk")
        return run

    async def _take_result(self, phase: str, run: Run, folder: Path) -> None:
        result = await asyncio.to_thread(find_result, self._options.loadgen_logs, phase, run)
        target = folder / PHASE_FOLDERS[phase]
        self._log.info(f"Copying loadgen logs from {str(result.folder)!r} to {str(target)!r}")
        await asyncio.to_thread(copy_result, result, target)
        check_result(result, phase)
        self.results[phase] = result
        write_results(folder, self.results)
        self._observe(PhaseEnded(phase, result.window_s))
