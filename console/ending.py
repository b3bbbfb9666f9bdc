"""Commands that an operator may end by a signal: in order, with nothing left running."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

import click

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AT_ONCE = (
    "wattrig: ended at once by a second {}; nothing that was kept is lost, and the next start of the director "
    "closes the session and sets the analyzer's ranges back"
)

T = TypeVar("T")


def run_session(session: Coroutine[Any, Any, T]) -> T:
    """Run a session to its end and get what it returns.

    The first signal that asks for an end cancels it; the process then ends with 128 and the signal's number, as a
    shell has it, once everything is put in order. A second one ends the process at once: the workload's guard ends
    the workload, the journal has been kept all along, and the analyzer's ranges are set back at the next start.
    """
    outcome = asyncio.run(_until_signal(session))
    if isinstance(outcome, signal.Signals):
        click.echo(f"wattrig: ended by {outcome.name}; the session is kept, marked as aborted", err=True)
        sys.exit(128 + outcome)
    return outcome


def end_at_once(number: signal.Signals) -> NoReturn:
    """End the process where an operator asked a second time, with the status that a shell gives for the signal."""
    click.echo(AT_ONCE.format(number.name), err=True)
    os._exit(128 + number)


async def _until_signal(session: Coroutine[Any, Any, T]) -> T | signal.Signals:
    task = asyncio.ensure_future(session)
    caught: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        if caught:
            end_at_once(number)
        caught.append(number)
        task.cancel(number.name)

    for number in ENDING_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    try:
        return await task
    except asyncio.CancelledError:
        if not caught:
            raise
        return caught[0]
