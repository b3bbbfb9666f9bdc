"""What a client keeps of a session that was broken off."""

from pathlib import Path

from evidence.journal import read_journal
from evidence.layout import CLIENT_JOURNAL, CLIENT_JSON, PARTIAL
from evidence.recovery import write_partial_summary


def keep_partial(session: Path, reason: str) -> None:
    """Keep what is known in `wattrig/partial/client.json`; a client.json that was written already goes there too.

    Raises:
        OSError: the disk does not take it.
    """
    kept = read_journal(session / CLIENT_JOURNAL)
    if (session / CLIENT_JSON).exists():
        (session / PARTIAL).mkdir(exist_ok=True)
        (session / CLIENT_JSON).rename(session / PARTIAL / "client_whole.json")
    write_partial_summary(session, "client.json", kept, reason)
