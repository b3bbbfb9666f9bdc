"""client.log and server.log, written to the letter as the reference writes them, and shown to the operator.

client 2025-07-25 15:13:09,684 [INFO] Sending command to the server: 'time'
"""

import contextlib
import re
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""What must reach neither a line-wise log nor a terminal, where it breaks a line or turns it round: a peer chose some
of the text."""
MOST_EARLY_LINES = 1000
"""Lines kept while there is no session; a client sends about twenty commands before it opens one."""


class TrafficLog:
    """The log of one connection: lines before the session has a folder are kept until it has one.

    Args:
        name: who writes: "client" or "ptd-server".
        show: gets every line as it is written.
        must_write: raise OSError where a line cannot be written. Otherwise it is shown alone from then on: a full
            disk must not keep the analyzer from being given back.
    """

    def __init__(self, name: str, show: Callable[[str], None], *, must_write: bool) -> None:
        self._name = name
        self._show = show
        self._must_write = must_write
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
        """Write into a session's file from now on, beginning with the lines kept so far."""
        self.close()
        self._file = path.open("w", encoding="utf-8", newline="\n", buffering=1)
        self._file.writelines(f"{line}\n" for line in self._early)
        self._early.clear()

    def close(self) -> None:
        """Finish the session's file: its digest is about to be taken. Later lines are for the operator alone."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):  # told when the line was written
                file.close()

    def _write(self, level: str, text: str) -> None:
        now_s = time.time()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now_s))
        one_line = _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)
        line = f"{self._name} {stamp},{int(now_s * 1000) % 1000:03d} [{level}] {one_line}"
        self._show(line)
        if self._file is None:
            self._early.append(line)
            return
        try:
            self._file.write(f"{line}\n")
        except OSError as problem:
            self.close()
            if self._must_write:
                raise
            self._show(f"{self._name}: the log cannot be written any more: {problem}")
