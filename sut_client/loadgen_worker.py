"""Answers LoadGen's queries with a model, in a thread of its own."""

import array
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import mlperf_loadgen as lg

if TYPE_CHECKING:
    from sut_client.loadgen import Model

MODEL_FAILED = 70
"""Exit status where the model raised: LoadGen would wait for its answer for ever."""


class Worker:
    """Works on queries one after the other, some samples at a time.

    Args:
        model: does the work.
        batch: most samples that are given to the model at once.
        least_s: least time for the answers of one query; 0 for as fast as the model is.
    """

    def __init__(self, model: "Model", batch: int = 1, least_s: float = 0.0) -> None:
        self._model = model
        self._batch = max(1, batch)
        self._least_s = least_s
        self._queries: queue.SimpleQueue[Sequence[Any]] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def issue(self, samples: Sequence[Any]) -> None:
        """Take a query from LoadGen."""
        self._queries.put(samples)

    def flush(self) -> None:
        """Do nothing: every query is worked on as it comes."""

    def _work(self) -> None:
        try:
            while True:
                self._answer(self._queries.get())
        except Exception:  # noqa: BLE001 - whatever a model raises, the test must end
            sys.stderr.write(traceback.format_exc())
            sys.stderr.flush()
            os._exit(MODEL_FAILED)

    def _answer(self, samples: Sequence[Any]) -> None:
        started_s = time.monotonic()
        for begin in range(0, len(samples), self._batch):
            batch = samples[begin : begin + self._batch]
            answers = self._model.infer([sample.index for sample in batch])
            # The buffers must live until LoadGen has copied them.
            buffers = [array.array("B", answer) for answer in answers]
            early_s = started_s + self._least_s * (begin + len(batch)) / len(samples) - time.monotonic()
            if early_s > 0:
                time.sleep(early_s)
            found = [(sample.id, *buffer.buffer_info()) for sample, buffer in zip(batch, buffers, strict=True)]
            lg.QuerySamplesComplete([lg.QuerySampleResponse(*response) for response in found])
