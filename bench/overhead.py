"""Seconds that a session takes beyond its two workload runs, step by step.

The same session is measured twice in one run: as our director does it with our daemon, and with the reference's fixed
schedule (10 s before each Go and after each stop command) on the same daemon and analyzer.
"""

import json
import tempfile
from itertools import pairwise
from pathlib import Path

from bench.rig import running_rig

REFERENCE_S = 40.8
"""What the reference itself takes with an ideal analyzer; measured on mlcommons/power-dev c4b3ad8."""


def steps(session: Path, took_s: float) -> dict[str, float]:
    """Split the time of a session that is not workload into steps, in seconds."""
    record = json.loads((session / "power" / "client.json").read_text())
    messages = record["messages"]
    spent = {}
    for message in messages:
        if message["cmd"].startswith("session,"):
            spent[" ".join(message["cmd"].split(",")[2:4])] = message["reply_time"] - message["cmd_time"]
    workloads = sum(points[2][0] - points[1][0] for points in record["phases"].values())
    pauses = sum(later["cmd_time"] - earlier["reply_time"] for earlier, later in pairwise(messages)) - workloads
    spent["time exchanges, checks, copying"] = max(0.0, pauses) + sum(
        message["reply_time"] - message["cmd_time"]
        for message in messages
        if not message["cmd"].startswith("session,")
    )
    spent["start, done, downloads"] = took_s - workloads - sum(spent.values())
    return spent


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        found = {}
        for name, lines in {"wattrig": "", "fixed schedule": "settle_s = 10"}.items():
            with running_rig(Path(scratch) / name.replace(" ", "-"), ("--load", "constant"), lines) as rig:
                found[name] = steps(*rig.measure(3))
    ours, fixed = found["wattrig"], found["fixed schedule"]
    print(f"{'step':<36} {'wattrig':>10} {'fixed schedule':>16}")
    for step in ours:
        print(f"{step:<36} {ours[step]:8.2f} s {fixed[step]:14.2f} s")
    total, fixed_total = sum(ours.values()), sum(fixed.values())
    print(f"{'beyond both workload runs':<36} {total:8.2f} s {fixed_total:14.2f} s   ratio {total / fixed_total:.2f}")
    print(f"against {REFERENCE_S} s of the reference itself: ratio {total / REFERENCE_S:.2f}, goal 0.25")


if __name__ == "__main__":
    main()
