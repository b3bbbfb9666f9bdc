"""What the operator asks of a client, and the checks that need no director."""

import math
import shutil
from dataclasses import dataclass
from pathlib import Path

from evidence.layout import OURS, PHASE_FOLDERS, POWER
from metrology.errors import ConfigError
from sut_client.ntp import split_address
from wire.protocol import DEFAULT_PORT, LABEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to measure and where to put it.

    Attributes:
        address: host name or address of the director.
        workload: shell command to run in each phase.
        loadgen_logs: folder below which the workload leaves its LoadGen logs.
        output: folder for the session.
        ntp: NTP server as HOST or HOST:PORT; empty to rely on chrony.
        port: the director's port.
        label: added to the session's name.
        force: remove `loadgen_logs` before anything starts.
        stop_server: the director ends after this session.
        timestamp_path: put the session into a folder of its name below `output`, not into `output` itself.
        fixed_ranges: largest voltage (V) and current (A) for the analyzer's ranges; there is no ranging run then.
        allow_plaintext: talk to a director that is not on this machine without encryption.
        tls: encrypt also where the director is on this machine; elsewhere it is done without being asked.
        keys: the folder of keys; None for the default one.
        testing_attempts: how often the testing run may be tried in all, after one ranging run.
        time_limit_s: how long the workload may take in each phase, seconds; None for ever.
        called_as: the command that the operator typed, for messages.
    """

    address: str
    workload: str
    loadgen_logs: Path
    output: Path
    ntp: str = ""
    port: int = DEFAULT_PORT
    label: str = ""
    force: bool = False
    stop_server: bool = False
    timestamp_path: bool = True
    fixed_ranges: tuple[float, float] | None = None
    allow_plaintext: bool = False
    tls: bool = False
    keys: Path | None = None
    testing_attempts: int = 1
    time_limit_s: float | None = None
    called_as: str = "wattrig client ..."

    @property
    def phases(self) -> tuple[str, ...]:
        """Get the phases to run, in order."""
        return ("testing",) if self.fixed_ranges else ("ranging", "testing")


def check_options(options: Options) -> None:
    """Check all that can be checked before anything is touched.

    Raises:
        ConfigError: an option is wrong; the message names it.
    """
    if LABEL.fullmatch(options.label) is None:
        raise ConfigError(
            f"got the label {options.label!r}, expected up to 64 letters, digits, '-' and '_'",
            "choose another --label",
        )
    if options.ntp:
        split_address(options.ntp)
    if options.fixed_ranges and not all(0 < value < math.inf for value in options.fixed_ranges):
        raise ConfigError(f"got the ranges {options.fixed_ranges} V, A, expected two numbers above 0")
    _check_folders(options)


def _check_folders(options: Options) -> None:
    logs, output = options.loadgen_logs.resolve(), options.output.resolve()
    if output.is_relative_to(logs):
        raise ConfigError(
            f"OUTDIR '{options.output}' is INDIR '{options.loadgen_logs}' or lies in it",
            "name an OUTDIR outside the folder that the workload writes its logs to",
        )
    if options.force and (logs in (Path.home().resolve(), logs.parent) or Path.cwd().resolve().is_relative_to(logs)):
        raise ConfigError(
            f"--force would remove '{logs}', which holds more than LoadGen logs", "name a folder of its own with -L"
        )
    taken = [name for name in (POWER, *PHASE_FOLDERS.values(), OURS) if (output / name).exists()]
    if not options.timestamp_path and taken:
        raise ConfigError(
            f"OUTDIR '{options.output}' already holds {', '.join(taken)} of another session",
            "name an empty OUTDIR, or leave out --no-timestamp-path",
        )


def remove_old_logs(options: Options) -> bool:
    """Remove INDIR if the operator asked for it; tell whether there was one.

    Raises:
        ConfigError: it cannot be removed.
    """
    if not options.force or not options.loadgen_logs.exists():
        return False
    try:
        shutil.rmtree(options.loadgen_logs)
    except OSError as problem:
        raise ConfigError(f"'{options.loadgen_logs}' cannot be removed as --force asks: {problem}") from problem
    return True
