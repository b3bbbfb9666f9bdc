"""The plain alternative: what a straightforward standard-library script does to check one session.

Imports json, hashes the files that a submission needs, and parses the two power logs line by line. With `--whole` it
goes on as far as the reference checker does: both LoadGen logs are searched for their windows, every line of
PTDaemon's log is read for errors and warnings, and both windows are averaged.
`python bench/plain_check.py PERFORMANCE_FOLDER [--whole]`
"""

import datetime
import hashlib
import json
import re
import sys
from pathlib import Path

FOLDERS = ("ranging", "run_1")
STAMP = r"\d\d-\d\d-\d\d\d\d \d\d:\d\d:\d\d\.\d\d\d"
UNCERTAINTY = r"Uncertainty \d+\.\d+%, which is above 1\.00% limit for the last sample!"
WHILE_RANGING = (
    "Can't evaluate uncertainty of this sample!",
    "Bad watts reading nan from ",
    "Bad amps reading nan from ",
    "Bad pf reading nan from ",
    "Bad volts reading nan from ",
    "Current appears to be too high for set range",
)


def seconds(stamp: str) -> float:
    """Unix seconds of a stamp of PTDaemon or LoadGen."""
    return datetime.datetime.strptime(stamp, "%m-%d-%Y %H:%M:%S.%f").replace(tzinfo=datetime.UTC).timestamp()


def seconds_in(line: str) -> float:
    """Unix seconds of the stamp somewhere in a line."""
    match = re.search(STAMP, line)
    return seconds(match[0]) if match else 0.0


def samples(path: Path) -> list[tuple[float, float, float]]:
    """Time, watts and power factor of each line of a power log, parsed field by field."""
    found = []
    with path.open() as file:
        for line in file:
            if line.startswith("Time"):
                fields = line.split(",")
                found.append((seconds(fields[1]), float(fields[3]), float(fields[9])))
    return found


def window(path: Path) -> tuple[float, float]:
    """power_begin and power_end of a LoadGen log."""
    begin_s = end_s = 0.0
    with path.open() as file:
        for line in file:
            if re.search("power_begin", line.lower()):
                begin_s = seconds_in(line)
            if re.search("power_end", line.lower()):
                end_s = seconds_in(line)
    return begin_s, end_s


def problems(path: Path, begin_s: float, end_s: float) -> int:
    """Errors and warnings of PTDaemon: unusual ones, and uncertainties above the limit in a window."""
    count = 0
    with path.open() as file:
        for line in file:
            if re.search("ERROR", line):
                seconds_in(line)
                count += not any(re.search(text, line) for text in WHILE_RANGING)
            elif re.search("WARNING", line) and begin_s < seconds_in(line) < end_s:
                count += re.search(UNCERTAINTY, line) is not None
    return count


def mean(values: list[float]) -> float:
    """Plain mean of the positive values."""
    kept = [value for value in values if value > 0]
    return sum(kept) / len(kept) if kept else -1.0


def whole(folder: Path) -> None:
    """Compare both windows, and read PTDaemon's log."""
    for phase in FOLDERS:
        begin_s, end_s = window(folder / phase / "mlperf_log_detail.txt")
        inside = [entry for entry in samples(folder / phase / "spl.txt") if begin_s < entry[0] < end_s]
        print(phase, mean([entry[1] for entry in inside]), mean([entry[2] for entry in inside]))
    print(problems(folder / "power" / "ptd_logs.txt", begin_s, end_s))


def main(folder: Path) -> None:
    """Read one session and print what was found."""
    records = [json.loads((folder / "power" / name).read_text()) for name in ("client.json", "server.json")]
    names = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    digests = {path.name: hashlib.sha1(path.read_bytes()).hexdigest() for path in names}
    if "--whole" in sys.argv:
        whole(folder)
        return
    powers = [mean([entry[1] for entry in samples(folder / phase / "spl.txt")]) for phase in FOLDERS]
    print(records[0]["session_name"], len(digests), powers)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
