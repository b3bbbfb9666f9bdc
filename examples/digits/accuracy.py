"""What an accuracy run of the digits model got right: mlperf_log_accuracy.json in, accuracy.txt beside it out."""

import json
import sys
from pathlib import Path

import numpy as np
from digits import VALIDATION, pictures
from model import ANSWER, VALIDATION_SEED


def write_accuracy(logs: Path) -> float:
    """Write accuracy.txt in the words of MLPerf's image classification; get the accuracy in percent."""
    _, labels = pictures(VALIDATION, VALIDATION_SEED)
    answers = json.loads((logs / "mlperf_log_accuracy.json").read_text())
    told = {answer["qsl_idx"]: int(np.frombuffer(bytes.fromhex(answer["data"]), ANSWER)[0]) for answer in answers}
    good = sum(told.get(index) == label for index, label in enumerate(labels.tolist()))
    percent = 100 * good / len(labels)
    (logs / "accuracy.txt").write_text(f"accuracy={percent:.3f}%, good={good}, total={len(labels)}\n")
    return percent


if __name__ == "__main__":
    print(f"{write_accuracy(Path(sys.argv[1])):.3f} %")
