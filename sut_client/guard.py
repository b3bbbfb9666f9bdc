"""Runs the workload's command in its own process group, and ends that group when the client is no more.

    python -I -S guard.py GRACE_S COMMAND       standard input: a pipe whose other end the client alone holds

However the client ends, also by `kill -9`, the system closes its end of the pipe. While the workload runs both
threads of the guard sleep in the kernel. Its exit status is the command's.
"""

import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path

POLL_S = 0.05
ending = threading.Event()


def end_with_client(grace_s: float) -> None:
    """Wait for the end of the client, then end the group: SIGTERM, and SIGKILL after `grace_s`."""
    while os.read(0, 1):
        pass
    ending.set()
    os.killpg(0, signal.SIGTERM)
    give_up_s = time.monotonic() + grace_s
    while others_run() and time.monotonic() < give_up_s:
        time.sleep(POLL_S)
    os.killpg(0, signal.SIGKILL)


def others_run() -> bool:
    """Tell whether others than the guard are in its group; where the system does not tell, they may be."""
    try:
        stats = [Path(entry.path, "stat") for entry in os.scandir("/proc") if entry.name.isdecimal()]
    except OSError:
        return True
    return any(_is_other(stat) for stat in stats)


def _is_other(stat: Path) -> bool:
    try:
        # The name, in brackets, may hold anything; the fields after it are state, parent and group.
        state, _, group = stat.read_bytes().rpartition(b")")[2].split()[:3]
    except (OSError, ValueError):
        return False
    return int(group) == os.getpgrp() and state != b"Z" and stat.parent.name != str(os.getpid())


def leave(status: int) -> None:
    """End as the command ended: with its exit status, or by the same signal (without a core of our own)."""
    if status >= 0:
        os._exit(status)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if -status not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)


def main() -> None:
    """Run the command and guard it."""
    grace_s, command = float(sys.argv[1]), sys.argv[2]
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # they are meant for the command, whose end is waited for
    no_input = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    child = os.posix_spawn("/bin/sh", ["/bin/sh", "-c", command], os.environ, file_actions=[no_input])
    watching = threading.Thread(target=end_with_client, args=(grace_s,), daemon=True)
    watching.start()
    _, status = os.waitpid(child, 0)
    if ending.is_set():
        watching.join()
    leave(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
