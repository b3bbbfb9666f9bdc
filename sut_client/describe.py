"""Describe the measured machine: processors, memory, disks, network, supplies, firmware, power management.

All is read from /proc, /sys, the firmware's table and NVML, in some milliseconds, before anything is measured. What
cannot be found out is recorded as unknown, with the reason.
"""

import os
from itertools import chain
from pathlib import Path

from evidence.system_facts import SYSTEM_JSON, Fact, write_facts
from sut_client.linux_facts import (
    Linux,
    cpu_facts,
    disk_facts,
    firmware_facts,
    memory_facts,
    nic_facts,
    power_cap_facts,
    power_supply_facts,
    system_facts,
)
from sut_client.nvml_facts import gpu_facts


def describe(root: Path = Path("/"), *, gpus: bool = True) -> dict[str, Fact]:
    """Get the facts of the machine whose /proc and /sys lie below `root`; `gpus` asks NVML, too."""
    linux = Linux(root)
    found = dict(
        chain(
            system_facts(linux),
            firmware_facts(linux),
            cpu_facts(linux),
            memory_facts(linux),
            disk_facts(linux),
            nic_facts(linux),
            power_supply_facts(linux),
            power_cap_facts(linux),
            gpu_facts() if gpus else (),
        )
    )
    found["read_as_root"] = Fact(hasattr(os, "geteuid") and os.geteuid() == 0, "the process")
    return found


def record_system(session: Path) -> None:
    """Write `wattrig/system.json` of a session.

    Raises:
        OSError: the file cannot be written.
    """
    write_facts(session / SYSTEM_JSON, describe())
