"""`wattrig analyzers read`: an analyzer, live."""

import csv
import io
import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from itertools import islice

import click

from analyzers.identify import driver_at
from analyzers.live import Shown, Watch
from analyzers.ptd.channels import wanted
from console.analyzer_options import SETTINGS, kind_options, place_of, place_options, several

COLUMNS = (
    "t_utc", "channel", "power_w", "voltage_v", "current_a", "power_factor", "validity", "voltage_range_v",
    "current_range_a", "auto", "voltage_share", "current_share", "uncertainty",
)  # fmt: skip
Tell = Callable[[list[Shown]], None]


@click.command(context_settings=SETTINGS)
@click.argument("port")
@kind_options
@place_options
@click.option(
    "--interval",
    "interval_ms",
    type=click.IntRange(50, 60_000),
    default=1000,
    show_default=True,
    help="Milliseconds between samples; each is the mean of its interval.",
)
@click.option("--count", type=click.IntRange(1), help="End after so many samples; else Ctrl-C ends it.")
@click.option("--format", "form", type=click.Choice(["table", "jsonl", "csv"]), default="table", show_default=True)
def read(
    port: str, device_type: int | None, channels: str | None, dc: bool, flag: str | None, baud: int | None,
    board: int | None, interval_ms: int, count: int | None, form: str,
) -> None:  # fmt: skip
    """Read the analyzer at PORT live: power, voltage, current, power factor, how much of its ranges is used, and the
    uncertainty of the power by the accuracy of its driver. Ranges stay as they are; update period and filters are
    set as for a measurement. While a range is automatic the uncertainty is unknown.

    \b
    wattrig analyzers read /dev/ttyUSB0
    wattrig analyzers read 192.168.1.20:3300 --interval 200 --count 50 --format csv
    """
    place = place_of(port, flag, baud, board)
    driver = driver_at(place, device_type, dc=dc, several=several(channels))
    with Watch(driver, place, wanted(channels, driver.family)) as watch, ExitStack() as stack:
        tell = _teller(form, watch.instrument.idn, stack)
        samples = watch.samples(interval_ms)
        stack.callback(samples.close)
        with suppress(KeyboardInterrupt):
            for sample in islice(samples, count):
                tell(sample)


def _teller(form: str, idn: str, stack: ExitStack) -> Tell:
    if form == "table" and sys.stdout.isatty():
        from console.analyzers_table import live_table

        return stack.enter_context(live_table(idn))
    if form == "csv":
        click.echo(",".join(COLUMNS))
    lines = {"table": _text_lines, "jsonl": _json_lines, "csv": _csv_lines}[form]

    def tell(sample: list[Shown]) -> None:
        for line in lines(sample):
            click.echo(line)
        sys.stdout.flush()

    return tell


def _text_lines(sample: list[Shown]) -> Iterator[str]:
    for shown in sample:
        yield " ".join(filter(None, (_time(shown), shown.name, *texts(shown))))


def texts(shown: Shown) -> tuple[str, ...]:
    """Put what a sample shows into words: power, voltage, current, power factor, ranges in use, uncertainty."""
    reading = shown.reading
    if not reading.usable and not math.isfinite(reading.power_w):
        return f"{reading.validity.value} reading", "", "", "", "", "", ""
    uncertain = f"±{shown.uncertainty:.2%}" if shown.uncertainty is not None else "unknown" + " (auto)" * shown.auto
    return (
        f"{reading.power_w:.5g} W",
        f"{reading.voltage_v:.5g} V",
        f"{reading.current_a:.5g} A",
        f"PF {reading.power_factor:.3f}",
        _used(shown.voltage_share, shown.voltage_range_v, "V"),
        _used(shown.current_share, shown.current_range_a, "A"),
        uncertain if reading.usable else reading.validity.value,
    )


def _used(share: float | None, full_scale: float | None, unit: str) -> str:
    if full_scale is None:
        return ""
    return f"{f'{share:.0%} of ' if share is not None else ''}{full_scale:g} {unit}"


def _time(shown: Shown) -> str:
    moment = datetime.fromtimestamp(shown.t_utc_ns / 1e9, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _values(shown: Shown) -> tuple[object, ...]:
    reading = shown.reading
    numbers = (reading.power_w, reading.voltage_v, reading.current_a, reading.power_factor)
    finite = (value if math.isfinite(value) else None for value in numbers)
    return (
        _time(shown), shown.name, *finite, reading.validity.name.lower(), shown.voltage_range_v,
        shown.current_range_a, shown.auto, shown.voltage_share, shown.current_share, shown.uncertainty,
    )  # fmt: skip


def _json_lines(sample: list[Shown]) -> Iterator[str]:
    for shown in sample:
        yield json.dumps(dict(zip(COLUMNS, _values(shown), strict=True)), allow_nan=False)


def _csv_lines(sample: list[Shown]) -> Iterator[str]:
    for shown in sample:
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow("" if value is None else value for value in _values(shown))
        yield line.getvalue()
