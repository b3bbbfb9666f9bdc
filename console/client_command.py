"""`wattrig client`: run a workload on the measured machine under a director."""

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from console.ending import run_session
from console.log_format import log_format_option, say_event, say_line
from metrology.errors import ConfigError
from sut_client.client import run
from sut_client.events import Event, Finished, LogLine
from sut_client.options import Options
from wire.protocol import DEFAULT_PORT

EXAMPLE = """
\b
Example, with the director of another machine, encrypted (both have keys: see wattrig keys):
  wattrig client -a 192.168.1.20 -w ./run.sh -L logs -o out
\b
The command CMD runs twice: for ranging, in which the analyzer finds its ranges, and for testing, the
run that counts. It finds the phase in the environment variable WATTRIG_PHASE, must leave a LoadGen log
below INDIR each time and end with status 0. Its output goes to <session>/wattrig/workload_<phase>.log.
\b
Exit codes: 0 the session is complete, 2 it failed (the folder is kept and says why),
130, 143, 129 ended by Ctrl-C, SIGTERM, SIGHUP (the workload is ended too; given twice: at once).
"""


@click.command(epilog=EXAMPLE, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("-a", "--addr", metavar="ADDR", required=True, help="Host name or address of the director.")
@click.option("-w", "--run-workload", metavar="CMD", required=True, help="Shell command to run under measurement.")
@click.option(
    "-L", "--loadgen-logs", metavar="INDIR", type=Path, required=True, help="Where CMD leaves its LoadGen logs."
)
@click.option("-o", "--output", metavar="OUTDIR", type=Path, required=True, help="Where to put the session.")
@click.option(
    "-n", "--ntp", metavar="HOST[:PORT]", default="", help="NTP server to check the clock with; default: ask chrony."
)
@click.option(
    "-p",
    "--port",
    type=click.IntRange(1, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="The director's port.",
)
@click.option(
    "-l", "--label", metavar="LABEL", default="", help="Added to the session's name: letters, digits, - and _."
)
@click.option("-f", "--force", is_flag=True, help="Remove INDIR, with all that is in it, first.")
@click.option("-S", "--stop-server", is_flag=True, help="The director ends after this session.")
@click.option(
    "-t/-T",
    "--timestamp-path/--no-timestamp-path",
    default=True,
    help="Put the session into a folder of its name below OUTDIR (default), or into OUTDIR itself.",
)
@click.option("-A", "--max-amps", metavar="A", type=float, help="Fixed current range: no ranging run. Needs -V.")
@click.option("-V", "--max-volts", metavar="V", type=float, help="Fixed voltage range: no ranging run. Needs -A.")
@click.option(
    "--testing-attempts",
    metavar="N",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="How often the testing run may be tried in all; ranging is not repeated. The director has a limit too.",
)
@click.option(
    "--time-limit",
    "time_limit_s",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    help="End the workload, and the session, where a phase takes longer.",
)
@click.option(
    "--allow-plaintext", is_flag=True, help="Talk to a director on another machine although nothing protects it."
)
@click.option("--tls", is_flag=True, help="Encrypt also with a director on this machine; with others it is the rule.")
@click.option(
    "--keys", type=Path, metavar="FOLDER", help="Folder of keys.  [default: $WATTRIG_KEYS, or see wattrig keys]"
)
@log_format_option
def client(
    addr: str,
    run_workload: str,
    output: Path,
    max_amps: float | None,
    max_volts: float | None,
    log_format: str,
    **more: Any,
) -> None:
    """Run a workload on this machine while a director measures its power.

    \b
    What happens: the clocks of both machines are compared; the workload runs twice, measured; LoadGen's
    logs and all that the director recorded are put into one session folder, each file checked by its digest.
    """
    options = Options(
        address=addr,
        workload=run_workload,
        output=output,
        fixed_ranges=_fixed_ranges(max_volts, max_amps),
        called_as=shlex.join(["wattrig", *sys.argv[1:]]),
        **more,
    )
    run_session(run(options, partial(_show, log_format)))


def _fixed_ranges(max_volts: float | None, max_amps: float | None) -> tuple[float, float] | None:
    if max_volts is None and max_amps is None:
        return None
    if max_volts is None or max_amps is None:
        raise ConfigError("only one of --max-volts and --max-amps was given", "give both, or none for a ranging run")
    return max_volts, max_amps


def _show(log_format: str, event: Event) -> None:
    if isinstance(event, LogLine):
        say_line(event.text, log_format, "client")
        return
    say_event(event, log_format, "client")
    if isinstance(event, Finished):
        click.echo(event.folder)
