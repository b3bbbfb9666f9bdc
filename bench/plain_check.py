"""The plain alternative: what a straightforward standard-library script does to read one session.

Imports json, hashes the files that a submission needs, and parses the two power logs line by line.
`python bench/plain_check.py PERFORMANCE_FOLDER`
"""

import datetime
import hashlib
import json
import sys
from pathlib import Path

FOLDERS = ("ranging", "run_1")


def mean_power_w(path: Path) -> float:
    """Mean of the positive samples of a power log, parsed field by field."""
    watts = []
    with path.open() as file:
        for line in file:
            if not line.startswith("Time"):
                continue
            fields = line.split(",")
            datetime.datetime.strptime(fields[1], "%m-%d-%Y %H:%M:%S.%f").replace(tzinfo=datetime.UTC).timestamp()
            if float(fields[3]) > 0:
                watts.append(float(fields[3]))
    return sum(watts) / len(watts) if watts else -1.0


def main(folder: Path) -> None:
    """Read one session and print what was found."""
    records = [json.loads((folder / "power" / name).read_text()) for name in ("client.json", "server.json")]
    names = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    digests = {path.name: hashlib.sha1(path.read_bytes()).hexdigest() for path in names}
    powers = [mean_power_w(folder / phase / "spl.txt") for phase in FOLDERS]
    print(records[0]["session_name"], len(digests), powers)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
