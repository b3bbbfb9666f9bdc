"""The option `--log-format`: lines of the log as text, or each as a JSON object for a log collector.

{"t": "2026-03-01T10:00:00.684+01:00", "logger": "ptd-server", "level": "info", "message": "Connected ..."}
{"t": ..., "logger": "director", "level": "info", "event": "PhaseStarted", "session": ..., "phase": "testing"}
"""

import dataclasses
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from console.quiet import is_quiet

log_format_option = click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True,
    help="json: each line on stderr is an object, and so is each step of a session.",
)  # fmt: skip
_LINE = re.compile(r"(\S{1,40}) (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) \[([A-Z]{1,10})\] (.*)", re.DOTALL)
EVERY_SAMPLE = "SampleTaken"
"""Samples stand in the store and on the live page; a log of them would be as long as the power log."""


def say_line(text: str, log_format: str, logger: str) -> None:
    """Write a line of the log to stderr; where it is to be quiet, warnings and errors alone."""
    if is_quiet() and (match := _LINE.fullmatch(text)) and match[3] == "INFO":
        return
    click.echo(json_line(text, logger) if log_format == "json" else text, err=True)


def say_event(event: Any, log_format: str, logger: str) -> None:
    """Write a step of a session to stderr, where the log is for programs."""
    name = type(event).__name__
    if log_format == "json" and name != EVERY_SAMPLE and not is_quiet():
        fields = {key: str(value) if isinstance(value, Path) else value for key, value in _fields(event).items()}
        click.echo(json.dumps({"t": now(), "logger": logger, "level": "info", "event": name, **fields}), err=True)


def _fields(event: Any) -> dict[str, Any]:
    return {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}


def json_line(text: str, logger: str) -> str:
    """Turn a line of the log into an object; one of another form becomes its message."""
    match = _LINE.fullmatch(text)
    if match is None:
        return json.dumps({"t": now(), "logger": logger, "level": "info", "message": text})
    written = datetime.strptime(match[2], "%Y-%m-%d %H:%M:%S,%f").astimezone()
    stamp = written.isoformat(timespec="milliseconds")
    return json.dumps({"t": stamp, "logger": match[1], "level": match[3].lower(), "message": match[4]})


def now() -> str:
    """Get the time, as ISO 8601 with the offset of this machine's zone."""
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
