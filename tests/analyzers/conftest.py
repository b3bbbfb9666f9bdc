"""A line on which a dialogue is written down beforehand, for the protocol tests of the drivers."""

import pytest

from analyzers.transport.block import split_block
from metrology.errors import InstrumentError

SILENCE = object()


class Scripted:
    """A transport that expects each message in turn and answers it; `leftovers` must be empty at the end.

    A turn is a message, or a tuple of a message and its answers.
    """

    byte_s = 0.0

    def __init__(self, *dialogue):
        self.leftovers = [turn if isinstance(turn, tuple) else (turn,) for turn in dialogue]
        self.answers = []
        self.closed = False

    def write(self, message):
        assert self.leftovers, f"nothing more expected, got {message!r}"
        expected, *answers = self.leftovers.pop(0)
        assert message == expected
        self.answers += answers

    def read(self, timeout_s):
        if not self.answers or self.answers[0] is SILENCE:
            self.answers = self.answers[1:]
            raise InstrumentError(f"no answer within {timeout_s:g} s")
        return self.answers.pop(0), 1_000_000_000, 5

    def read_block(self, timeout_s):
        block, rest = split_block(self.read(timeout_s)[0])
        return block, rest.decode("ascii"), 1_000_000_000, 5

    def clear(self):
        self.answers.clear()

    def close(self):
        self.closed = True


@pytest.fixture
def scripted():
    """Make scripted lines, and check at the end of the test that all was spoken and read."""
    lines = []

    def make(*dialogue):
        lines.append(Scripted(*dialogue))
        return lines[-1]

    make.SILENCE = SILENCE
    yield make
    for line in lines:
        assert line.leftovers == []
        assert line.answers == []
