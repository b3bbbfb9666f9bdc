"""server.log, written to the letter as the reference director writes it, and the same lines for the operator."""

import contextlib
import time
from collections import deque
from pathlib import Path
from typing import TextIO

from director.events import LogLine, Observe

LONGEST_SHOWN = 400
"""Longest line shown to the operator, characters; server.log itself keeps whole listings of samples in one line."""
MOST_EARLY_LINES = 1000
"""Lines kept of a connection that has no session; a client sends about ten commands before it opens one."""


class ServerLog:
    """The log of one connection: lines before the session has a folder are kept until it has one.

    Args:
        observe: gets every line as it is written.
    """

    def __init__(self, observe: Observe) -> None:
        self._observe = observe
        self._early: deque[str] = deque(maxlen=MOST_EARLY_LINES)
        self._file: TextIO | None = None

    def info(self, text: str) -> None:
        """Log what happens."""
        self._write("INFO", text)

    def warning(self, text: str) -> None:
        """Log what the operator should look at."""
        self._write("WARNING", text)

    def error(self, text: str) -> None:
        """Log what went wrong."""
        self._write("ERROR", text)

    def open(self, path: Path) -> None:
        """Write into a session's server.log from now on, beginning with the lines kept so far."""
        self.close()
        self._file = path.open("w", encoding="utf-8", newline="\n", buffering=1)
        self._file.writelines(line + "\n" for line in self._early)
        self._early.clear()

    def close(self) -> None:
        """Finish the session's server.log: its digest is about to be taken."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):  # told when the line was written
                file.close()

    def _write(self, level: str, text: str) -> None:
        now_s = time.time()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now_s))
        one_line = text.replace("\r", "\\r").replace("\n", "\\n")
        line = f"ptd-server {stamp},{int(now_s * 1000) % 1000:03d} [{level}] {one_line}"
        self._observe(LogLine(line if len(line) <= LONGEST_SHOWN else f"{line[:LONGEST_SHOWN]}..."))
        if self._file is None:
            self._early.append(line)
            return
        try:
            self._file.write(line + "\n")
        except OSError as problem:  # a full disk must not keep the analyzer from being given back
            self.close()
            self._observe(LogLine(f"ptd-server: server.log cannot be written any more: {problem}"))
