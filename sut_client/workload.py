"""The operator's workload: a shell command in a process group of its own, watched together with the director."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metrology.errors import PeerGoneError, WorkloadError
from sut_client import guard

PHASE_VARIABLE = "WATTRIG_PHASE"
GRACE_S = 5.0
"""How long a workload may take to end after SIGTERM before SIGKILL ends it."""
POLL_S = 0.05
LAST_LINES, LAST_BYTES = 5, 4096


@dataclass(frozen=True, slots=True)
class Run:
    """When a workload was started and had ended, UTC nanoseconds."""

    started_ns: int
    ended_ns: int


async def run_workload(
    command: str,
    phase: str,
    output: Path,
    lost: Coroutine[Any, Any, str],
    started: Callable[[int], None],
    limit_s: float | None = None,
) -> Run:
    """Run the workload to its end; while it runs, nothing is done but waiting for it and for the director's end.

    Whatever ends the wait early ends the workload and all processes of its group: SIGTERM, then SIGKILL. Where this
    process itself is killed, the workload's guard does it (`sut_client.guard`).

    Args:
        command: for the shell.
        phase: passed on as WATTRIG_PHASE.
        output: file for its standard output and error; nobody copies them while it is measured.
        lost: ends, with the reason, when the director has ended the session.
        started: called with the process id, which is the group's.
        limit_s: how long it may take, seconds; None for ever.

    Raises:
        WorkloadError: it ended with another status than 0, or not in time; quotes its last lines.
        PeerGoneError: the director ended the session meanwhile; gives its reason.
    """
    leaving = asyncio.ensure_future(lost)
    try:
        process, started_ns = await _start(command, phase, output)
    except BaseException:
        leaving.cancel()
        raise
    started(process.pid)
    ending = asyncio.ensure_future(process.wait())
    try:
        await asyncio.wait([ending, leaving], timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        ended_ns = time.time_ns()
        _check_ended(ending, leaving, phase, limit_s)
    finally:
        leaving.cancel()
        if not ending.done() or ending.result() < 0:  # where the guard itself was killed, the workload lives on
            await end_group(process.pid)
        await asyncio.gather(ending, leaving, return_exceptions=True)
    _check_status(ending.result(), command, phase, output)
    return Run(started_ns, ended_ns)


def _check_ended(
    ending: asyncio.Future[int], leaving: asyncio.Future[str], phase: str, limit_s: float | None
) -> None:
    if ending.done():
        return
    if leaving.done():
        reason = leaving.result() or "the connection was closed"
        raise PeerGoneError(
            f"the director ended the session in the {phase} phase: {reason}; the workload was stopped",
            "look into the director's log",
        )
    raise WorkloadError(
        f"the workload of the {phase} phase did not end within its time limit of {limit_s:g} s and was stopped",
        "give it longer with --time-limit, or find out where it hangs",
    )


async def _start(command: str, phase: str, output: Path) -> tuple[asyncio.subprocess.Process, int]:
    with output.open("wb") as file:
        started_ns = time.time_ns()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", guard.__file__, str(GRACE_S), command),
            stdin=asyncio.subprocess.PIPE,
            stdout=file,
            stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, PHASE_VARIABLE: phase},
            start_new_session=True,
        )
    return process, started_ns


async def end_group(group: int) -> None:
    """End a process group: SIGTERM, and SIGKILL for what is left after `GRACE_S` or when the wait is broken off.

    Processes of another user (a workload under sudo) cannot be ended and are left.
    """
    try:
        give_up_s = time.monotonic() + GRACE_S
        os.killpg(group, signal.SIGTERM)
        while time.monotonic() < give_up_s:
            await asyncio.sleep(POLL_S)
            os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return
    finally:
        _kill(group)


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _check_status(status: int, command: str, phase: str, output: Path) -> None:
    if status == 0:
        return
    how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with exit status {status}"
    quoted = "".join(f"\n  | {line}" for line in last_lines(output))
    raise WorkloadError(
        f"the workload of the {phase} phase {how}: {command}{quoted}",
        f"run the command by itself until it ends with 0; all its output is in '{output}'",
    )


def last_lines(path: Path) -> list[str]:
    """Read the last lines of a file, for a message; bytes that are no UTF-8 become U+FFFD."""
    with path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - LAST_BYTES))
        text = file.read(LAST_BYTES).decode(errors="replace")
    return ["".join(c if c.isprintable() else " " for c in line) for line in text.splitlines()[-LAST_LINES:]]
