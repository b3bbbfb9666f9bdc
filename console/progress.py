"""What the operator sees while a session runs on this machine: a bar for each phase, with live watts.

The picture changes only when something happened (a sample, a step of the session), never on a timer: drawing on the
measured machine would be measured.
"""

import math
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from director import events as director_events
from metrology.reading import Reading
from sut_client import events as client_events


class SessionProgress:
    """Shows a session; give its two methods to director and client as observers.

    Args:
        console: where to draw.
        expected_s: how long each phase should take, seconds; None if unknown: testing then is expected to take as
            long as ranging took.
    """

    def __init__(self, console: Console, expected_s: float | None = None) -> None:
        self._console = console
        self._expected_s = expected_s
        self._bars = Progress(
            TextColumn("{task.description:<8}"),
            BarColumn(40),
            TimeElapsedColumn(),
            TextColumn("{task.fields[power]}"),
            console=console,
            auto_refresh=False,
        )
        self._bar: TaskID | None = None
        self._started_s = math.nan
        self._latest: dict[int, Reading] = {}

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last picture on the screen."""
        self._bars.stop()

    def from_client(self, event: client_events.Event) -> None:
        """Take note of what the client does."""
        if isinstance(event, client_events.PhaseStarted):
            self._bar = self._bars.add_task(event.phase, total=self._expected_s, power="setting up the analyzer")
            self._started_s = math.nan
        elif isinstance(event, client_events.WorkloadStarted):
            self._started_s = time.monotonic()
            self._say(f"{event.phase}: the workload runs")
        elif isinstance(event, client_events.PhaseEnded) and self._bar is not None:
            self._expected_s = self._expected_s or event.window_s
            self._bars.update(self._bar, total=1, completed=1)
            self._say(f"{event.phase}: measured, LoadGen's window is {event.window_s:.1f} s long")
        self._bars.refresh()

    def from_director(self, event: director_events.Event) -> None:
        """Take note of what the director does."""
        if isinstance(event, director_events.RangesChosen):
            self._tell_ranges(event)
        if not isinstance(event, director_events.SampleTaken) or self._bar is None:
            return
        self._latest[event.analyzer] = event.sample.total
        bad = next((total for total in self._latest.values() if not total.usable), None)
        power_w = math.fsum(total.power_w for total in self._latest.values())
        power = f"{bad.validity.value} reading" if bad else f"{power_w:8.1f} W"
        elapsed_s = time.monotonic() - self._started_s
        if math.isfinite(elapsed_s) and self._expected_s:
            self._bars.update(self._bar, total=self._expected_s, completed=min(elapsed_s, self._expected_s * 0.99))
        self._bars.update(self._bar, power=power)
        self._bars.refresh()

    def _tell_ranges(self, event: director_events.RangesChosen) -> None:
        self._console.print(f"analyzer {event.analyzer}: {event.told}", highlight=False, markup=False)
        for text in event.advice:
            self._console.print(f"! {text}", style="yellow", highlight=False, markup=False)

    def _say(self, text: str) -> None:
        """Where nobody watches a picture, a line for each step has to do."""
        if not self._console.is_terminal:
            self._console.print(text, highlight=False)
