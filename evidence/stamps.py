"""Time stamps as PTDaemon, spl.txt and LoadGen write them: `MM-DD-YYYY hh:mm:ss.mmm`, UTC, no zone mark."""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NS_PER_S = 1_000_000_000
STAMP = re.compile(r"(\d{2})-(\d{2})-(\d{4}) (\d{2}):(\d{2}):(\d{2})\.(\d{3})")


def format_stamp(t_utc_ns: int) -> str:
    """Write UTC nanoseconds as `MM-DD-YYYY hh:mm:ss.mmm`, cut (not rounded) to milliseconds as PTDaemon does."""
    milliseconds = t_utc_ns // 1_000_000
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    return f"{moment:%m-%d-%Y %H:%M:%S}.{milliseconds % 1000:03d}"


def parse_stamp(text: str) -> int:
    """Read `MM-DD-YYYY hh:mm:ss.mmm` as UTC nanoseconds.

    Raises:
        ValueError: the text is not exactly such a stamp, or names no day or time that exists.
    """
    match = STAMP.fullmatch(text)
    if match is None:
        raise ValueError(f"got time stamp {text[:40]!r}, expected 'MM-DD-YYYY hh:mm:ss.mmm'")
    month, day, year, hour, minute, second, milli = (int(group) for group in match.groups())
    moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    return ((moment - EPOCH) // timedelta(seconds=1) * 1000 + milli) * 1_000_000
