"""Questions and answers over a line on which an answer may come late, after whoever asked has given up.

An answer is only believed while none is owed: after one that did not come, or made no sense, `*IDN?` is asked first
and whatever comes before the identity is thrown away.
"""

import re
import time
from typing import NamedTuple

from analyzers.driver import Family
from analyzers.transport import Transport
from metrology.errors import InstrumentAbsentError, InstrumentError, WrongInstrumentError

ANSWER_S = 2.0
"""Longest wait for an answer that does not wait for an update."""


class Answer(NamedTuple):
    """What came, the moments of its first byte, UTC and monotonic nanoseconds, and when it had been asked for."""

    text: str
    t_utc_ns: int
    t_mono_ns: int
    asked_mono_ns: int


_IDENTITY = re.compile(r"[A-Za-z][^,;]*(,[^,;]*){3}")


class Dialogue:
    """A conversation with one instrument.

    Args:
        line: how it is reached.
        family: what it should be.
    """

    def __init__(self, line: Transport, family: Family) -> None:
        self.line = line
        self._family = family
        self._identity = ""
        self._behind = False

    def identify(self) -> str:
        """Find out who is there.

        Raises:
            InstrumentAbsentError: nobody answers.
            WrongInstrumentError: something else answers.
        """
        self._identity = self._who(ANSWER_S)
        if not re.fullmatch(self._family.idn, self._identity):
            raise WrongInstrumentError(
                f"{self._identity!r} answered, expected a {self._family.title}, "
                f"device type {self._family.device_type}",
                "give the device type of the analyzer that is connected, or the port of the one you mean",
            )
        return self._identity

    def _who(self, timeout_s: float) -> str:
        """Ask who is there, and skip answers to questions of a program that is gone."""
        self.line.write("*IDN?")
        deadline_s = time.monotonic() + timeout_s
        strange = ""
        while not _IDENTITY.fullmatch(strange):
            try:
                strange = self.line.read(max(0.0, deadline_s - time.monotonic()))[0].strip()
            except InstrumentError as problem:
                if not strange:
                    raise InstrumentAbsentError(problem.message, problem.hint) from problem
                raise WrongInstrumentError(
                    f"{strange[:80]!r} came in answer to '*IDN?', expected a {self._family.title}",
                    "check port, baud rate and terminator",
                ) from problem
        return strange

    def write(self, message: str) -> None:
        """Send a message that is not answered."""
        self.line.write(message)

    def ask(self, message: str) -> str:
        """Ask a question that is answered at once."""
        return self.exchange(message, ANSWER_S)[0]

    def catch_up(self, timeout_s: float = ANSWER_S) -> None:
        """Throw away whatever the instrument has to say before it answers who it is."""
        if (identity := self._who(timeout_s)) != self._identity:
            raise WrongInstrumentError(f"{identity!r} answered where {self._identity!r} did before")
        self._behind = False

    def exchange(self, message: str, timeout_s: float) -> Answer:
        """Ask, and get the answer with its moments."""
        asked_ns = self._ask(message, timeout_s)
        answer, t_utc_ns, t_mono_ns = self.line.read(timeout_s)
        self._behind = False
        return Answer(answer.strip(), t_utc_ns, t_mono_ns, asked_ns)

    def exchange_block(self, message: str, timeout_s: float) -> tuple[bytes, Answer]:
        """Ask for an answer that begins with a block of bytes; get them, and the rest of it."""
        asked_ns = self._ask(message, timeout_s)
        block, rest, t_utc_ns, t_mono_ns = self.line.read_block(timeout_s)
        self._behind = False
        return block, Answer(rest.strip(), t_utc_ns, t_mono_ns, asked_ns)

    def _ask(self, message: str, timeout_s: float) -> int:
        """Send a question; get when the instrument has it, monotonic nanoseconds."""
        if self._behind:
            self.catch_up(timeout_s)
        self._behind = True
        began_ns = time.monotonic_ns()
        self.line.write(message)
        # Writing may return while the bytes are still leaving, and may only return once they have.
        return max(time.monotonic_ns(), began_ns + round(len(message) * self.line.byte_s * 1e9))

    def garbled(self, answer: str, question: str) -> InstrumentError:
        """Make the error for an answer that makes no sense."""
        self._behind = True
        return InstrumentError(f"the {self._family.title} answered {question!r} with {answer[:80]!r}")
