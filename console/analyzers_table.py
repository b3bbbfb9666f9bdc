"""The live table of `wattrig analyzers read`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from analyzers.live import Shown
from console.analyzers_read import texts

HEADINGS = ("channel", "power", "voltage", "current", "power factor", "voltage range", "current range", "uncertainty")


def table_of(idn: str, sample: list[Shown], count: int) -> Table:
    """Draw one sample."""
    table = Table(title=idn, caption=f"sample {count}, Ctrl-C ends")
    for heading in HEADINGS:
        table.add_column(heading, justify="right")
    for shown in sample:
        table.add_row(shown.name, *texts(shown))
    return table


@contextmanager
def live_table(idn: str, console: Console | None = None) -> Iterator[Callable[[list[Shown]], None]]:
    """Keep a table on the screen that shows the latest sample."""
    count = 0
    with Live(console=console, auto_refresh=False) as live:

        def tell(sample: list[Shown]) -> None:
            nonlocal count
            count += 1
            live.update(table_of(idn, sample, count), refresh=True)

        yield tell
