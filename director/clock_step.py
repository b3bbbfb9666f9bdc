"""Setting this machine's clock at a client's wish, where the station allows that."""

import asyncio
import os

CLOCK_STEP_S = 30.0
"""Longest time for ntpdate, seconds; it takes about one."""


async def step_clock(ntp_server: str) -> bool:
    """Set this machine's clock from an NTP server, as the reference does; tell whether it worked."""
    command = ["ntpdate", "-b", "--", ntp_server]
    if os.geteuid() != 0:
        command = ["sudo", "-n", *command]
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
    try:
        return await asyncio.wait_for(process.wait(), CLOCK_STEP_S) == 0
    except TimeoutError:
        process.kill()
        return False
