"""What is measured, as it is measured: follows the daemon's own log, keeps it on disk, and notices silence.

The daemon's `-l` log lies in the session's folder in the store: the recorder has each line forced to disk within a
second and passes it on, for the journal and for who watches; later it is held against the listing that spl.txt is
made of.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import BinaryIO

from evidence.ptd_protocol import parse_sample, unmarked_line
from metrology.errors import EvidenceError, InstrumentError
from metrology.reading import Sample

POLL_S = 0.2
SYNC_S = 1.0
SILENCE_S = 10.0
"""Without a sample for so long the measurement is taken for dead; the interval is 1 s."""
LARGEST_READ = 1 << 20
LONGEST_LINE = 8192


class Recorder:
    """Follows a daemon's log while one phase is measured, from where the log ends now.

    Args:
        journal: the daemon's `-l` log.
        mark: the mark of this phase's samples.
        found: gets each sample as it is written, and its line.
        counts_on: asked after a silence whether samples are being taken all the same.
    """

    def __init__(
        self, journal: Path, mark: str, found: Callable[[Sample, str], None], counts_on: Callable[[], Awaitable[bool]]
    ) -> None:
        self._journal = journal
        self._mark = mark
        self._found = found
        self._counts_on = counts_on
        self._rest = b""
        journal.touch()  # the daemon may not have made it yet
        self._start = journal.stat().st_size

    async def follow(self) -> None:
        """Follow the log until cancelled.

        Raises:
            InstrumentError: no sample came for `SILENCE_S`.
            OSError: the log cannot be kept.
        """
        heard_s = synced_s = time.monotonic()
        with self._journal.open("rb") as file, contextlib.ExitStack() as last:
            file.seek(self._start)
            last.callback(self._leave, file)
            while True:
                now_s = time.monotonic()
                if self._take(file):
                    heard_s = now_s
                if now_s - synced_s >= SYNC_S:
                    await asyncio.to_thread(os.fsync, file.fileno())
                    synced_s = now_s
                if now_s - heard_s > SILENCE_S:
                    await self._check_still_measuring()
                    heard_s = now_s
                await asyncio.sleep(POLL_S)

    def _leave(self, file: BinaryIO) -> None:
        """Take what came since the last look, whatever ends the watch."""
        self._take(file)
        self._start = file.tell()

    def catch_up(self) -> None:
        """Take what the daemon wrote after the watch had ended, such as the sample in flight when it was stopped."""
        with self._journal.open("rb") as file:
            file.seek(self._start)
            self._leave(file)

    def _take(self, file: BinaryIO) -> int:
        *lines, self._rest = (self._rest + file.read(LARGEST_READ)).split(b"\n")
        self._rest = self._rest[-LONGEST_LINE:]
        texts = [line.rstrip(b"\r").decode("ascii", "replace") for line in lines]
        samples = [(sample, text) for text in texts if (sample := self._sample(text))]
        for sample, text in samples:
            self._found(sample, text)
        return len(samples)

    def _sample(self, text: str) -> Sample | None:
        try:
            listed, mark = unmarked_line(text)
            return parse_sample(listed) if mark == self._mark else None
        except EvidenceError:
            return None  # a damaged line shows when the journal is held against the listing

    async def _check_still_measuring(self) -> None:
        if not await self._counts_on():
            raise InstrumentError(
                f"no new sample for {SILENCE_S:g} s while one is due every second",
                "look at the analyzer's display, and at the end of the daemon's log",
            )
