"""Groups of processes, as the guard makes one for each workload."""

import os
import time

PATIENCE_S = 10.0


def is_gone(group: int) -> bool:
    """Wait until no process of the group is left."""
    give_up_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_s:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False
