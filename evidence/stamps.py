"""Time stamps as PTDaemon, spl.txt and LoadGen write them: `MM-DD-YYYY hh:mm:ss.mmm`, UTC, no zone mark."""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NS_PER_S = 1_000_000_000
LAST_YEAR = 2262
"""The first year whose nanoseconds since 1970 do not all fit into 64 bits."""
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


def parse_loose_stamp(text: str) -> int:
    """Read a stamp as Python's strptime does, which takes `7-2-2024 3:04:05.1` too, as UTC nanoseconds.

    Raises:
        ValueError: strptime refuses it, or it lies before 1970 or after 2261.
    """
    moment = datetime.strptime(text, "%m-%d-%Y %H:%M:%S.%f").replace(tzinfo=UTC)
    if not EPOCH.year <= moment.year < LAST_YEAR:
        raise ValueError(f"got the year {moment.year}, expected {EPOCH.year} to {LAST_YEAR - 1}")
    return (moment - EPOCH) // timedelta(microseconds=1) * 1000
