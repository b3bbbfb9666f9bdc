"""Tables of samples on disk: Parquet, or CSV with the meaning of its columns beside it; whole or not at all."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from console.samples_table import COLUMNS, schema_of, tables_of
from console.session_view import SessionView
from evidence.state import write_bytes_atomically
from metrology.errors import ConfigError

if TYPE_CHECKING:
    import pyarrow as pa


def place_of_table(output: Path, session: str, form: str) -> Path:
    """Get the file to write: `output`, or in it where it is a folder, or has no suffix of a file."""
    if output.is_dir() or not output.suffix:
        return output / f"{re.sub(r'[^A-Za-z0-9._-]', '_', session).lstrip('.') or 'session'}.{form}"
    return output


def write_samples(view: SessionView, place: Path, form: str) -> int:
    """Write all samples of a session.

    Returns:
        the number of rows; nothing is written where there is none.

    Raises:
        ConfigError: the file cannot be written.
    """
    tables = list(tables_of(view))
    rows = sum(int(table.num_rows) for table in tables)
    if not rows:
        return 0
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = place.with_name(f".{place.name}.tmp")
        _write(tables, schema_of(view), temporary, form)
        temporary.replace(place)
        if form == "csv":
            columns = [column._asdict() for column in COLUMNS]
            write_bytes_atomically(
                place.with_name(f"{place.name}.columns.json"), json.dumps(columns, indent=2).encode()
            )
    except OSError as problem:
        raise ConfigError(
            f"'{place}' cannot be written: {problem.strerror}", "give another place with -o"
        ) from problem
    return rows


def _write(tables: "Iterable[pa.Table]", schema: "pa.Schema", file: Path, form: str) -> None:
    if form == "csv":
        import pyarrow as pa
        from pyarrow import csv

        # CSV has no dictionaries: names are written out in each row.
        plain = pa.schema([field.with_type(_plain(field.type)) for field in schema])
        with csv.CSVWriter(file, plain) as writer:
            for table in tables:
                writer.write_table(table.cast(plain))
        return
    from pyarrow import parquet

    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table.unify_dictionaries())


def _plain(kind: "pa.DataType") -> "pa.DataType":
    import pyarrow as pa

    return pa.string() if pa.types.is_dictionary(kind) else kind
