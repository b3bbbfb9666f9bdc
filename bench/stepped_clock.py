"""Runs a program of ours with a clock that somebody else can step while it runs.

python stepped_clock.py FILE MODULE ARGUMENT...    MODULE has main(); FILE holds how far the clock is off, seconds

Only the wall clock is stepped, as by `date` or ntpdate; the monotonic one goes on evenly.
"""

import importlib
import sys
import time
from pathlib import Path


def step(file: Path) -> None:
    """Put the clock that is off in the place of the true one."""
    true_ns = time.time_ns

    def time_ns() -> int:
        return true_ns() + round(float(file.read_text()) * 1e9)

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


if __name__ == "__main__":
    step(Path(sys.argv[1]))
    sys.path[0] = str(Path(__file__).parent.parent)
    module, sys.argv = sys.argv[2], sys.argv[2:]
    sys.exit(importlib.import_module(module).main())
