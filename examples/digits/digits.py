"""A small real model: which digit is drawn on a noisy picture of 16 x 16 points.

The pictures are drawn from a 5 x 7 font, shifted and spoiled by noise, the same ones on every machine. A network with
one hidden layer learns them in some seconds, with numpy alone, and is written as ONNX.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Pictures = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int32]

SIDE, HIDDEN, CLASSES = 16, 1536, 10
TRAINING, VALIDATION = 12_000, 50_000
"""Number of pictures; validation has as many as the data set of the MLPerf model that this one is mapped onto."""
NOISE = 40.0
"""Standard deviation of the noise, of 255."""
EPOCHS, BATCH, RATE = 10, 64, 0.05
FONT = (
    "01110100011001110101110011000101110",
    "00100011000010000100001000010001110",
    "01110100010000100010001000100011111",
    "11111000100010000010000011000101110",
    "00010001100101010010111110001000010",
    "11111100001111000001000011000101110",
    "00110010001000011110100011000101110",
    "11111000010001000100010000100001000",
    "01110100011000101110100011000101110",
    "01110100011000101111000010001001100",
)


def pictures(count: int, seed: int) -> tuple[Pictures, Labels]:
    """Draw pictures: (count, 256) grey values, and what each shows."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, CLASSES, count).astype(np.int32)
    glyphs = np.array([[int(point) for point in glyph] for glyph in FONT], np.float32).reshape(CLASSES, 7, 5) * 160
    canvas = random.normal(60, NOISE, (count, SIDE, SIDE)).astype(np.float32)
    rows, columns = random.integers(3, 6, count), random.integers(4, 7, count)
    for number in range(count):
        row, column = rows[number], columns[number]
        canvas[number, row : row + 7, column : column + 5] += glyphs[labels[number]]
    return canvas.clip(0, 255).astype(np.uint8).reshape(count, -1), labels


def scaled(values: Pictures) -> Floats:
    """Turn grey values into what the network takes."""
    return values.astype(np.float32) / np.float32(127.5) - np.float32(1)


def train(seed: int = 1) -> list[Floats]:
    """Learn the weights: hidden layer, its bias, output layer, its bias."""
    random = np.random.default_rng(seed)
    shown, labels = pictures(TRAINING, seed)
    inputs, wanted = scaled(shown), np.eye(CLASSES, dtype=np.float32)[labels]
    sizes = ((SIDE * SIDE, HIDDEN), (HIDDEN, CLASSES))
    first, last = (random.normal(0, (2 / size[0]) ** 0.5, size).astype(np.float32) for size in sizes)
    weights = [first, np.zeros(HIDDEN, np.float32), last, np.zeros(CLASSES, np.float32)]
    for _ in range(EPOCHS):
        order = random.permutation(TRAINING)
        for begin in range(0, TRAINING, BATCH):
            _learn(weights, inputs[order[begin : begin + BATCH]], wanted[order[begin : begin + BATCH]])
    return weights


def _learn(weights: list[Floats], inputs: Floats, wanted: Floats) -> None:
    """Take one step down the gradient of the cross entropy."""
    hidden = np.maximum(inputs @ weights[0] + weights[1], 0)
    raw = hidden @ weights[2] + weights[3]
    likely = np.exp(raw - raw.max(axis=1, keepdims=True))
    error = (likely / likely.sum(axis=1, keepdims=True) - wanted) / np.float32(len(inputs))
    inner = (error @ weights[2].T) * (hidden > 0)
    for weight, slope in zip(weights, (inputs.T @ inner, inner.sum(0), hidden.T @ error, error.sum(0)), strict=True):
        weight -= np.float32(RATE) * slope


def write_onnx(weights: list[Floats], path: Path) -> None:
    """Write the network as ONNX: pictures (N, 256) in, the digit of each (N) out."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    names = ("hidden_weights", "hidden_bias", "output_weights", "output_bias")
    nodes = [
        helper.make_node("Gemm", ["picture", names[0], names[1]], ["raw_hidden"]),
        helper.make_node("Relu", ["raw_hidden"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", names[2], names[3]], ["raw"]),
        helper.make_node("ArgMax", ["raw"], ["digit"], axis=1, keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["N", SIDE * SIDE])],
        [helper.make_tensor_value_info("digit", TensorProto.INT64, ["N"])],
        [numpy_helper.from_array(weight, name) for weight, name in zip(weights, names, strict=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    checker.check_model(model)
    save(model, path)
