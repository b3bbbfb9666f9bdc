"""All that is said between the director and one analyzer's daemon: into server.log, the journal and server.json."""

import hashlib
from collections.abc import Sequence

from evidence.journal import Note
from evidence.traffic_log import TrafficLog

Message = dict[str, str]
"""A command to the daemon, `cmd`, and its `reply`, as server.json has them."""


class Overheard:
    """The witness of one analyzer's conversation; in server.log it uses the reference's words, spelt as there.

    Args:
        number: the analyzer's, from 1, as in the station file.
        log: the session's server.log.
        note: keeps a record in the session's journal.

    Attributes:
        messages: of the session, for server.json.
    """

    def __init__(self, number: int, log: TrafficLog, note: Note) -> None:
        self.messages: list[Message] = []
        self._number = number
        self._log = log
        self._note = note
        self._phase_start = 0

    def asked(self, command: str) -> None:
        """See `Witness`."""
        self.say(f"is sending to ptd: {command!r}")
        self._note("asked", of=self._number, cmd=command)

    def answered(self, command: str, reply: str) -> None:
        """See `Witness`."""
        self.say(f"recieved reply from ptd: {reply!r}")
        self.messages.append({"cmd": command, "reply": reply})
        self._note("answered", of=self._number, cmd=command, reply=reply)

    def announced(self, count: int) -> None:
        """See `Witness`."""
        self.say(f"is trying to read {count} lines")

    def listed(self, lines: Sequence[str]) -> None:
        """See `Witness`."""
        text = "".join(f"{line}\n" for line in lines)
        self.say(f"got reply from ptd: {text!r}")
        # Its samples stand in the journal already, one by one.
        self._note("listed", of=self._number, lines=len(lines), sha256=hashlib.sha256(text.encode()).hexdigest())

    def say(self, text: str) -> None:
        """Write into server.log what happens with the analyzer."""
        self._log.info(f"Analyzer [{self._number}] {text}")

    def warn(self, text: str) -> None:
        """Warn in server.log of something about the analyzer."""
        self._log.warning(f"Analyzer [{self._number}] {text}")

    def begin_phase(self) -> None:
        """Let `of_phase` count from here."""
        self._phase_start = len(self.messages)

    @property
    def of_phase(self) -> list[Message]:
        """Get the messages since the phase was begun."""
        return self.messages[self._phase_start :]

    def forget_phase(self) -> None:
        """Leave them out of server.json, since the phase is going to be repeated."""
        del self.messages[self._phase_start :]
