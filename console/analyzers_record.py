"""`wattrig analyzers record`: the dialogue with a meter, saved so that others can work without it."""

import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from analyzers.catalogue import ANY
from analyzers.driver import Driver
from analyzers.identify import driver_at
from analyzers.place import Place
from analyzers.ptd.channels import wanted
from analyzers.record import converse, free, guided
from analyzers.recording import Recording, RecordingTransport, recording_of
from analyzers.rehearsal import Rehearsal
from console.analyzer_options import SETTINGS, kind_options, place_of, place_options, several
from metrology.errors import ConfigError, WattrigError

GUIDES = ("driver", "questions", "free")


@click.command(context_settings=SETTINGS)
@click.argument("port")
@kind_options
@place_options
@click.option("--guide", type=click.Choice(GUIDES), default="driver", show_default=True,
              help="driver: all that its driver says in a measurement, through its ranges. questions: settings are "
              "asked, none is changed; for a meter without a driver. free: what you type, a line each.")  # fmt: skip
@click.option(
    "--interval",
    "interval_ms",
    type=click.IntRange(50, 60_000),
    help="Milliseconds between the samples of the measurements in it.  [default: 1000; a Hioki's cycle, 200]",
)
@click.option("-o", "--out", type=click.Path(path_type=Path, file_okay=False), default=Path("recorded"),
              show_default=True, help="The folder to write to.")  # fmt: skip
def record(
    port: str, device_type: int | None, channels: str | None, dc: bool, flag: str | None, baud: int | None,
    board: int | None, guide: str, interval_ms: int | None, out: Path,
) -> None:  # fmt: skip
    """Save the dialogue with the meter at PORT: every message and answer, and when.

    It leaves OUT/MODEL.json, which 'wattrig simulate --profile' replays, and with a driver a protocol test for
    tests/analyzers, OUT/test_MODEL_recorded.py. Serial numbers are left out of both. The guide 'driver' switches
    ranges and sets them back; keep a steady load on, as ranges are tried from the smallest that holds it.

    \b
    wattrig analyzers record /dev/ttyUSB0                          a meter that a driver reads
    wattrig analyzers record 10.0.0.5:5025 --guide questions       one that none reads yet
    printf '*IDN?\\n:MEAS?\\n' | wattrig analyzers record /dev/usbtmc0 --guide free
    """
    place = place_of(port, flag, baud, board)
    if guide == "driver":
        driver = driver_at(place, device_type, dc=dc, several=several(channels))
        _with_driver(place, driver, channels, interval_ms, out)
    else:
        _without(place, guide, out)


def _with_driver(place: Place, driver: Driver, channels: str | None, interval_ms: int | None, out: Path) -> None:
    asked = wanted(channels, driver.family)
    line = RecordingTransport(place.open(driver.family))
    try:
        steps = converse(driver, line, asked, click.echo, interval_ms)
    except WattrigError:
        line.close()
        _save(out, _recording(line, driver.family.device_type))
        raise
    _save(out, _recording(line, driver.family.device_type), steps)


def _without(place: Place, guide: str, out: Path) -> None:
    line = RecordingTransport(place.open(ANY))
    try:
        if guide == "questions":
            guided(line, click.echo)
        else:
            free(line, _typed(), click.echo)
    finally:
        line.close()
    _save(out, _recording(line, None))
    click.echo("there is no test without a driver: the dialogue is in the file, for whoever writes one")


def _typed() -> Iterator[str]:
    if sys.stdin.isatty():
        click.echo("a message a line; with a question mark it is asked; Ctrl-D ends")
    yield from sys.stdin


def _recording(line: RecordingTransport, device_type: int | None) -> Recording:
    """Get what was said.

    Raises:
        ConfigError: nothing was.
    """
    turns = line.turns
    if not turns:
        raise ConfigError("nothing was said, so there is nothing to save")
    told = (answer.text for turn in turns if turn.message.upper().startswith("*IDN?") for answer in turn.answers)
    return recording_of(line, next(told, ""), device_type, datetime.now(UTC).date().isoformat())


def _save(out: Path, recording: Recording, steps: Rehearsal | None = None) -> None:
    """Write the files.

    Raises:
        ConfigError: they cannot be written.
    """
    model = [*recording.idn.split(","), ""][1] or "meter"
    name = re.sub(r"[^a-z0-9]+", "_", model.lower()).strip("_") or "meter"
    files = {out / f"{name}.json": recording.model_dump_json(indent=1, exclude_none=True) + "\n"}
    if steps is not None:
        files[out / f"test_{name}_recorded.py"] = steps.test(recording)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for path, text in files.items():
            path.write_text(text, "utf-8")
            click.echo(f"written: {path}")
    except OSError as problem:
        raise ConfigError(
            f"the recording cannot be written: {problem}", "name another folder with --out"
        ) from problem
    click.echo(
        f"{len(recording.turns)} messages; replay: wattrig simulate --profile {out / f'{name}.json'} --pty LINK"
    )
