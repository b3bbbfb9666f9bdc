"""The rig in numbers: kills, many sessions, a day's samples, load; the tables that docs/ shows.

python -m bench.soak [--kills N] [--sessions N] [--samples N] [--seconds S] [--write FILE]      0 leaves a part out
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench import load, sessions
from bench.kills import VICTIMS, Outcome, kill_once

KILLS, SESSIONS, DAY_SAMPLES, LOAD_S = 200, 2000, 86_400, 120.0
AT_ONCE = 6
"""Labs that run side by side; each mostly waits."""
GROWTH_MIB = 8.0
"""Most that a director's memory may grow from the second half of many sessions on."""
HEADING = (
    "| killed | sessions | complete | aborted | not begun | samples | lost | wrong | damaged | left | closed after |"
)


def outcomes(kills: int) -> list[Outcome]:
    """Run so many experiments, each in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="wattrig-soak-") as folder, ProcessPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(kill_once, (Path(folder) / str(seed) for seed in range(kills)), range(kills)))


def table(found: Sequence[Outcome]) -> Iterator[str]:
    """Get the lines of the table, one for each kind of process and one for all."""
    yield HEADING
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    for victim in VICTIMS:
        yield _row(victim, [each for each in found if each.victim.startswith(victim)])
    yield _row("all", found)


def _row(name: str, found: Sequence[Outcome]) -> str:
    states = Counter(each.state for each in found)
    sums = [sum(getattr(each, key) for each in found) for key in ("samples", "lost", "wrong", "damaged", "left")]
    slowest = max((each.recovered_s for each in found), default=0.0)
    counts = [len(found), states["complete"], states["aborted"], states["none"], *sums]
    return f"| {name} | {' | '.join(map(str, counts))} | {slowest:.1f} s |"


def kills_part(count: int) -> tuple[list[str], bool]:
    """Kill processes; get the text, and whether all was well."""
    found = outcomes(count)
    bad = [each for each in found if not each.is_good]
    text = f"`kill -9` of one process at a random moment of {count} sessions with phases of 3 s:"
    return ["## Kills", "", text, "", *table(found), *(f"\n{each}" for each in bad)], not bad


def sessions_part(count: int) -> tuple[list[str], bool]:
    """Run many short sessions; as `kills_part`."""
    with tempfile.TemporaryDirectory(prefix="wattrig-soak-") as folder:
        points = sessions.many(Path(folder), count)
    rows = [f"| {each.sessions} | {each.rss_mib:.1f} MiB | {each.files} | {each.at_s:.0f} s |" for each in points]
    growth_mib = points[-1].rss_mib - points[len(points) // 2].rss_mib
    text = (
        f"{count} short sessions, one after the other, against one director; its memory and open files between them. "
        f"Growth over the second half: {growth_mib:+.1f} MiB."
    )
    heads = ["| sessions | memory | open files | after |", "|---:|---:|---:|---:|"]
    flat = growth_mib < GROWTH_MIB and len({point.files for point in points}) == 1
    return ["## Many sessions", "", text, "", *heads, *rows], flat


def day_part(samples: int) -> tuple[list[str], bool]:
    """Run a session with a day's samples; as `kills_part`."""
    with tempfile.TemporaryDirectory(prefix="wattrig-soak-") as folder:
        day = sessions.day(Path(folder), samples)
    text = (
        f"One session whose daemon hands over {day.samples} samples at once in each phase ({samples / 3600:g} h at "
        f"1 Hz), with all downloads: {day.took_s:.1f} s; the director's memory was {day.before_mib:.0f} MiB before, "
        f"{day.most_mib:.0f} MiB at most, {day.after_mib:.0f} MiB after it."
    )
    return ["## A day at once", "", text], True


def load_part(seconds: float) -> tuple[list[str], bool]:
    """Measure under load; as `kills_part`."""
    with tempfile.TemporaryDirectory(prefix="wattrig-soak-") as folder:
        found = load.load(Path(folder), seconds)
    text = (
        f"A testing run of {seconds:g} s in quiet, and one with {load.IDLE} idle and half-open connections and "
        f"{load.FLOODS} that send garbage without end ({found.opened} connections made, {found.said_mib:.0f} MiB "
        "sent). How late samples are after the analyzer's update; added at the 99th percentile: "
        f"{found.added_ms:+.1f} ms, allowed {load.GOAL_MS:g} ms."
    )
    heads = ["| | samples | missed | p50 | p99 |", "|---|---:|---:|---:|---:|"]
    rows = [
        f"| {name} | {samples} | {missed} | {p50_ms:.1f} ms | {p99_ms:.1f} ms |"
        for name, samples, missed, p50_ms, p99_ms in zip(
            ("in quiet", "under load"), found.samples, found.missed, found.p50_ms, found.p99_ms, strict=True
        )
    ]
    return ["## Under load", "", text, "", *heads, *rows], found.is_good


def heading(words: Sequence[str]) -> list[str]:
    """Say what printed this, when and where."""
    machine = f"Python {platform.python_version()}, {platform.system()} {platform.release().partition('-')[0]}"
    command, date = " ".join(["python -m bench.soak", *words]), time.strftime("%Y-%m-%d", time.gmtime())
    text = (
        f"Printed by `{command}` on {date} ({machine}, {os.cpu_count()} processors). `make soak` runs it in full and "
        "writes this page."
    )
    return ["# What the soak showed", "", text, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--samples", type=int, default=DAY_SAMPLES)
    parser.add_argument("--seconds", type=float, default=LOAD_S)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    given = (options.kills, options.sessions, options.samples, options.seconds)
    works = zip((kills_part, sessions_part, day_part, load_part), given, strict=True)
    parts = [work(count) for work, count in works if count]
    words = [word for word in sys.argv[1:] if word not in ("--write", str(options.write))]
    text = "\n".join([*heading(words), "\n\n".join("\n".join(lines) for lines, _ in parts), ""])
    print(text)
    if options.write:
        options.write.write_text(text)
    raise SystemExit(0 if all(good for _, good in parts) else 1)


if __name__ == "__main__":
    main()
