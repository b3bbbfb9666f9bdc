"""`wattrig export`: a session's samples for other programs."""

import sys
from pathlib import Path

import click

NOTHING = 3
"""Exit code where the session has no samples."""


@click.command()
@click.argument("session", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="FILE|FOLDER",
              help="a file, or a folder that gets `<session>.parquet` or `.csv`")  # fmt: skip
@click.option("--format", "form", type=click.Choice(["parquet", "csv"]), help="[default: as FILE ends, else parquet]")
def export(session: Path, output: Path, form: str | None) -> None:
    """Write all samples of SESSION as one table: both phases, every analyzer and channel.

    A row is one reading of one channel: phase, analyzer, channel, t_utc_ns, power_w, voltage_v, current_a,
    power_factor, what the reading is worth, whether it lies in LoadGen's window, and its uncertainty. Parquet carries
    unit and meaning of each column in its metadata; CSV has units in the names, and `<file>.columns.json` beside it.

    \b
    Examples:
      wattrig export demo-out/2026-03-01_10-00-00 -o samples.parquet
      wattrig export demo-out/2026-03-01_10-00-00 -o tables --format csv

    \b
    Exit codes: 0 written; 2 the tool failed; 3 the session has no samples.
    """
    from console.samples_file import place_of_table, write_samples
    from console.session_view import view_session

    view = view_session(session)
    form = form or ("csv" if output.suffix.lower() == ".csv" else "parquet")
    place = place_of_table(output, view.name, form)
    rows = write_samples(view, place, form)
    if not rows:
        click.echo(f"wattrig: '{session}' has no samples", err=True)
        sys.exit(NOTHING)
    click.echo(f"samples: {place} ({rows} rows)")
