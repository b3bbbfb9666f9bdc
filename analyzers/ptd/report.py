"""What the daemon writes: its log on stdout in PTDaemon's words, and the file of samples that `-l` names.

The wording is that of PTDaemon 1.11.1, read from published ptd_logs.txt: MLCommons' checker goes by it.
"""

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import FileIO
from pathlib import Path
from typing import TextIO

from analyzers.driver import Ranges
from evidence.stamps import format_stamp
from metrology.errors import ConfigError
from metrology.ranges import Range
from metrology.reading import Reading, Validity
from metrology.uncertainty import LIMIT

PIECE = 1000
"""PTDaemon logs a list of samples in pieces of about this many bytes; source: published logs."""
UNKNOWN = Range(False, None)
LONGEST_RAW = 400
"""Longest part of an instrument's answer that goes into the log, characters."""


class Log:
    """The log: one stamped line at a time, from any thread, on its way to disk at once.

    Args:
        stream: where it goes.
        clock: UTC in nanoseconds.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], int] = time.time_ns) -> None:
        self._stream = stream
        self.clock = clock
        self._lock = threading.Lock()
        self._last_ms = 0

    def say(self, *texts: str, at_ns: int | None = None) -> None:
        """Write texts, each after the time, or after the moment given; further lines of a text have no stamp."""
        with self._lock:
            for text in texts:
                now_ns = self.clock() if at_ns is None else at_ns
                self._last_ms = now_ns // 1_000_000
                self._stream.write(f"{format_stamp(now_ns)}: {text}\n")
            self._stream.flush()

    def say_later(self, text: str) -> None:
        """Write a text with a later stamp than all before: a reader that compares times must find it after them."""
        with self._lock:
            last_ms = self._last_ms
        while last_ms == self.clock() // 1_000_000:
            time.sleep(0.001)
        self.say(text)

    def plain(self, *lines: str) -> None:
        """Write lines without time."""
        with self._lock:
            self._stream.write("".join(f"{line}\n" for line in lines))
            self._stream.flush()


class SampleFile:
    """The file of samples (`-l`), appended to line by line: what was read is on its way to disk at once.

    Raises:
        ConfigError: the file cannot be opened.
    """

    def __init__(self, path: Path | None) -> None:
        self._file: FileIO | None = None
        if path is not None:
            try:
                self._file = path.open("ab", buffering=0)
            except OSError as problem:
                raise ConfigError(
                    f"the log file '{path}' cannot be written: {problem.strerror}",
                    "give -l a file in a folder that exists and that you may write to",
                ) from problem

    def write(self, lines: Iterable[str]) -> str | None:
        """Write lines; get what went wrong the first time that it does, and write no more from then on."""
        text = "".join(f"{line}\n" for line in lines).encode("ascii")
        if self._file is None or not text:
            return None
        try:
            if self._file.write(text) == len(text):
                return None
            reason = "it took only a part of a line"
        except OSError as problem:
            reason = str(problem.strerror)
        self.close()
        return f"WARNING: The data output file cannot be written ({reason}); samples stay in memory only"

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def printable(text: str) -> str:
    """Get an instrument's answer fit for one line of a log."""
    return "".join(char if char.isprintable() else "?" for char in text[:LONGEST_RAW])


def range_texts(quantity: str, setting: Range, channels: Sequence[int], physical: Sequence[int]) -> list[str]:
    """Say which range of "V" or "A" was set.

    Args:
        quantity, setting: the range.
        channels: for which of the channels that are read, counted from 1; 0 for the only one.
        physical: the instrument's numbers of the channels that are read.
    """
    if 0 in channels:
        return [_range_text(quantity, setting)]
    name = "Voltage" if quantity == "V" else "Amp"
    scale = "Auto" if setting.auto or setting.full_scale is None else f"{setting.full_scale:.6f}{quantity}"
    return [f"{name} range for channel {at}, physical channel {physical[at - 1]}, set to {scale}" for at in channels]


def common_ranges(ranges: Sequence[Ranges]) -> Ranges:
    """Get the ranges that all channels have, as those of their sum; unknown where they differ."""
    current, voltage = ({each[at] for each in ranges} for at in (0, 1))
    return current.pop() if len(current) == 1 else UNKNOWN, voltage.pop() if len(voltage) == 1 else UNKNOWN


def _range_text(quantity: str, setting: Range) -> str:
    if setting.auto or setting.full_scale is None:
        return "Volt range set to Auto" if quantity == "V" else "Ampere range set to Auto"
    name = "Volt" if quantity == "V" else "Amp"
    return f"{name} range set to {setting.full_scale:.6f}{quantity}"


def reading_texts(reading: Reading, raw: str, model: str, range_a: float | None, crest_factor: int) -> list[str]:
    """Say what is wrong with one channel's reading.

    Args:
        reading: of one channel.
        raw: the instrument's answer.
        model: its name within PTDaemon's messages, `WT310`.
        range_a: current range in amperes, None if unknown.
        crest_factor: 3 or 6.
    """
    if reading.validity is Validity.PEAK_OVER:
        scale = math.nan if range_a is None else range_a
        return [f"ERROR: Current exceeds peak value allowed for range {scale:.2f}A and CF {crest_factor}."]
    if reading.validity is not Validity.BAD:
        return []
    values = {
        "watts": reading.power_w,
        "amps": reading.current_a,
        "pf": reading.power_factor,
        "volts": reading.voltage_v,
    }
    return [
        f"ERROR: Bad {name} reading {value:f} from {model}\nBuffer was {printable(raw)}\n"
        for name, value in values.items()
        if not math.isfinite(value)
    ]


def uncertainty_texts(uncertainty: float | None, channel: int | None) -> list[str]:
    """Say what is wrong with the uncertainty of a sample.

    Args:
        uncertainty: as a fraction; None if unknown.
        channel: None on a single-channel instrument, 0 for the sum, else the channel's number.
    """
    where = "" if channel is None else f", logical channel {channel}"
    if uncertainty is None:
        # PTDaemon computes the sum's from the channels', so that for it nothing fails.
        failed = [] if channel == 0 else ["ERROR: Can't evaluate uncertainty of this sample!"]
        return [*failed, f"WARNING: Uncertainty unknown for the last measurement sample{where}!"]
    if uncertainty > LIMIT:
        limit = f"which is above {LIMIT:.2%} limit"
        return [f"WARNING: Uncertainty {uncertainty:.2%}, {limit} for the last sample{where}!"]
    return []


def pieces(lines: Sequence[str]) -> Iterator[str]:
    """Join the lines of a reply to texts of about `PIECE` bytes, as PTDaemon logs them, but cut between lines."""
    piece: list[str] = []
    size = 0
    for line in lines:
        if piece and size + len(line) > PIECE:
            yield "\n".join(piece)
            piece, size = [], 0
        piece.append(line)
        size += len(line) + 1
    yield "\n".join(piece)
