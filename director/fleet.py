"""The daemons of all analyzers of a station, started together and told Go together."""

import itertools
from collections.abc import Iterator, Sequence

from analyzers.ptd.client import go_together
from director.analyzer import Analyzer
from director.daemon import Daemon, free_ports

FEW = 4
"""Up to so many analyzers have a daemon each, whose end is nobody else's."""
SHARING = 16
"""How many of more share one: each process takes 60 MB and half a second of a processor to start."""


async def launch(analyzers: Sequence[Analyzer], meters_per_daemon: int | None) -> None:
    """Start the daemons; the caller ends them, also where this fails.

    Args:
        analyzers: of the station.
        meters_per_daemon: how many of those that wattrig-ptd reads share a process at most; None to go by how many
            there are.

    Raises:
        ConfigError: a program or a port cannot be used.
    """
    # Found together: a daemon takes its port only a while after it was told.
    ports = dict(zip(analyzers, free_ports(len(analyzers)), strict=True))
    for group in groups(analyzers, meters_per_daemon or (1 if len(analyzers) <= FEW else SHARING)):
        if len(group) == 1:
            await group[0].launch(ports[group[0]])
            continue
        for analyzer in group:
            analyzer.prepare(analyzer.journal, ports[analyzer], among_others=True)
        daemons = await Daemon.start_together(
            [analyzer.command for analyzer in group], [analyzer.output for analyzer in group]
        )
        for analyzer, daemon in zip(group, daemons, strict=True):
            analyzer.attach(daemon)


async def go(analyzers: Sequence[Analyzer], mark: str) -> None:
    """Start measuring with all at once.

    Raises:
        PeerError: a daemon does not answer, or refuses.
    """
    for analyzer in analyzers:
        analyzer.begin_run()
    await go_together([analyzer.ptd for analyzer in analyzers], analyzers[0].interval_ms, mark)


def groups(analyzers: Sequence[Analyzer], most: int) -> Iterator[tuple[Analyzer, ...]]:
    """Part analyzers into those that share a process: up to so many of ours with the same program."""
    shareable = [analyzer for analyzer in analyzers if analyzer.config.is_ours]
    yield from ((analyzer,) for analyzer in analyzers if not analyzer.config.is_ours)
    ordered = sorted(shareable, key=lambda analyzer: analyzer.config.ptd)
    for _, alike in itertools.groupby(ordered, lambda analyzer: analyzer.config.ptd):
        yield from batched(tuple(alike), most)


def batched(analyzers: tuple[Analyzer, ...], most: int) -> Iterator[tuple[Analyzer, ...]]:
    """Part into batches of about the same size, of at most so many."""
    count = -(-len(analyzers) // most)
    for number in range(count):
        yield analyzers[number::count]
