"""Work shared out to processes, one for each core, in chunks; stopped at once when nobody waits for it any more.

Each process has a pipe of its own. Those of concurrent.futures share one for their results, so that one killed while
it writes leaves half a result in it, for whose other half the executor then waits for ever.
"""

import contextlib
import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

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
        Exception: what `work` raised.
    """
    chunks = list(_chunks(pieces, processes))
    rest = iter(chunks)
    with _started(work, min(processes, len(chunks))) as busy:
        for pipe in busy:
            _send(pipe, next(rest))
        while busy:
            ready = wait(busy)
            for pipe in [each for each in busy if each in ready]:
                done = _received(pipe)
                chunk = next(rest, None)
                if chunk is None:
                    busy.remove(pipe)
                else:
                    _send(pipe, chunk)
                yield from done


def _chunks(pieces: Sequence[P], processes: int) -> Iterator[Sequence[P]]:
    """Cut work into chunks, smaller ones towards the end, so that no process waits long for the last of another."""
    start = 0
    while start < len(pieces):
        size = max(1, min(_LARGEST_CHUNK, (len(pieces) - start) // (4 * processes)))
        yield pieces[start : start + size]
        start += size


@contextlib.contextmanager
def _started(work: Callable[[Sequence[P]], list[T]], processes: int) -> Iterator[list[Connection]]:
    """Have processes that wait for work, each at the end of a pipe; they are stopped, not waited for."""
    fork = "fork" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("fork") if fork else multiprocessing.get_context("spawn")
    with contextlib.ExitStack() as stack:
        pipes = []
        for _ in range(processes):
            ours, theirs = context.Pipe()
            stack.callback(ours.close)
            process = context.Process(target=_serve, args=(work, theirs), daemon=True)
            process.start()
            stack.callback(process.join)
            stack.callback(process.kill)
            theirs.close()
            pipes.append(ours)
        yield pipes


def _serve(work: Callable[[Sequence[P]], list[T]], pipe: Connection) -> None:
    """Do what comes through a pipe, until killed."""
    _begin()
    while True:
        chunk = pipe.recv()
        done: list[T] | Exception
        try:
            done = work(chunk)
        except Exception as problem:  # noqa: BLE001 It is raised where the work is asked for.
            done = problem
        pipe.send(done)


def _send(pipe: Connection, chunk: Sequence[Any]) -> None:
    with _alive():
        pipe.send(chunk)


def _received(pipe: Connection) -> list[Any]:
    with _alive():
        done: list[Any] | Exception = pipe.recv()
    if isinstance(done, Exception):
        raise done
    return done


@contextlib.contextmanager
def _alive() -> Iterator[None]:
    """Tell of a process that is gone."""
    try:
        yield
    except (EOFError, OSError) as problem:
        raise SessionError(
            "a process that checks sessions ended unexpectedly, perhaps for want of memory",
            "check again with --jobs 1; what was done is not done twice",
        ) from problem


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
