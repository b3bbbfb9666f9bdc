"""Rules that hold spl.txt, ptd_logs.txt and the times of all logs against what the director recorded."""

import datetime
import re
from collections.abc import Iterable, Iterator

import numpy as np

from compliance.checks.common import MOST_ANALYZERS, SIDES, first_ones, further, session_log
from compliance.checks.repeats import failed_attempts, with_attempts
from compliance.facts import PHASES, SessionFacts
from compliance.findings import Ask, Findings, MissingFactError
from evidence.columns import NO_TIME, Floats, Ints
from evidence.layout import SERVER_LOG
from evidence.power_log import parse_power_log
from evidence.power_samples import PowerLog
from evidence.ptd_log import Message
from evidence.ptd_protocol import RESPONSE, parse_list_header
from evidence.session_log import Listing

_SOME_DAY = datetime.datetime(1970, 1, 1)  # noqa: DTZ001 - local time without a zone, as in the logs
_HEADING = re.compile(r"Analyzer \d{1,2}")


def sample_lines(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that every line of spl.txt is a sample as PTDaemon and the director write it."""
    for phase in PHASES:
        log = facts.power_log(phase)
        name = log.file.name
        for irregular in first_ones(log.irregular):
            yield ask.fail(
                f"line {irregular.line} of '{name}' {irregular.reason}",
                file=name,
                line=irregular.line,
                got=irregular.text,
                expected="Time,<stamp>,Watts,w,Volts,v,Amps,a,PF,f,Mark,<mark>",
            )
        yield from further(ask, log.irregular_count, "lines that are no samples of its form", name)
        if log.blank_lines > ask.number("blank_lines"):
            most = ask.number("blank_lines")
            yield ask.fail(
                f"'{name}' has {log.blank_lines} empty lines", file=name, got=log.blank_lines, expected=most, unit="1"
            )


def listing_kept(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that spl.txt holds the samples that PTDaemon listed after the measurement."""
    log = session_log(facts, "server")
    listed = [reply for _, reply in facts.record("server").ptd_replies("RL") if parse_list_header(reply)]
    if not listed and not log.listings:
        ask.not_applicable("the director did not ask for a listing; until 2021 it copied PTDaemon's own file")
    if len({listing.analyzer for listing in log.listings}) > 1:
        ask.not_applicable("the listings of several analyzers are merged into one spl.txt")
    for phase in PHASES:
        mark = f"{facts.record('server').session_name}_{phase}"
        found = [listing for listing in log.listings if listing.mark == mark]
        if not found:
            yield ask.fail(f"'{SERVER_LOG}' has no listing of '{mark}'", file=SERVER_LOG, expected=mark)
        elif facts.power_log(phase).file.sha1 not in found[-1].power_log_sha1():
            yield from _different(facts.power_log(phase), found[-1], ask)


def _different(log: PowerLog, listing: Listing, ask: Ask) -> Findings:
    """Tell the first sample that is not as it was listed; other line ends alone are no difference."""
    listed = parse_power_log(listing.as_power_log())
    where = f"'{SERVER_LOG}' line {listing.line}"
    if len(log.lines) != len(listed.lines):
        yield ask.fail(
            f"'{log.file.name}' has {len(log.lines)} samples, the listing in {where} {len(listed.lines)}",
            file=log.file.name,
            got=len(log.lines),
            expected=len(listed.lines),
            unit="samples",
        )
        return
    same = log.t_utc_ns == listed.t_utc_ns
    if log.values.shape == listed.values.shape:
        same &= np.all(log.values == listed.values, axis=(0, 1))
    for index in first_ones(np.flatnonzero(~same).tolist()):
        got, expected = (float(found.power_w[index]) for found in (log, listed))
        yield ask.fail(
            f"sample {index} of '{log.file.name}' is not as listed in {where}",
            file=log.file.name,
            line=int(log.lines[index]),
            sample=index,
            got=got,
            expected=expected,
            unit="W",
        )
    yield from further(ask, int(np.count_nonzero(~same)), "samples that were not listed so", log.file.name)


def ptd_replies(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that PTDaemon's log tells the replies that the director recorded, up to the end of the testing run.

    Of a testing run that failed and was repeated, server.log tells them alone.
    """
    log, recorded = facts.ptd_log(), _by_analyzer(facts.record("server").ptd_messages)
    recorded = with_attempts(facts.server_log, recorded)
    told = _by_heading(log.messages)
    if len(told) != len(recorded):
        yield ask.fail(
            f"'{log.file.name}' is of {len(told)} analyzers, server.json of {len(recorded)}",
            file=log.file.name,
            got=len(told),
            expected=len(recorded),
        )
    runs = len(PHASES) + len(failed_attempts(facts.server_log))
    for replies, messages in zip(told, recorded, strict=False):
        yield from _same_replies(replies, messages, runs, log.file.name, ask)


def _by_analyzer(messages: Iterable[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Part the messages of several analyzers, which follow each other; each begins with `Hello`."""
    parts: list[list[tuple[str, str]]] = []
    for command, reply in messages:
        if command == "Hello" or not parts:
            parts.append([])
        parts[-1].append((command, reply))
    return parts


def _by_heading(messages: Iterable[Message]) -> list[list[Message]]:
    """Part the replies in a merged log, in which `Analyzer N` stands before the log of each."""
    parts: list[list[Message]] = [[]]
    for message in messages:
        if _is_heading(message) and parts[-1]:
            parts.append([])
        parts[-1].append(message)
    return parts


def _same_replies(log: list[Message], messages: list[tuple[str, str]], runs: int, name: str, ask: Ask) -> Findings:
    told = [message for message in log if message.t_utc_ns is not None and message.text.startswith(RESPONSE)]
    for number, (message, (command, reply)) in enumerate(zip(told, messages, strict=False), 1):
        text = message.text.removeprefix(RESPONSE)
        cut = number == len(told) and reply.startswith(text)
        if text != reply and not cut:
            yield ask.fail(
                f"got the reply '{text[:100]}' to '{command[:60]}', server.json recorded '{reply[:100]}'",
                file=name,
                line=message.line,
                got=text,
                expected=reply,
            )
            return
    yield from _length(told, messages, runs, name, ask)


def _length(told: list[Message], messages: list[tuple[str, str]], runs: int, name: str, ask: Ask) -> Findings:
    """Check that the log is long enough: whole, or where directors cut it, up to the end of the last run."""
    stops = [number for number, (command, _) in enumerate(messages, 1) if command == "Stop"]
    needed = len(messages) if ask.params["reaches"] == "end" or len(stops) < runs else stops[runs - 1]
    if not needed <= len(told) <= len(messages):
        yield ask.fail(
            f"'{name}' tells {len(told)} replies, server.json recorded {len(messages)}",
            file=name,
            line=told[-1].line if told else None,
            got=len(told),
            expected=needed,
            unit="replies",
        )


def times_run_forward(facts: SessionFacts, ask: Ask) -> Findings:
    """Check that no log jumps back in time."""
    slack_s = ask.number("slack_s")
    for name, lines, at_s in _times(facts):
        for index in first_ones(np.flatnonzero(np.diff(at_s) < -slack_s).tolist()):
            line, back_s = int(lines[index + 1]), float(at_s[index] - at_s[index + 1])
            yield ask.fail(
                f"line {line} of '{name}' is {back_s:.3f} s earlier than the one before",
                file=name,
                line=line,
                got=back_s,
                expected=slack_s,
                unit="s",
            )


def _times(facts: SessionFacts) -> Iterator[tuple[str, Ints, Floats]]:
    """Get name, lines and seconds of each log; local times are taken as they stand."""
    for side in SIDES:
        log = session_log(facts, side)
        # A clock that `set_ntp` has set may jump.
        steps = [number for number, entry in enumerate(log.traffic) if entry.text == "set_ntp"]
        entries = log.traffic[steps[-1] + 2 :] if steps else log.traffic
        lines = np.array([entry.line for entry in entries], np.int64)
        yield log.file.name, lines, np.array([_local_s(entry.local_time) for entry in entries], np.float64)
    found = facts.ptd_log()
    told = [(message.line, message.t_utc_ns) for message in found.messages if message.t_utc_ns is not None]
    other = np.array(told, np.int64).reshape(-1, 2)
    lines, t_utc_ns = np.concatenate((found.lines, other[:, 0])), np.concatenate((found.t_utc_ns, other[:, 1]))
    # In a merged log each analyzer begins anew.
    headings = [message.line for message in found.messages if _is_heading(message)][:MOST_ANALYZERS]
    part = np.searchsorted(np.array(headings, np.int64), lines)
    for number in range(len(headings) + 1):
        chosen = np.flatnonzero((t_utc_ns != NO_TIME) & (part == number))
        order = chosen[np.argsort(lines[chosen], kind="stable")]
        yield found.file.name, lines[order], t_utc_ns[order] / 1e9


def _is_heading(message: Message) -> bool:
    return message.t_utc_ns is None and _HEADING.fullmatch(message.text) is not None


def _local_s(text: str) -> float:
    try:
        # Ten times as fast as strptime; the reader of the log took care that the text has this form.
        return (datetime.datetime.fromisoformat(text) - _SOME_DAY).total_seconds()
    except ValueError as problem:
        raise MissingFactError(f"the time of a line, which says '{text}'") from problem
