"""Kills in numbers: sessions of 3 s phases, in each a process killed at a random moment; the table that docs/ shows.

python -m bench.soak [KILLS]
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench.kills import VICTIMS, Outcome, kill_once

KILLS = 200
AT_ONCE = 6
"""Labs that run side by side; each mostly waits."""
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


def main() -> None:
    found = outcomes(int(sys.argv[1]) if len(sys.argv) > 1 else KILLS)
    print("\n".join(table(found)))
    bad = [each for each in found if not each.is_good]
    for each in bad:
        print(each)
    raise SystemExit(1 if bad else 0)


if __name__ == "__main__":
    main()
