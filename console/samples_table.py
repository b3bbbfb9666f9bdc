"""The samples of a session as one table: a row for each reading of each channel, in the order of the files."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from console.session_view import SessionView, or_none
from evidence.power_samples import GOOD, PEAK_OVER, PowerLog
from metrology.reading import PEAK_OFFSET

if TYPE_CHECKING:
    import pyarrow as pa

QUALITY = ("good", "bad", "missed", "peak_over", "non_finite")
"""Names of what a reading is worth, by its number in a power log."""


class Column(NamedTuple):
    """A column: its name, unit ("" for none, "1" for a ratio), and what it holds."""

    name: str
    unit: str
    about: str


COLUMNS = (
    Column("phase", "", "ranging or testing"),
    Column("analyzer", "1", "number of the analyzer, from 1; 0 for the sum of several"),
    Column("channel", "", "sum, Ch1, ... or Analyzer1, ... as in spl.txt"),
    Column("t_utc_ns", "ns", "when, UTC nanoseconds since 1970"),
    Column("power_w", "W", "active power as written; -1, -2 and below -3 are no readings, see quality"),
    Column("voltage_v", "V", "RMS voltage as written"),
    Column("current_a", "A", "RMS current as written"),
    Column("power_factor", "1", "power factor as written"),
    Column("true_power_w", "W", "active power of the reading; empty where nothing was measured"),
    Column("quality", "", "good, bad, missed, peak_over or non_finite"),
    Column("in_window", "", "whether it lies strictly within LoadGen's window"),
    Column("uncertainty", "1", "of the sum, as a fraction; empty where it is not known"),
    Column("line", "1", "line of the sample in its spl.txt"),
)


def tables_of(view: SessionView) -> "Iterator[pa.Table]":
    """Get the samples of each phase and channel as a table of its own; all have the same columns."""
    import pyarrow as pa

    from compliance.facts import PHASES

    schema = schema_of(view)
    for phase in PHASES:
        log, window = view.facts.power_logs[phase], view.window_ns(phase)
        for row in range(len(log.channels) if len(log.t_utc_ns) else 0):
            yield pa.table(_columns(view, log, row, phase, window), schema=schema)


def schema_of(view: SessionView) -> "pa.Schema":
    """Get the columns with their types, and units and meanings in their metadata."""
    import pyarrow as pa

    types = {"t_utc_ns": pa.int64(), "line": pa.int64(), "analyzer": pa.int16(), "in_window": pa.bool_()}
    texts = {"phase", "channel", "quality"}
    fields = [
        pa.field(
            column.name,
            types.get(column.name, pa.dictionary(pa.int8(), pa.string()) if column.name in texts else pa.float64()),
            metadata={"unit": column.unit, "about": column.about},
        )
        for column in COLUMNS
    ]
    about = {"session": view.name, "path": view.result.path, "round": view.result.round, "clock": "utc"}
    return pa.schema(
        fields, metadata={f"wattrig.{name}": text.encode("utf-8", "replace") for name, text in about.items()}
    )


def _columns(
    view: SessionView, log: PowerLog, row: int, phase: str, window: tuple[int, int] | None
) -> "dict[str, pa.Array]":
    import pyarrow as pa

    from scoring.energy import inside

    count, quality = len(log.t_utc_ns), log.quality[row]
    power, voltage, current, factor = log.values[row]
    true_w = np.where(quality == PEAK_OVER, -power - PEAK_OFFSET, np.where(quality == GOOD, power, np.nan))
    sure = view.uncertainty if phase == "testing" and row == 0 else None
    within = np.zeros(count, np.bool_) if window is None else inside(log.t_utc_ns, *window)
    name = log.channels[row]
    return {
        "phase": _same(phase, count),
        "analyzer": pa.array(np.full(count, _analyzer(log, name), np.int16)),
        "channel": _same(name, count),
        "t_utc_ns": pa.array(log.t_utc_ns),
        "power_w": pa.array(power),
        "voltage_v": pa.array(voltage),
        "current_a": pa.array(current),
        "power_factor": pa.array(factor),
        "true_power_w": pa.array(true_w, mask=np.isnan(true_w)),
        "quality": pa.DictionaryArray.from_arrays(pa.array(quality.astype(np.int8)), pa.array(QUALITY)),
        "in_window": pa.array(within),
        "uncertainty": pa.nulls(count, pa.float64()) if sure is None else pa.array(sure, mask=np.isnan(sure)),
        "line": pa.array(log.lines),
    }


def _same(text: str, count: int) -> "pa.Array":
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), pa.array([text]))


def _analyzer(log: PowerLog, name: str) -> int:
    """Get the number of the analyzer that a channel belongs to: merged logs have a channel for each."""
    if name.startswith("Analyzer"):
        return or_none(int, name.removeprefix("Analyzer")) or 0
    return 0 if any(other.startswith("Analyzer") for other in log.channels) else 1
