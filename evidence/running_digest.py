"""A SHA-1 made while a file is read."""

import hashlib
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future


class RunningDigest:
    """A SHA-1 in the making."""

    def __init__(self) -> None:
        self._hash = hashlib.sha1(usedforsecurity=False)

    def update(self, chunk: bytes) -> None:
        """Take in bytes."""
        self._hash.update(chunk)

    def hexdigest(self) -> str:
        """Get the digest of all bytes so far."""
        return self._hash.hexdigest()

    def close(self) -> None:
        """Let go of what it uses."""


class DigestBeside(RunningDigest):
    """A SHA-1 made in a thread of its own, so that a large file is hashed while it is read; a few blocks ahead."""

    def __init__(self) -> None:
        # Imported here: it costs 4 ms, and few files are large.
        from concurrent.futures import ThreadPoolExecutor

        super().__init__()
        self._worker = ThreadPoolExecutor(1)
        self._waiting: deque[Future[None]] = deque()

    def update(self, chunk: bytes) -> None:
        """Take in bytes; waits where the hashing falls behind."""
        self._waiting.append(self._worker.submit(self._hash.update, chunk))
        if len(self._waiting) > 8:
            self._waiting.popleft().result()

    def hexdigest(self) -> str:
        """Get the digest of all bytes so far."""
        while self._waiting:
            self._waiting.popleft().result()
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the thread."""
        self._worker.shutdown()
