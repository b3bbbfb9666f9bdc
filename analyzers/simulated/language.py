"""The language of Yokogawa's instruments, apart from what any one command does.

A message is one line of commands parted by `;`. Each mnemonic has a long form and a short one, its capitals:
`[:INPut]:CURRent:RANGe` is called by `:INP:CURR:RANG`, `:input:current:range` and `:CURR:RANG`. After a command
`:CURR:RANG 1A` a next one without leading colon starts in the same group: `:CURR:RANG 1A;AUTO?`. A command error ends
the message; what was answered before it is still sent.
"""

import itertools
import re
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from analyzers.simulated.status import CommandError, Status

MOST_ARGUMENTS = 180
"""Most that an instrument known takes: items of a Hioki's `:MEASure?` (PW3335A985-01 p. 68)."""
_MNEMONIC = re.compile(r"(\[?):?([*A-Za-z]+)(<x>)?\]?")
_WORD = re.compile(r"([*A-Z]+)(\d{0,5})")

Device = TypeVar("Device")


@dataclass(frozen=True, slots=True)
class Call:
    """One command as it was sent: its arguments in capitals, and the number in its header (0 where there is none)."""

    arguments: tuple[str, ...]
    suffix: int = 0

    def only(self) -> str:
        """Get the one argument of a command that takes one."""
        if len(self.arguments) != 1:
            raise CommandError(108 if self.arguments else 109)
        return self.arguments[0]


@dataclass(frozen=True)
class Command(Generic[Device]):
    """A command and what it does; its query answers in text.

    Attributes:
        pattern: `[:INPut]:CURRent:RANGe`: capitals are the short form, brackets may be left out, `<x>` is a number.
        write: carries out the setting; None where there is only a query.
        query: answers the query; None where there is only a setting.
        headed: whether the answer bears the header while headers are on.
    """

    pattern: str
    write: Callable[[Device, Call], None] | None = None
    query: Callable[[Device, Call], str] | None = None
    headed: bool = True
    _parts: list[tuple[str, str, str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_parts", _MNEMONIC.findall(self.pattern))

    def forms(self) -> set[tuple[str, ...]]:
        """Get all ways to write the header, each as its mnemonics in capitals with `#` for a number."""
        choices = []
        for optional, word, number in self._parts:
            mark = "#" if number else ""
            ways: set[tuple[str, ...]] = {(word.upper() + mark,), (short_form(word) + mark,)}
            choices.append(ways | {()} if optional else ways)
        return {tuple(itertools.chain(*way)) for way in itertools.product(*choices)} - {()}

    def header(self, suffix: int, verbose: bool) -> str:
        """Write the header as answers bear it: in full while verbose, else short and without what may be left out."""
        words = [
            (word.upper() if verbose else short_form(word)) + (str(suffix) if number else "")
            for optional, word, number in self._parts
            if verbose or not optional
        ]
        return "".join(f":{word}" for word in words)


def short_form(word: str) -> str:
    """Get the short form of a mnemonic, or of a word that a setting can be: its capitals, signs and digits."""
    return "".join(letter for letter in word if not letter.islower())


class Interpreter(Generic[Device]):
    """Carries out messages on a device."""

    def __init__(self, device: Device, status: Status, commands: Iterable[Command[Device]]) -> None:
        self._device, self._status = device, status
        self._commands = {form: command for command in commands for form in command.forms()}

    def run(self, message: str) -> Generator[None, None, str]:
        """Carry out a message and return its answer, empty for none; yields while a command waits for an event."""
        answers: list[str] = []
        group: tuple[str, ...] = ()
        for unit in filter(None, (part.strip() for part in message.split(";"))):
            try:
                group, answer = self._carry_out(unit, group)
            except CommandError as error:
                self._status.fail(error.code)
                if error.code < 200:
                    break
                continue
            if answer:
                answers.append(answer)
            while self._status.blocked:
                yield
        return ";".join(answers)

    def _carry_out(self, unit: str, group: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
        header, *rest = unit.upper().split(None, 1)
        words = tuple(header.removesuffix("?").removeprefix(":").split(":"))
        if not header.startswith((":", "*")):
            words = group + words
        command, suffix = self._find(words)
        call = Call(_arguments("".join(rest)), suffix)
        answer = self._answer(command, call) if header.endswith("?") else ""
        if not header.endswith("?"):
            _write(command, self._device, call)
        return (group if header.startswith("*") else words[:-1]), answer

    def _find(self, words: tuple[str, ...]) -> tuple[Command[Device], int]:
        matches = [_WORD.fullmatch(word) for word in words]
        parts = [(match[1], match[2]) for match in matches if match is not None]
        command = self._commands.get(tuple(name + ("#" if number else "") for name, number in parts))
        if command is None or len(parts) != len(words):
            raise CommandError(113)
        return command, int("".join(number for _, number in parts) or 0)

    def _answer(self, command: Command[Device], call: Call) -> str:
        if command.query is None:
            raise CommandError(113)
        answer = command.query(self._device, call)
        if not (self._status.headed and command.headed):
            return answer
        return f"{command.header(call.suffix, self._status.verbose)} {answer}"


class Interpreted:
    """An instrument whose messages an interpreter carries out, and that sends nothing without being asked.

    Attributes:
        status: what it reports about itself.
    """

    status: Status
    _interpreter: Interpreter[Any]

    def run(self, message: str) -> Generator[None, None, str]:
        """See `device.Device`."""
        return self._interpreter.run(message)

    def tell(self) -> str:
        """See `device.Device`."""
        return ""

    def overrun(self) -> None:
        """See `device.Device`."""
        self.status.fail(363)


def _write(command: Command[Device], device: Device, call: Call) -> None:
    if command.write is None:
        raise CommandError(113)
    command.write(device, call)


def _arguments(text: str) -> tuple[str, ...]:
    arguments = tuple(part.strip() for part in text.split(",")) if text.strip() else ()
    if len(arguments) > MOST_ARGUMENTS:
        raise CommandError(108)
    return arguments
