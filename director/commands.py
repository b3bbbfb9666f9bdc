"""The commands of protocol v3 and ours, and their replies, exactly as the reference director's."""

import re
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from uuid import UUID, uuid4

from director.clock_step import step_clock
from director.door import note_connection
from director.events import ClientCame, ClockTold
from director.house import House, Owner
from director.ranging import SETTING, FixedRanges
from director.session import Session, session_name
from director.signing import answer_sign
from director.together import to_the_end
from evidence.layout import may_be_fetched
from evidence.state import reason_of_end
from evidence.summary import Summary
from evidence.traffic_log import TrafficLog
from metrology.errors import SessionError, WattrigError
from wire.clock_report import read_clock
from wire.comeback import DONE, Pass, hello_reply, same_secret
from wire.keys import KeyFolder
from wire.protocol import LABEL, Lines

ROOMS = ("director", "analyzers", "evidence", "wire", "metrology", "rules", "console")
"""The packages a director's process uses; their digests go into server.json."""

OK, ERROR, EXCEPTION = "OK", "Error", "Error: exception"
UNKNOWN_SESSION = "Error: unknown session"
UNKNOWN_SESSION_COMMAND = "Error Unknown session command"
INVALID_LABEL = "Error: invalid label"
LONGEST_REASON = 300
OFFSET = re.compile(r"[0-9]{1,12}")
RANGE = re.compile(SETTING, re.ASCII)
LABEL_LETTERS = re.compile(r"[A-Za-z0-9_-]*")


class Commands:
    """What one client may ask for.

    Args:
        lines: the connection; another one after the client came back.
        house: the director.
        owner: the conversation.
        log: server.log.

    Attributes:
        summary: the record for server.json; None once it is closed.
        session: the client's session while it is open.
        said_hello: the client knows our extensions.
        stops: the client asked the director to stop.
    """

    def __init__(self, lines: Lines, house: House, owner: Owner, log: TrafficLog) -> None:
        self.lines = lines
        self.summary: Summary | None = Summary(ROOMS)
        self.session: Session | None = None
        self.said_hello = False
        self.stops = False
        self._house = house
        self._owner = owner
        self._log = log
        self._last = ""  # the session that this client began, or proved to have begun

    async def answer(self, words: list[str]) -> str | None:
        """Do what is asked; get the reply, or None where it was sent already.

        Raises:
            WattrigError: it cannot be done, and the session cannot go on.
            OSError, ValueError, IndexError: it is a bad command, or the disk failed.
        """
        handlers: dict[str, Callable[[list[str]], Awaitable[str | None]]] = {
            "time": self._time,
            "set_ntp": self._set_ntp,
            "stop": self._stop,
            "new": self._new,
            "session": self._session_command,
            "download": self._download,
            "cleanup": self._cleanup,
            "wattrig": self._extension,
        }
        handler = handlers.get(words[0])
        return await handler(words) if handler is not None else ERROR

    async def _time(self, _words: list[str]) -> str:
        return str(time.time())

    async def _stop(self, _words: list[str]) -> str:
        self._log.info("The server will be stopped after processing this client")
        self.stops = True
        return OK

    async def _extension(self, words: list[str]) -> str | None:
        handlers: dict[str, Callable[[list[str]], Awaitable[str | None]]] = {
            "hello": self._hello,
            "clock": self._clock,
            "abort": self._abort,
            "repeat": self._repeat,
            "fetch": self._fetch,
            "sign": self._sign,
        }
        handler = handlers.get(words[1]) if len(words) > 1 else None
        return await handler(words) if handler is not None else ERROR

    async def _hello(self, _words: list[str]) -> str:
        self.said_hello = True
        return hello_reply(version("wattrig"), Pass(self._owner.secret, self._house.station.session.grace_s))

    async def _clock(self, words: list[str]) -> str:
        found = read_clock(words[2:])
        if found is None or self.session is None:
            return ERROR
        self._house.observe(ClockTold(self.session.name, *found))
        return OK

    async def _abort(self, words: list[str]) -> str:
        reason = "".join(c for c in ",".join(words[2:])[:LONGEST_REASON] if c.isprintable())
        await self.break_off(f"the client ended the session: {reason}")
        return OK

    async def _repeat(self, words: list[str]) -> str:
        session = self.session
        if session is None or words[2:] != ["testing"]:
            return ERROR
        return OK if await session.repeat() else f"{ERROR}: no further testing run is allowed"

    async def _fetch(self, words: list[str]) -> str | None:
        """Answer `fetch`, over whichever connection: the secret shows whose session it is."""
        _, _, name, secret, file, offset = words
        if not self._is_proven(name, secret) or not may_be_fetched(file) or OFFSET.fullmatch(offset) is None:
            return ERROR
        await self.lines.send_file(self._folder_of(name) / file, int(offset))
        return None

    async def _sign(self, words: list[str]) -> str:
        """Answer `sign`, over whichever connection, as `fetch`."""
        _, _, name, secret = words
        if not self._is_proven(name, secret):
            return ERROR
        if reason := reason_of_end(self._folder_of(name)):
            return f"{ERROR}: the session is not complete: {reason}"
        keys = KeyFolder(self._house.station.director.keys)
        return await answer_sign(self.lines, self._folder_of(name), keys, self._log)

    def _is_proven(self, name: str, secret: str) -> bool:
        """Tell whether a client knows the secret of a session; it may then ask about it in any way."""
        if not same_secret(secret, self._house.secret_of(name)):
            return False
        self._last = name
        return True

    def _folder_of(self, name: str) -> Path:
        return self._house.station.director.store / name

    async def _set_ntp(self, _words: list[str]) -> str:
        config = self._house.station.director
        if not config.allow_clock_step or not config.ntp:
            self._log.error("set_ntp is refused: set ntp and allow_clock_step = true in [director] to allow it")
            return EXCEPTION
        return OK if await step_clock(config.ntp) else EXCEPTION

    async def _new(self, words: list[str]) -> str:
        if len(words) != 3:
            return ERROR
        if not LABEL_LETTERS.fullmatch(words[1]):
            return INVALID_LABEL
        if not LABEL.fullmatch(words[1]) or self.summary is None:
            return EXCEPTION  # too long; or the record of this connection is closed: one session each
        client_uuid = UUID(words[2])
        await self.break_off("the client began another session")
        if busy := self._house.busy():
            return f"Error: {busy}"
        name = session_name(words[1])
        self.summary.client_uuid, self.summary.server_uuid = client_uuid, uuid4()
        self.summary.phases = {}
        self._open(session := Session(self._house.station, name, self.summary, self._log, self._house.observe))
        note_connection(session.folder, self.lines, self._log)
        party = self.lines.party
        self._house.observe(ClientCame(name, self.lines.peer, party.name if party else "", party is not None))
        return f"OK {name},{self.summary.server_uuid}"

    def _open(self, session: Session | None) -> None:
        self.session = session
        self._last = session.name if session else self._last
        self._house.opened(session, self._owner)

    async def _session_command(self, words: list[str]) -> str:
        if len(words) < 3:
            return ERROR
        session = self.session
        if session is None and words[2:] == ["done"] and self._is_complete(words[1]):
            return OK  # asked again by a client that did not hear the reply
        if session is None or words[1] not in (session.name, "*"):
            return UNKNOWN_SESSION
        if words[2:] == ["done"]:
            return await self._done(session)
        if words[2:] == ["start"]:
            return EXCEPTION
        if words[2] in ("start", "stop") and words[3:4] in (["ranging"], ["testing"]):
            return await self._phase_command(session, words[2], words[3], words[4:])
        return UNKNOWN_SESSION_COMMAND

    def ended(self, name: str, secret: str) -> str:
        """Answer a client that wants to come back to a session which is not open any more, `name`."""
        if not same_secret(secret, self._house.secret_of(name)):
            return ERROR
        reason = reason_of_end(self._folder_of(name))
        return f"{ERROR}: the session was broken off: {reason}" if reason else DONE

    def _is_complete(self, name: str) -> bool:
        return self._last != "" and name == self._last and not reason_of_end(self._folder_of(name))

    async def _phase_command(self, session: Session, verb: str, phase: str, more: list[str]) -> str:
        if verb == "stop" and not more:
            return OK if await session.stop(phase) else ERROR
        if verb == "start" and not more:
            return OK if await session.start(phase) else ERROR
        if verb == "start" and phase == "testing" and len(more) == 2:
            return await self._start_fixed(session, FixedRanges(voltage=more[0], current=more[1]))
        return UNKNOWN_SESSION_COMMAND

    async def _start_fixed(self, session: Session, ranges: FixedRanges) -> str:
        for setting in (ranges.voltage, ranges.current):
            if RANGE.fullmatch(setting) is None:
                raise SessionError(f"Error: got the range {setting[:40]!r}, expected a number")
        for number in range(1, len(self._house.station.analyzer) + 1):
            self._log.info(
                f"Analyzer [{number}] set initial values for Amps {ranges.current} and Volts {ranges.voltage}"
            )
        return OK if await session.start("testing", ranges) else ERROR

    async def _done(self, session: Session) -> str:
        self.summary = None
        try:
            await to_the_end(session.finish())
        finally:
            if not session.is_open:
                self._open(None)
        return OK

    async def _download(self, words: list[str]) -> str | None:
        if not self._last or words[1] != self._last or not may_be_fetched(words[2]):
            return ERROR
        await self.lines.send_file(self._folder_of(self._last) / words[2])
        return None

    async def _cleanup(self, words: list[str]) -> str:
        # Our copy stays in the store: nothing proves that the client's is whole.
        return OK if self._last and words[1] == self._last else ERROR

    async def break_off(self, reason: str) -> None:
        """End a session that cannot go on; all that it has is kept."""
        session = self.session
        if session is None:
            return
        try:
            await to_the_end(session.abort(reason))
        except (WattrigError, OSError) as problem:
            self._log.error(f"The session {session.name} could not be closed in order: {problem}")
        finally:
            self._open(None)
