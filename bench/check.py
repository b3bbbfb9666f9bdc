"""Speed of `wattrig check`, as ratios against plain alternatives in the same run.

Makes its own sessions from one that it measures first (or takes `--session FOLDER`):
- one session: whole processes, against a plain standard-library script plus 150 ms;
- two rounds of copies, of eleven and of ninety minutes each, and with `--session` a third one of that very session:
  against one process for each session of that script with `--whole`, which makes the reference's eleven checks, and
  with `--reference` against one of MLCommons' own checker;
- the same rounds again, out of the cache;
- a 1 GB LoadGen log: against `sha1sum` of it, and how much memory it takes;
- 24 h of samples at 1 Hz with the 29 MB that PTDaemon logs of them: against that script with `--whole`.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.long_session import as_result, stretched

HERE = Path(__file__).parent
WATTRIG = Path(sys.executable).with_name("wattrig")
COPIES = 200
TEN_MINUTES_S, NINETY_MINUTES_S, DAY_S = 660, 5_400, 86_400


def seconds(call: Callable[[], object], runs: int = 5) -> float:
    """Median wall time of several runs after one to warm up, in seconds."""
    call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return median(times)


def run(*command: str | Path) -> None:
    """Run a command whose verdict does not matter here; a tool failure (2) or nothing checked (3) does."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr}")


def wattrig(path: Path, *options: str) -> None:
    run(WATTRIG, "check", path, "--format", "json", *options)


def plain(path: Path, *options: str) -> None:
    run(sys.executable, HERE / "plain_check.py", path, *options)


def report(what: str, ours_s: float, other_s: float, other: str, goal: str) -> None:
    print(f"{what:<34} {ours_s * 1000:9.1f} ms   {other:<32} {other_s * 1000:9.1f} ms   ratio {ours_s / other_s:6.3f}"
          f"   goal {goal}", flush=True)  # fmt: skip


def measure_session(folder: Path) -> Path:
    subprocess.run([WATTRIG, "demo", "--seconds", "5", "--out", folder], check=True, capture_output=True)
    return next(folder.glob("*/power/client.json")).parent.parent


def round_of_sessions(session: Path, root: Path) -> Path:
    for number in range(COPIES):
        as_result(session, root / f"closed/lab/results/box{number}/resnet50/Offline/performance")
    return root


def with_large_detail_log(session: Path, target: Path, size: int) -> Path:
    """A session whose testing run has a LoadGen log of `size` bytes: the bulk is per-sample records."""
    as_result(session, target)
    detail = target / "run_1" / "mlperf_log_detail.txt"
    filler = (
        b':::MLLOG {"key": "sample_complete", "value": 1234567, "time_ms": 1234.567, "namespace": "mlperf::logging", '
        b'"event_type": "POINT_IN_TIME", "metadata": {"is_error": false, "is_warning": false, "file": "logging.cc", '
        b'"line_no": 100, "pid": 1, "tid": 2}}\n'
    ) * 4000
    tail = detail.read_bytes()
    with detail.open("wb") as file:
        for _ in range(size // len(filler)):
            file.write(filler)
        file.write(tail)
    return target


def most_memory_mib(path: Path) -> float:
    """Most memory that checking a session takes, with all its processes, in MiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    wattrig(path, "--no-cache")
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(before, after) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--session", type=Path, help="session folder to start from, instead of measuring one")
    parser.add_argument("--reference", type=Path, help="a copy of MLCommons' check.py, to be timed too")
    parser.add_argument("--large", type=int, default=1 << 30, help="size of the large LoadGen log, bytes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        # As where it is installed: modules are compiled once.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
        session = options.session or measure_session(folder / "demo")
        one_session(session, folder)
        for seconds_each in (TEN_MINUTES_S, NINETY_MINUTES_S):
            one = stretched(session, folder / f"of_{seconds_each}", seconds_each)
            a_round(one, folder, f"of {seconds_each // 60} min", options.reference)
        if options.session:
            a_round(options.session, folder, "as given", options.reference)
        large_log(session, folder, options.large)
        day = stretched(session, folder / "day", DAY_S)
        report("24 h of samples at 1 Hz", seconds(lambda: wattrig(day, "--no-cache"), runs=3),
               seconds(lambda: plain(day, "--whole"), runs=3), "plain script --whole", "0.2")  # fmt: skip


def one_session(session: Path, folder: Path) -> None:
    one = as_result(session, folder / "one")
    base_s = seconds(lambda: plain(one))
    report("one session", seconds(lambda: wattrig(one)), base_s + 0.150, "plain script + 150 ms", "1")


def a_round(one: Path, folder: Path, told: str, reference: Path | None) -> None:
    base_s = seconds(lambda: plain(one, "--whole"))
    root = round_of_sessions(one, folder / "round")
    ours_s = seconds(lambda: wattrig(root, "--no-cache"), runs=3) / COPIES
    report(f"{COPIES} {told}, per session", ours_s, base_s, "plain script --whole per session", "0.05")
    if reference:
        other_s = seconds(lambda: run(sys.executable, reference, one))
        report("  the same", ours_s, other_s, "check.py per session", "0.05")
    again_s = seconds(lambda: wattrig(root), runs=3) / COPIES
    report("  again, out of the cache", again_s, base_s, "plain script --whole per session", "-")
    shutil.rmtree(root)


def large_log(session: Path, folder: Path, size: int) -> None:
    big = with_large_detail_log(session, folder / "big", size)
    hash_s = seconds(lambda: run("sha1sum", big / "run_1" / "mlperf_log_detail.txt"), runs=3)
    report("a large LoadGen log", seconds(lambda: wattrig(big), runs=3), hash_s, "sha1sum", "1.5")
    print(f"  most memory: {most_memory_mib(big):.0f} MiB   goal 300", flush=True)
    shutil.rmtree(big)


if __name__ == "__main__":
    main()
