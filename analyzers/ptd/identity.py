"""Who the daemon is: its version, its start-up banner and its reply to `Identify`."""

import platform
from importlib.metadata import version as installed_version

from analyzers.driver import Instrument
from evidence.digest import source_crc32
from evidence.ptd_protocol import identify_reply

RELEASED = {"0.1.0": "20261122"}
"""The day of each release, yyyymmdd. A constant, so that the same sources name themselves alike on every machine; the
CRC beside it tells what exactly runs."""
ROOMS = ("analyzers", "evidence", "metrology")
"""The rooms whose sources the daemon runs."""


def daemon_version() -> str:
    """Get the text after `version=`: `wattrig_<release>-<CRC-32 of our sources>-<day of the release>`."""
    release = installed_version("wattrig")
    return f"wattrig_{release}-{source_crc32(ROOMS)}-{RELEASED.get(release, '00000000')}"


def identity(instrument: Instrument, version: str) -> str:
    """Write the reply to `Identify` for the instrument found."""
    host = platform.uname()
    return identify_reply(
        instrument.name,
        version,
        f"{host.system} {host.release} {host.version} {host.machine}",
        instrument.idn,
        frequency=instrument.frequency,
        channels=instrument.channels,
    )


def banner(title: str, source: str, version: str, log_file: str | None) -> list[str]:
    """Write the lines that the daemon starts with.

    Args:
        title: the family of instruments, "Yokogawa WT310".
        source: the file of its driver.
        version: as `daemon_version` gives it.
        log_file: where the samples go; None for nowhere.
    """
    lines = [
        f"Selected power analyzer '{title}' from {source}",
        f"wattrig-ptd, version {version}",
        "Speaks the protocol of SPEC's PTDaemon and is not PTDaemon: an official submission needs SPEC's own.",
    ]
    return lines + ([f"Redirecting data output to file {log_file}"] if log_file else [])
