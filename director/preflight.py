"""Before a director listens: each analyzer must answer, so that no client ever waits for one that cannot."""

import os
import tempfile
from pathlib import Path

from director.analyzer import Analyzer
from director.events import Observe
from director.fleet import launch
from director.orphans import close_orphans, settle
from director.server_log import server_log
from director.station import Station
from director.together import all_of
from evidence.ptd_protocol import RangesReply
from metrology.errors import ConfigError


async def preflight(station: Station, observe: Observe) -> None:
    """Close what a director that died left open, then try each analyzer once: start, greet, identify, end.

    Ranges that a session still owes are set back.

    Raises:
        WattrigError: an analyzer or its daemon does not answer as configured.
    """
    log = server_log(observe)
    closed, owed = close_orphans(station.director.store)
    for told in closed:
        log.warning(told)
    for number in owed.keys() - range(1, len(station.analyzer) + 1):
        log.warning(
            f"Analyzer [{number}] is in the station file no more, so its ranges are not set back: look at them"
        )
    with tempfile.TemporaryDirectory(prefix="wattrig-") as folder:
        analyzers = [Analyzer(number, config, Path(folder), log) for number, config in enumerate(station.analyzer, 1)]
        try:
            await launch(analyzers, station.director.meters_per_daemon)
            await all_of(_try(analyzer, owed.get(analyzer.number)) for analyzer in analyzers)
            settle(station.director.store)
        finally:
            await all_of(analyzer.end() for analyzer in analyzers)


async def _try(analyzer: Analyzer, owed: RangesReply | None) -> None:
    await analyzer.connect()
    if owed is not None:
        analyzer.initial = owed
        await analyzer.restore()


def make_store(store: Path) -> None:
    """Make the folder that keeps the sessions.

    Raises:
        ConfigError: it cannot be made, or not be written to.
    """
    try:
        store.mkdir(parents=True, exist_ok=True)
        writable = os.access(store, os.W_OK | os.X_OK)
    except OSError as problem:
        raise ConfigError(f"the store '{store}' cannot be made: {problem.strerror}") from problem
    if not writable:
        raise ConfigError(f"the store '{store}' cannot be written to", "set another 'store' in [director]")
