"""Daemons that outlived their director: told from all other processes by what they were started with, and ended.

Each daemon has the folder of its files in its environment. That holds from the moment it exists, which no noted
process number does, and of nobody else, such as whoever reads its log: a command line may name the same files.
"""

import contextlib
import os
import select
import signal
import time
from pathlib import Path

VARIABLE = "WATTRIG_DAEMON_FOLDER"
END_S = 5.0


def marked(folder: Path) -> dict[str, str]:
    """Get what the environment of a daemon must hold whose files go to a folder."""
    return {VARIABLE: str(folder.resolve())}


def end_daemons(folder: Path) -> None:
    """End the daemons whose files go to a folder: asked to, and killed where they do not within `END_S`."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.ExitStack() as stack:
            ending = []
            for pid in _running(folder):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    ending.append(os.pidfd_open(pid))
                    stack.callback(os.close, ending[-1])
                    signal.pidfd_send_signal(ending[-1], number)
            _wait_for_end(ending)


def _wait_for_end(processes: list[int]) -> None:
    """Wait up to `END_S` until processes have ended, by their pidfds.

    One that is ending has no environment any more but still holds its port; its pidfd tells when it has let go.
    """
    deadline_s = time.monotonic() + END_S
    while processes and (left_s := deadline_s - time.monotonic()) > 0:
        ended, _, _ = select.select(processes, [], [], left_s)
        processes = [process for process in processes if process not in ended]


def _running(folder: Path) -> list[int]:
    """Find the processes that are marked so; zombies have no environment any more, that of others cannot be read."""
    ((name, value),) = marked(folder).items()
    wanted = os.fsencode(f"{name}={value}")
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if wanted in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found
