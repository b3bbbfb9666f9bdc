"""How far a check of many sessions is: a bar on the terminal, once it takes longer than a moment."""

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

AFTER_S = 2.0


class CheckProgress:
    """Shows a bar on stderr; use with `with`.

    Args:
        total: how many sessions are to be checked.
        after_s: seconds after which the bar appears.
        shown: whether it does.
    """

    def __init__(self, total: int, after_s: float = AFTER_S, *, shown: bool = True) -> None:
        self._shown = shown
        self._total = total
        self._done = 0
        self._lock = threading.Lock()
        self._timer = threading.Timer(after_s, self._show)
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._timer.daemon = True
        if self._shown:
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            if self._bar:
                self._bar.stop()
            self._total = 0

    def advance(self) -> None:
        """Take note of one more session that is done."""
        with self._lock:
            self._done += 1
            if self._bar and self._task is not None:
                self._bar.update(self._task, completed=self._done)

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        with self._lock:
            if not self._total:
                return
            columns = (TextColumn("checking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=self._total, completed=self._done)
            self._bar.start()
