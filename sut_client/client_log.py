"""client.log, written to the letter as the reference client writes it, and the same lines for the operator."""

import time
from pathlib import Path
from typing import TextIO

from sut_client.events import LogLine, Observe


class ClientLog:
    """The log of a client: the lines before the session has a folder are kept until it has one.

    Args:
        observe: gets every line as it is written.
    """

    def __init__(self, observe: Observe) -> None:
        self._observe = observe
        self._early: list[str] = []
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
        """Write into a session's client.log from now on, beginning with the lines kept so far."""
        self._file = path.open("w", encoding="utf-8", newline="\n", buffering=1)
        self._file.writelines(f"{line}\n" for line in self._early)
        self._early.clear()

    def close(self) -> None:
        """Finish client.log: its digest is about to be taken. Later lines are for the operator alone."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, level: str, text: str) -> None:
        now_s = time.time()
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now_s))
        one_line = text.replace("\r", "\\r").replace("\n", "\\n")
        line = f"client {stamp},{int(now_s * 1000) % 1000:03d} [{level}] {one_line}"
        self._observe(LogLine(line))
        if self._file is None:
            self._early.append(line)
        else:
            self._file.write(f"{line}\n")
