"""Before a director listens: each analyzer must answer, so that no client ever waits for one that cannot."""

import tempfile
from pathlib import Path

from director.analyzer import Analyzer
from director.claim import close_orphans, settle
from director.events import Observe
from director.fleet import launch
from director.server_log import server_log
from director.station import Station
from director.together import all_of
from evidence.ptd_protocol import RangesReply


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
    with tempfile.TemporaryDirectory(prefix="wattrig-") as folder:
        analyzers = [Analyzer(number, config, Path(folder), log) for number, config in enumerate(station.analyzer, 1)]
        try:
            await launch(analyzers, station.director.meters_per_daemon)
            await all_of(_try(analyzer, owed.get(analyzer.number)) for analyzer in analyzers)
            if owed:
                settle(station.director.store)
        finally:
            await all_of(analyzer.end() for analyzer in analyzers)


async def _try(analyzer: Analyzer, owed: RangesReply | None) -> None:
    await analyzer.connect()
    if owed is not None:
        analyzer.initial = owed
        await analyzer.restore()
