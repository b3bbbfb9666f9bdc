"""Before a director listens: each analyzer must answer, so that no client ever waits for one that cannot."""

import tempfile
from pathlib import Path

from director.analyzer import Analyzer
from director.claim import close_orphans
from director.events import Observe
from director.server_log import server_log
from director.station import Station
from evidence.ptd_protocol import RangesReply


async def preflight(station: Station, observe: Observe) -> None:
    """Close what a director that died left open, then try each analyzer once: start, greet, identify, end.

    Ranges that a broken session still owes are set back.

    Raises:
        WattrigError: an analyzer or its daemon does not answer as configured.
    """
    log = server_log(observe)
    closed, owed = close_orphans(station.director.store)
    for session in closed:
        log.warning(f"The session {session} was left open by a director that died; it is marked aborted")
    with tempfile.TemporaryDirectory(prefix="wattrig-") as folder:
        for number, config in enumerate(station.analyzer, 1):
            await _try(Analyzer(number, config, Path(folder), log), owed.get(number))


async def _try(analyzer: Analyzer, owed: RangesReply | None) -> None:
    try:
        await analyzer.launch()
        await analyzer.connect()
        if owed is not None:
            analyzer.initial = owed
            await analyzer.restore()
    finally:
        await analyzer.end()
