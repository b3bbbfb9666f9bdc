"""Energy that the rig measures against what the simulated analyzer truly drew, for three loads.

Whole sampling intervals inside LoadGen's window must agree within 0.2 %; what the two cut intervals add is apart.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from bench.rig import running_rig
from evidence import layout
from evidence.loadgen_log import read_detail
from evidence.ptd_protocol import parse_sample
from scoring.truth import Comparison, compare, read_truth

LOADS = {
    "constant": ("--load", "constant"),
    "square": ("--load", "square", "--period", "3.7"),
    "cpu": ("--load", "cpu"),
}
GOAL = 0.002


def compare_session(session: Path, truth: Path) -> Comparison:
    """Compare the testing phase of a session with the truth."""
    lines = (session / layout.TESTING_SPL).read_text().split("\n")
    samples = [parse_sample(line.split(",Mark,")[0]) for line in lines if line]
    t_ns = np.array([sample.t_utc_ns for sample in samples], np.int64)
    power_w = np.array([sample.total.power_w for sample in samples])
    window = read_detail(session / "run_1" / "mlperf_log_detail.txt").windows[0]
    return compare(t_ns, power_w, (window.begin_ns, window.end_ns), read_truth(truth))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20, help="length of each phase")
    seconds = parser.parse_args().seconds
    print("load       whole intervals   measured J     true J      error    edges      error they add   goal")
    with tempfile.TemporaryDirectory() as scratch:
        for name, load in LOADS.items():
            with running_rig(Path(scratch) / name, load) as rig:
                session, _ = rig.measure(seconds)
                found = compare_session(session, rig.truth)
            print(
                f"{name:<10} {found.whole_s:13.3f} s {found.whole_j:12.2f} {found.whole_true_j:10.2f} "
                f"{found.error:+10.4%} {found.edges_s:6.3f} s {found.edges_error:+16.4%}   +-{GOAL:.1%}"
            )


if __name__ == "__main__":
    main()
