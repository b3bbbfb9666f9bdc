"""The plain alternative: what a straightforward standard-library script does to check one session.

Imports json, hashes the files that a submission needs, and parses the two power logs line by line. With `--whole` it
makes the reference checker's eleven checks instead, one function each, which opens the files it needs: text is read
line by line, stamps are found by `re.search` and read by `strptime`, as that checker and most scripts do it. It is
meant to be neither quick nor slow; the reference itself takes 0.05 s for a session of seconds, and 4.2 s for 24 h at
1 Hz.
`python bench/plain_check.py PERFORMANCE_FOLDER [--whole]`
"""

import datetime
import hashlib
import json
import re
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDERS = {"ranging": "ranging", "testing": "run_1"}
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
MODELS = {"YokogawaWT210": 8, "YokogawaWT310": 49, "YokogawaWT310E": 49, "YokogawaWT333E": 52}
GO_REPLY = "Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples"
Record = dict[str, Any]


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


def window(folder: Path, phase: str) -> tuple[float, float]:
    """power_begin and power_end of the LoadGen log of a phase."""
    begin_s = end_s = 0.0
    with (folder / FOLDERS[phase] / "mlperf_log_detail.txt").open() as file:
        for line in file:
            if re.search("power_begin", line.lower()):
                begin_s = seconds_in(line)
            if re.search("power_end", line.lower()):
                end_s = seconds_in(line)
    return begin_s, end_s


def mean(values: list[float]) -> float:
    """Plain mean of the positive values."""
    kept = [value for value in values if value > 0]
    return sum(kept) / len(kept) if kept else -1.0


def mean_power(folder: Path, phase: str) -> float:
    """Mean watts in the window of a phase."""
    begin_s, end_s = window(folder, phase)
    return mean([entry[1] for entry in samples(folder / FOLDERS[phase] / "spl.txt") if begin_s < entry[0] < end_s])


def client_sources(client: Record, _server: Record, _folder: Path) -> bool:
    """Compare the client's sources; the released sets are left out here."""
    return "lib/client.py" in client["sources"]


def server_sources(_client: Record, server: Record, _folder: Path) -> bool:
    """Compare the director's sources; the released sets are left out here."""
    return "lib/server.py" in server["sources"]


def ptd_commands(_client: Record, server: Record, _folder: Path) -> bool:
    """Compare what PTDaemon was told, and what it replied."""
    messages = server["ptd_messages"]
    identity = next(message["reply"] for message in messages if message["cmd"] == "Identify")
    good = re.search("(?<=version=)(.+?)-", identity) is not None and identity.split(",")[0] in MODELS
    for message in messages:
        if re.search("^Go,1000,", message["cmd"]):
            good &= message["reply"] == GO_REPLY
        if set_range := re.search("^SR,([VA]),", message["cmd"]):
            good &= message["reply"] == f"Range {set_range[1]} changed"
    return good


def same_uuid(client: Record, server: Record, _folder: Path) -> bool:
    """Compare the identifiers."""
    return all(uuid.UUID(client["uuid"][side]) == uuid.UUID(server["uuid"][side]) for side in ("client", "server"))


def same_name(client: Record, server: Record, _folder: Path) -> bool:
    """Compare the names of the session."""
    return bool(client["session_name"] == server["session_name"])


def time_difference(client: Record, server: Record, folder: Path) -> bool:
    """Compare the moments of both sides, the windows with them, and the power of both runs."""
    good = True
    for phase in FOLDERS:
        ours, theirs = client["phases"][phase], server["phases"][phase]
        good &= all(abs(one[0] - other[0]) < 0.8 for one, other in zip(ours, theirs, strict=True))
        begin_s, end_s = window(folder, phase)
        good &= ours[1][0] < begin_s < end_s < ours[2][0]
    ranging_w, testing_w = (mean_power(folder, phase) for phase in FOLDERS)
    return good and testing_w / ranging_w - 1 > -0.05


def same_messages(client: Record, server: Record, _folder: Path) -> bool:
    """Compare what client and director said to each other."""
    pairs = zip(client["messages"], server["messages"], strict=True)
    return all(ours["cmd"] == theirs["cmd"] and (ours["cmd"] == "time" or ours["reply"] == theirs["reply"])
               for ours, theirs in pairs)  # fmt: skip


def results(client: Record, server: Record, folder: Path) -> bool:
    """Compare the digests of the files with those recorded."""
    digests = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digests[path.relative_to(folder).as_posix()] = hashlib.sha1(path.read_bytes()).hexdigest()
    recorded = {**client["results"], **server["results"]}
    return all(recorded.get(name) == digest for name, digest in digests.items() if not name.endswith(".json"))


def ptd_log(_client: Record, server: Record, folder: Path) -> bool:
    """Look for errors outside ranging, and for warnings in the load."""
    lines = (folder / "power" / "ptd_logs.txt").read_text().splitlines()
    load_begin_s, load_end_s = window(folder, "testing")
    begin_s = end_s = 0.0
    for line in lines:
        if re.search(f": Go with mark '{server['session_name']}_ranging'", line):
            begin_s = seconds_in(line)
        elif begin_s and re.search(": Completed test", line):
            end_s = seconds_in(line)
            break
    problems = 0
    for line in lines:
        if re.search("ERROR", line):
            known = any(re.search(text, line) for text in WHILE_RANGING)
            problems += not (known and begin_s < seconds_in(line) < end_s)
        elif re.search("WARNING", line) and load_begin_s < seconds_in(line) < load_end_s:
            problems += re.search(UNCERTAINTY, line) is not None
    return not problems


def ptd_config(_client: Record, server: Record, _folder: Path) -> bool:
    """Compare the numbers of the devices."""
    return all(config["device_type"] in MODELS.values() for config in server["ptd_config"])


def debug_off(_client: Record, server: Record, _folder: Path) -> bool:
    """Look for the director's debug mode."""
    return not server.get("debug", False)


CHECKS: tuple[Callable[[Record, Record, Path], bool], ...] = (
    client_sources, server_sources, ptd_commands, same_uuid, same_name, time_difference, same_messages, results,
    ptd_log, ptd_config, debug_off,
)  # fmt: skip


def quick(client: Record, folder: Path) -> None:
    """Hash all files, and average both power logs."""
    names = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    digests = {path.name: hashlib.sha1(path.read_bytes()).hexdigest() for path in names}
    powers = [mean([entry[1] for entry in samples(folder / phase / "spl.txt")]) for phase in FOLDERS.values()]
    print(client["session_name"], len(digests), powers)


def main(folder: Path) -> None:
    """Read one session and print what was found."""
    client, server = (json.loads((folder / "power" / name).read_text()) for name in ("client.json", "server.json"))
    if "--whole" not in sys.argv:
        quick(client, folder)
        return
    for check in CHECKS:
        try:
            print(check.__name__, "good" if check(client, server, folder) else "bad")
        except (LookupError, ValueError, TypeError, StopIteration) as problem:
            print(check.__name__, repr(problem))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
