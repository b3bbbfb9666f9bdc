"""Rules about the analyzer's ranges: automatic while ranging, fixed from that while testing, restored afterwards."""

import math
import re
from collections.abc import Iterator
from itertools import islice
from typing import Literal, NamedTuple

import numpy as np

from compliance.checks.common import MOST_ANALYZERS, first_ones, lines_sent
from compliance.facts import SessionFacts
from compliance.findings import Ask, Findings
from evidence.layout import SERVER_LOG
from evidence.ptd_protocol import go_reply, parse_ranges
from metrology.errors import EvidenceError

Quantity = Literal["V", "A"]
ROWS: dict[Quantity, int] = {"V": 1, "A": 2}
"""The row of each quantity in the values of a power log."""
STOP_REPLY, IDLE_STOP_REPLY = "Stopping untimed measurement", "Error: no measurement to stop"
SAME = 1e-6
"""Largest relative difference of a range that was asked for, which the director prints to the last digit."""
_GO = re.compile(r"Go,(\d{1,9}),(\d{1,9}),.*_(ranging|testing)")
_MANUAL = re.compile(r"session,[^,]*,start,testing,([^,]+),([^,]+)")


class Setting(NamedTuple):
    """A range that the director asked for: the command, and when it did so."""

    command: str
    when: Literal["before ranging", "before testing", "while measuring", "afterwards"]

    @property
    def quantity(self) -> str:
        """`V` or `A`."""
        return self.command.split(",")[1] if self.command.count(",") > 1 else ""

    @property
    def value(self) -> str:
        """The text of the range, or `Auto`."""
        return self.command.split(",")[-1]


class Dialogue(NamedTuple):
    """What the director asked of one analyzer.

    Attributes:
        initial: the reply to `RR`; empty where it was not asked.
        settings: the ranges, in order.
        runs: the words ranging, testing and Stop in the order of the measurements.
        refused: commands with a reply other than the usual one: (command, reply, usual reply).
    """

    initial: str
    settings: tuple[Setting, ...]
    runs: tuple[str, ...]
    refused: tuple[tuple[str, str, str], ...]

    def last(self, quantity: Quantity, when: str) -> Setting | None:
        """Get the range that was in force in the end of a part of the session."""
        found = [entry for entry in self.settings if entry.quantity == quantity and entry.when == when]
        return found[-1] if found else None


def dialogues(messages: tuple[tuple[str, str], ...]) -> Iterator[Dialogue]:
    """Get what was asked of each analyzer; the messages of several follow each other, each beginning with `Hello`."""
    starts = [number for number, (command, _) in enumerate(messages) if command == "Hello"] or [0]
    for start, end in zip(starts, [*starts[1:], len(messages)], strict=True):
        yield _dialogue(messages[start:end])


def _dialogue(messages: tuple[tuple[str, str], ...]) -> Dialogue:
    settings: list[Setting] = []
    runs: list[str] = []
    refused: list[tuple[str, str, str]] = []
    for command, reply in messages:
        usual = reply
        if command.startswith("SR,"):
            settings.append(Setting(command, _when(runs)))
            usual = f"Range {settings[-1].quantity} changed"
        elif match := _GO.fullmatch(command):
            runs.append(match[3])
            usual = go_reply(int(match[1]), int(match[2]))
        elif command == "Stop":
            # Until 2021 the director stopped a third time, with nothing left to stop.
            usual = IDLE_STOP_REPLY if runs[-1:] in ([], ["Stop"]) else STOP_REPLY
            runs += ["Stop"] if usual == STOP_REPLY else []
        if reply != usual:
            refused.append((command, reply, usual))
    initial = next((reply for command, reply in messages if command == "RR"), "")
    return Dialogue(initial, tuple(settings), tuple(runs), tuple(refused))


def _when(runs: list[str]) -> Literal["before ranging", "before testing", "while measuring", "afterwards"]:
    if runs and runs[-1] != "Stop":
        return "while measuring"
    return "before testing" if runs == ["ranging", "Stop"] else "afterwards" if runs else "before ranging"


def ranges_from_ranging(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that ranging came first with automatic ranges, and testing ran in the ranges that follow from it."""
    lines = lines_sent(facts)
    for dialogue in islice(dialogues(facts.record("server").ptd_messages), MOST_ANALYZERS):
        for found in _dialogue_findings(dialogue, facts, ask):
            yield found._replace(file=SERVER_LOG, line=lines.get(str(found.got)))


def _dialogue_findings(dialogue: Dialogue, facts: SessionFacts, ask: Ask) -> Findings:
    if dialogue.runs != ("ranging", "Stop", "testing", "Stop"):
        got = ", ".join(dialogue.runs)
        yield ask.fail(f"the measurements were: {got}", got=got, expected="ranging, Stop, testing, Stop")
    for command, reply, usual in first_ones(dialogue.refused):
        yield ask.fail(f"PTDaemon answered '{reply[:80]}' to '{command}'", got=command, expected=usual)
    for setting in first_ones(entry for entry in dialogue.settings if entry.when == "while measuring"):
        yield ask.fail(f"the range was changed during a measurement: '{setting.command}'", got=setting.command)
    yield from _automatic(dialogue, ask)
    yield from _fixed(dialogue, facts, ask)
    yield from _restored(dialogue, ask)


def _automatic(dialogue: Dialogue, ask: Ask) -> Findings:
    for quantity in ROWS:
        setting = dialogue.last(quantity, "before ranging")
        allowed = ["Auto", *(ask.texts("ranging_current") if quantity == "A" else [])]
        if setting is None or setting.value not in allowed:
            got = setting.command if setting else f"no SR,{quantity} before ranging"
            yield ask.fail(f"ranging ran with '{got}'", got=got, expected=f"SR,{quantity},{' or '.join(allowed)}")


def _fixed(dialogue: Dialogue, facts: SessionFacts, ask: Ask) -> Findings:
    for quantity in ROWS:
        setting = dialogue.last(quantity, "before testing")
        expected = _expected(facts, quantity, ask)
        shown = " or ".join(f"{value:g}" for value in sorted(expected)) or "a number"
        value = _number(setting.value) if setting else None
        if setting is None or value is None:
            got = setting.command if setting else f"no SR,{quantity} before testing"
            yield ask.fail(f"testing ran with '{got}'", got=got, expected=shown, unit=quantity)
        elif expected and not any(math.isclose(value, other, rel_tol=SAME) for other in expected):
            yield ask.fail(
                f"testing ran with '{setting.command}', but ranging showed {shown} {quantity}",
                got=setting.command,
                expected=shown,
                unit=quantity,
            )


def _expected(facts: SessionFacts, quantity: Quantity, ask: Ask) -> set[float]:
    """Get the ranges that may follow from ranging: of the sum or of any channel, times the round's factors."""
    manual = next(
        (match for entry in facts.record("client").messages if (match := _MANUAL.fullmatch(entry.command))), None
    )
    asked = _number(manual[1 if quantity == "V" else 2]) if manual else None
    if asked is not None:
        return {asked}
    values = facts.power_log("ranging").values[:, ROWS[quantity]]
    if not values.size:
        return set()
    largest = np.where(np.isfinite(values), values, -1.0).max(axis=1)
    factors = ask.params["current_factors"] if quantity == "A" else [1.0]
    return {factor * value for value in largest.tolist() if value > 0 for factor in factors}  # type: ignore[union-attr]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _restored(dialogue: Dialogue, ask: Ask) -> Findings:
    try:
        initial = parse_ranges(dialogue.initial)
    except EvidenceError as problem:
        yield ask.fail(problem.message, got=dialogue.initial, expected="Ranges,...")
        return
    for quantity, expected in (("V", initial.voltage), ("A", initial.current)):
        setting = dialogue.last("V" if quantity == "V" else "A", "afterwards")
        if setting is None or setting.value != expected:
            got = setting.command if setting else f"no SR,{quantity} after testing"
            yield ask.fail(
                f"the range of the start was not restored: '{got}'", got=got, expected=f"SR,{quantity},{expected}"
            )
