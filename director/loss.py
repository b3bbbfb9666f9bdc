"""Why an analyzer is gone, told where it is noticed in the middle of a question."""

import contextlib
from collections.abc import AsyncIterator, Sequence

from director.analyzer import Analyzer
from metrology.errors import PeerGoneError


@contextlib.asynccontextmanager
async def explained(analyzers: Sequence[Analyzer]) -> AsyncIterator[None]:
    """Have a daemon that goes away while it is asked quoted with its last words.

    Raises:
        PeerGoneError: what was raised inside, with the words of the first daemon that is gone.
    """
    try:
        yield
    except PeerGoneError as problem:
        gone = next((analyzer for analyzer in analyzers if analyzer.is_gone), None)
        if gone is None:
            raise
        raise PeerGoneError(f"{problem.message}; {await gone.lost()}", problem.hint) from problem
