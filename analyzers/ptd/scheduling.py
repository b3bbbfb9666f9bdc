"""Which of the daemon's threads may take a processor from others; only Linux knows the difference (sched(7)).

A director that sends Go to many meters wakes a daemon with each. One that takes the director's processor at once
keeps the rest of the meters waiting: on two processors and with 64 meters it took the director 5 ms in the middle of
ten times and 16 ms at most to send one Go to all; since daemons give way, 2 ms and 4 ms.
"""

import os
from contextlib import suppress


def give_way() -> None:
    """Have this thread wait for a processor that is free: it answers questions, which are in no hurry."""
    _set("SCHED_BATCH")


def be_prompt() -> None:
    """Have this thread run as soon as it is woken: it stamps samples. A new thread is as the one that started it."""
    _set("SCHED_OTHER")


def _set(policy: str) -> None:
    if hasattr(os, "sched_setscheduler"):
        with suppress(OSError):  # a container may forbid it, and all works without
            os.sched_setscheduler(0, getattr(os, policy), os.sched_param(0))
