"""Our own commands, run by processes of low priority, which make way as soon as a session is measured."""

import asyncio
import contextlib
import shutil
import sys
from collections.abc import AsyncIterator, Callable

PATIENCE_S = 300.0
"""Longest time for a command."""
LARGEST_ANSWER = 64 << 20
POLL_S = 0.25
NICE = 10
"""A tenth of the processor where others want it; at 19 a verdict took minutes on a machine with much else to do."""
CODE = "import sys; from console.main import main; sys.exit(main())"


async def run_aside(*arguments: str, must_end: Callable[[], bool]) -> bytes | None:
    """Run a command of ours, and get what it prints; None where it failed, took too long or had to make way.

    Args:
        arguments: the command line after `wattrig`.
        must_end: tells whether it has to make way now.
    """
    async with _gently(*arguments) as process:
        reading = asyncio.ensure_future(_output(process))
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not reading.done():
                    if must_end():
                        return None
                    await asyncio.wait([reading], timeout=POLL_S)
        except TimeoutError:
            return None
        finally:
            reading.cancel()
        return reading.result() if process.returncode in (0, 1) else None


@contextlib.asynccontextmanager
async def _gently(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command of ours with low priority; it ends with the context."""
    nice = ["nice", "-n", str(NICE)] if shutil.which("nice") else []
    process = await asyncio.create_subprocess_exec(
        *nice, sys.executable, "-c", CODE, *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _output(process: asyncio.subprocess.Process) -> bytes:
    content = b""
    while process.stdout and (block := await process.stdout.read(1 << 16)) and len(content) < LARGEST_ANSWER:
        content += block
    await process.wait()
    return content
