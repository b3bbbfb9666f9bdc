"""A SHA-1 made while a file is read."""

import hashlib
import queue
import threading


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
        super().__init__()
        self._waiting: queue.Queue[bytes | None] = queue.Queue(8)
        self._worker = threading.Thread(target=self._work, daemon=True)
        self._worker.start()

    def _work(self) -> None:
        while (chunk := self._waiting.get()) is not None:
            self._hash.update(chunk)

    def update(self, chunk: bytes) -> None:
        """Take in bytes; waits where the hashing falls behind."""
        self._waiting.put(chunk)

    def hexdigest(self) -> str:
        """Get the digest of all bytes; nothing can be added after that."""
        self.close()
        return super().hexdigest()

    def close(self) -> None:
        """End the thread."""
        if self._worker.is_alive():
            self._waiting.put(None)
            self._worker.join()
