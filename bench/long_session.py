"""Sessions of any length out of a short one, so that what a benchmark checks is long and sound.

The load of both runs is stretched in its middle: samples are put in, all that comes later comes later by as much, and
PTDaemon's log, server.log, LoadGen's windows, the moments and the digests tell the same. Only LoadGen's own results
stay as they were, and the rules that hold the window against them say so.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from evidence.stamps import format_stamp, parse_stamp

FOLDERS = {"ranging": "ranging", "testing": "run_1"}
NS = 1_000_000_000
_STAMP = re.compile(r"\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d{3}")
_LAST = re.compile(r"Last \d+ samples")
_WHILE_RANGING = ("ERROR: Can't evaluate uncertainty of this sample!",
                  "WARNING: Uncertainty unknown for the last measurement sample!")  # fmt: skip


class Stretch(NamedTuple):
    """Where a session is stretched, the middle of both loads, and by how many seconds."""

    at_ns: tuple[int, int]
    by_s: int

    def later_s(self, t_utc_ns: float) -> int:
        """Seconds that a moment comes later."""
        return self.by_s * sum(t_utc_ns > at_ns for at_ns in self.at_ns)

    def text(self, text: str) -> str:
        """A text with all its stamps moved."""
        return _STAMP.sub(lambda found: self._moved(found[0]), text)

    def _moved(self, stamp: str) -> str:
        t_utc_ns = parse_stamp(stamp)
        return format_stamp(t_utc_ns + self.later_s(t_utc_ns) * NS)


def as_result(session: Path, target: Path) -> Path:
    """Copy the submitted files of a session to where a submission has them."""
    for name in ("power", "ranging", "run_1"):
        shutil.copytree(session / name, target / name)
    return target


def stretched(session: Path, target: Path, by_s: int) -> Path:
    """Copy a session, and make both its runs longer by so many seconds, sampled once a second."""
    as_result(session, target)
    stretch = Stretch((_middle_ns(session, "ranging"), _middle_ns(session, "testing")), by_s)
    listings = [_stretch_samples(target / folder / "spl.txt", stretch, number)
                for number, folder in enumerate(FOLDERS.values())]  # fmt: skip
    for folder in FOLDERS.values():
        path = target / folder / "mlperf_log_detail.txt"
        path.write_text(stretch.text(path.read_text()))
    _stretch_ptd_log(target / "power" / "ptd_logs.txt", stretch, listings)
    _stretch_server_log(target / "power" / "server.log", listings)
    server = target / "power" / "server.json"
    server.write_text(_counted(server.read_text(), listings))
    _stretch_records(target, stretch)
    return target


def _middle_ns(session: Path, phase: str) -> int:
    text = (session / FOLDERS[phase] / "mlperf_log_detail.txt").read_text()
    times = [parse_stamp(stamp) for stamp in re.findall(rf'"power_\w+", "value": "({_STAMP.pattern})"', text)]
    return sum(times) // len(times)


def _stretch_samples(path: Path, stretch: Stretch, number: int) -> list[str]:
    """Put samples into a power log; get its lines without marks, as PTDaemon lists them."""
    lines = path.read_text().split("\n")
    moved = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        moved.append(stretch.text(line))
        if _is_before(line, stretch.at_ns[number]) and not _is_before(following, stretch.at_ns[number]):
            moved += _further_samples(moved[-1], stretch.by_s)
    path.write_text("\n".join(moved))
    return [line.partition(",Mark,")[0] for line in moved if line]


def _is_before(line: str, t_utc_ns: int) -> bool:
    found = _STAMP.search(line)
    return found is not None and parse_stamp(found[0]) < t_utc_ns


def _further_samples(line: str, count: int) -> Iterator[str]:
    """Samples that follow one, a second apart, with a little less power and current."""
    fields = line.split(",")
    begin_ns, current_a, factor = parse_stamp(fields[1]), float(fields[7]), float(fields[9])
    for second in range(1, count + 1):
        lower_a = current_a * (1 - second % 97 / 970)
        fields[1], fields[7] = format_stamp(begin_ns + second * NS), f"{lower_a:.6f}"
        fields[3] = f"{float(fields[5]) * lower_a * factor:.6f}"
        yield ",".join(fields)


def _stretch_ptd_log(path: Path, stretch: Stretch, listings: list[list[str]]) -> None:
    """Put in what PTDaemon says of each sample while ranging, and its listings after each run."""
    moved, left, ranging_ns = [], list(listings), stretch.at_ns[0]
    further = [f"{format_stamp(ranging_ns + second * NS)}: {text}"
               for second in range(stretch.by_s) for text in _WHILE_RANGING]  # fmt: skip
    for line in path.read_text().split("\n"):
        if _STAMP.match(line) and not _is_before(line, ranging_ns):
            moved += further
            further = []
        if "Time," not in line:
            moved.append(stretch.text(line))
        if _LAST.search(line):
            moved += left.pop(0)
    path.write_text(_counted("\n".join(moved), listings))


def _counted(text: str, listings: list[list[str]]) -> str:
    """Say how many samples each listing has."""
    counts = iter(listings)
    return _LAST.sub(lambda _: f"Last {len(next(counts))} samples", text)


def _stretch_server_log(path: Path, listings: list[list[str]]) -> None:
    left = list(listings)
    lines = path.read_text().split("\n")
    for place, line in enumerate(lines):
        head, listed, _ = line.partition("'Time,")
        if listed:
            lines[place] = head + "'" + "".join(f"{sample}\\n" for sample in left.pop(0)) + "'"
    path.write_text(_counted("\n".join(lines), listings))


def _stretch_records(target: Path, stretch: Stretch) -> None:
    """Move the moments of client.json and server.json, and record the digests anew."""
    for side in ("client", "server"):
        path = target / "power" / f"{side}.json"
        record: dict[str, Any] = json.loads(path.read_text())
        for phase, moments in record["phases"].items():
            later_s = [stretch.later_s(wall_s * NS) for wall_s, _ in moments]
            record["phases"][phase] = [[a + by_s, b + by_s] for (a, b), by_s in zip(moments, later_s, strict=True)]
        for name in record["results"]:
            if (target / name).is_file():
                record["results"][name] = hashlib.sha1((target / name).read_bytes()).hexdigest()
        path.write_text(json.dumps(record, indent=4))
