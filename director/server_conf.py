"""The reference director's server.conf, turned into a station: three generations of one INI file.

Today each analyzer has a section of its own, `[analyzer1]`; before, the one analyzer stood in `[ptd]`; at first
`[server]` held the daemon's whole command line in `ptdCommand`. Keys are case-insensitive.
"""

import configparser
import getopt
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from metrology.errors import ConfigError

ANY_ADDRESS = "0.0.0.0 4950"
"""What the reference listens on where the file says nothing."""
DEFAULT_STORE = "sessions"
SERVER_KEYS = ("ntpserver", "outdir", "listen", "rangingmode", "ptdcommand", "ptdlogfile", "ptdport")
ANALYZER_KEYS = {
    "devicetype": "device_type",
    "deviceport": "device_port",
    "interfaceflag": "interface_flag",
    "networkport": "network_port",
    "gpibboard": "gpib_board",
}
"""Keys of an analyzer in server.conf with ours, where the value is taken over as it is."""
PTD_OPTIONS = "l:p:b:c:B:DngyU"
"""PTDaemon's options on a command line, in getopt's notation."""


def station_of_server_conf(path: Path, text: str, note: Callable[[str], None]) -> dict[str, Any] | None:
    """Read a server.conf as the content of a station file; None where the text is no server.conf.

    Args:
        path: the file, for messages.
        text: its content.
        note: called with each option that is ignored, as the reference ignores it.

    Raises:
        ConfigError: it is one, but lacks what the reference needs, or says what cannot be.
    """
    conf = configparser.ConfigParser(interpolation=None)
    try:
        conf.read_string(text)
    except configparser.Error:
        return None
    if not conf.has_section("server"):
        return None
    try:
        return {"director": _director(conf["server"]), "analyzer": _analyzers(path, conf, note)}
    except (ValueError, getopt.GetoptError) as problem:
        raise ConfigError(f"'{path}' (read as the reference's server.conf): {problem}") from problem


def _director(server: configparser.SectionProxy) -> dict[str, Any]:
    host, _, port = server.get("listen", ANY_ADDRESS).partition(" ")
    return {
        "listen": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "store": server.get("outDir", DEFAULT_STORE),
        "ntp": server.get("ntpServer", ""),
        "ranging_mode": server.get("rangingMode", "AUTO").lower(),
    }


def _analyzers(path: Path, conf: configparser.ConfigParser, note: Callable[[str], None]) -> list[dict[str, Any]]:
    server = conf["server"]
    _note_ignored(server, SERVER_KEYS, note)
    if "ptdCommand" in server:
        return [_of_command(server["ptdCommand"], server.getint("ptdPort", 8888))]
    if not conf.has_section("ptd") or "ptd" not in conf["ptd"]:
        raise ConfigError(
            f"'{path}' is a server.conf without the daemon's program", "set 'ptd:' in the section [ptd]"
        )
    ptd = conf["ptd"]
    if "deviceType" in ptd:
        return [_analyzer(ptd["ptd"], ptd, note)]
    sections = [f"analyzer{number}" for number in range(1, ptd.getint("analyzerCount", 1) + 1)]
    missing = [name for name in sections if not conf.has_section(name)]
    if missing:
        raise ConfigError(f"'{path}' lacks the section [{missing[0]}], which the reference needs for each analyzer")
    return [_analyzer(ptd["ptd"], conf[name], note) for name in sections]


def _analyzer(program: str, section: configparser.SectionProxy, note: Callable[[str], None]) -> dict[str, Any]:
    found: dict[str, Any] = {"ptd": program}
    found |= {ours: section[theirs] for theirs, ours in ANALYZER_KEYS.items() if theirs in section}
    if section.get("channel"):
        found["channel"] = [int(number) for number in section["channel"].split(",")]
    found["dc"] = bool(section.get("dcFlag"))
    _note_ignored(section, (*ANALYZER_KEYS, "channel", "dcflag", "ptd", "analyzercount"), note)
    return found


def _of_command(command: str, port: int) -> dict[str, Any]:
    # Windows paths hold backslashes, which shlex would take for escapes.
    program, *words = shlex.split(command, posix="\\" not in command)
    options, rest = getopt.getopt(words, PTD_OPTIONS)
    if len(rest) != 2:
        raise ValueError(f"got ptdCommand {command!r}, expected it to end with device type and device port")
    given = dict(options)
    found = {"ptd": program, "device_type": rest[0], "device_port": rest[1], "dc": "-D" in given}
    found["network_port"] = given.get("-p", port)
    found["interface_flag"] = next((flag for flag in ("-n", "-g", "-y", "-U") if flag in given), "")
    found |= {ours: given[flag] for flag, ours in (("-b", "gpib_board"), ("-B", "baud")) if flag in given}
    if "-c" in given:
        found["channel"] = [int(number) for number in given["-c"].split(",")]
    return found


def _note_ignored(section: configparser.SectionProxy, known: tuple[str, ...], note: Callable[[str], None]) -> None:
    for key in section:
        if key not in known:
            note(f"ignoring the unknown option {key!r} in [{section.name}]")
