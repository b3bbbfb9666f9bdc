"""One LoadGen test of the digits model: `python model.py --model digits.onnx --scenario Offline --logs DIR ...`."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

# Read when the libraries are loaded; one core leaves the rig one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import onnxruntime
from digits import VALIDATION, Floats, pictures, scaled

from sut_client.loadgen import command_line

BENCHMARK = "resnet50"
"""LoadGen's name of the MLPerf model that this one is mapped onto: its settings hold."""
VALIDATION_SEED = 2
ANSWER = np.dtype("<i4")
"""An answer is the digit as four bytes."""


class Digits:
    """Runs the network with ONNX Runtime on one core."""

    n_samples = VALIDATION
    performance_samples = 1024

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._shown, _ = pictures(VALIDATION, VALIDATION_SEED)
        self._ready: dict[int, Floats] = {}

    def load(self, indices: Sequence[int]) -> None:
        """Scale these pictures."""
        self._ready.update(zip(indices, scaled(self._shown[list(indices)]), strict=True))

    def unload(self, indices: Sequence[int]) -> None:
        """Forget these pictures."""
        for index in indices:
            self._ready.pop(index, None)

    def infer(self, indices: Sequence[int]) -> list[bytes]:
        """Tell the digit on each picture."""
        (digits,) = self._session.run(["digit"], {"picture": np.stack([self._ready[index] for index in indices])})
        return [digit.tobytes() for digit in digits.astype(ANSWER)]


if __name__ == "__main__":
    model_path = Path(sys.argv[sys.argv.index("--model") + 1])
    rest = [word for word in sys.argv[1:] if word not in ("--model", str(model_path))]
    command_line(lambda: Digits(model_path), BENCHMARK, rest)
