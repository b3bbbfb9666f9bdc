"""Several analyzers at once."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def all_of(works: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Do something with all analyzers at once; the first failure is raised when none is at work any more."""
    done = await asyncio.gather(*works, return_exceptions=True)
    for found in done:
        if isinstance(found, BaseException):
            raise found
    return [found for found in done if not isinstance(found, BaseException)]


async def to_the_end(work: Coroutine[Any, Any, None]) -> None:
    """Do work that must not stop halfway, such as giving an analyzer back; a cancellation waits until it is done."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
