"""A small model for trying out a rig: matrix products in numpy, the same work for every sample."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SIZE = 256
"""Rows and columns of the matrices."""
PRODUCTS = 2
"""Products per sample: 2 x 2 x 256^3 = 67 million operations, about 2 ms of one core."""
N_SAMPLES = 64

Matrix = npt.NDArray[np.float32]


class MatMul:
    """Multiplies a sample's matrix by fixed weights; the answer is its first row, 1 KiB."""

    n_samples = performance_samples = N_SAMPLES

    def __init__(self) -> None:
        self._weights = _matrix(N_SAMPLES)
        self._inputs: dict[int, Matrix] = {}

    def load(self, indices: Sequence[int]) -> None:
        """Make the inputs of these samples."""
        self._inputs.update({index: _matrix(index) for index in indices})

    def unload(self, indices: Sequence[int]) -> None:
        """Forget the inputs of these samples."""
        for index in indices:
            self._inputs.pop(index, None)

    def infer(self, indices: Sequence[int]) -> list[bytes]:
        """Do the work of these samples."""
        return [self._infer(index) for index in indices]

    def _infer(self, index: int) -> bytes:
        result = self._inputs[index]
        for _ in range(PRODUCTS):
            result = self._weights @ result
        return bytes(result[0])


def _matrix(seed: int) -> Matrix:
    """Make a matrix that depends on the seed alone; entries so small that products of it stay finite."""
    uniform = np.random.default_rng(seed).random((SIZE, SIZE), np.float32)
    return uniform / np.float32(SIZE)
