"""Work shared out to processes, one for each core, in chunks; stopped at once when nobody waits for it any more."""

import contextlib
import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from metrology.errors import SessionError

_LARGEST_CHUNK = 8
"""Pieces of work given to a process at once; passing one alone costs as much as a tenth of checking a session."""
_KEPT_BYTES = 16 << 20
"""More than any array that a check needs of a session of hours."""

P = TypeVar("P")
T = TypeVar("T")


def shared_out(
    work: Callable[[Sequence[P]], list[T]], pieces: Sequence[P], processes: int
) -> Generator[T, None, None]:
    """Have pieces of work done in processes; get what each gave as soon as its chunk is done.

    Closing the iterator before its end stops the processes at once.

    Args:
        work: does several pieces; a function that pickle can take.
        pieces: what is to be done.
        processes: how many processes are to share it.

    Raises:
        SessionError: a process ended unexpectedly.
    """
    chunks = list(_chunks(pieces, processes))
    with _pool(min(processes, len(chunks))) as pool:
        pending = {pool.submit(work, chunk) for chunk in chunks}
        while pending:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                yield from _result(future)


def _chunks(pieces: Sequence[P], processes: int) -> Iterator[Sequence[P]]:
    """Cut work into chunks, smaller ones towards the end, so that no process waits long for the last of another."""
    start = 0
    while start < len(pieces):
        size = max(1, min(_LARGEST_CHUNK, (len(pieces) - start) // (4 * processes)))
        yield pieces[start : start + size]
        start += size


@contextlib.contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Have processes; on an early end they are stopped, not waited for."""
    fork = "fork" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork" if fork else "spawn")
    pool = ProcessPoolExecutor(processes, context, _begin)
    try:
        yield pool
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()


def _begin() -> None:
    """Leave interrupts to the parent, and end with it: a process that waits for work does not learn of its death."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What is checked makes many tuples and hardly a circle: looking for circles that often takes 7 % of the time.
    gc.set_threshold(100_000)
    # glibc keeps freed memory of sizes that were freed before; else each array comes anew from the system: 5 %.
    bytearray(_KEPT_BYTES)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _result(future: "Future[list[T]]") -> list[T]:
    try:
        return future.result()
    except BrokenProcessPool as problem:
        raise SessionError(
            "a process that checks sessions ended unexpectedly, perhaps for want of memory",
            "check again with --jobs 1; what was done is not done twice",
        ) from problem
