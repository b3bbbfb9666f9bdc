"""station.toml: what a measuring machine has and how its director serves it, read and checked before anything starts.

The reference's own server.conf is understood too (`director.server_conf`); which of the two a file is shows in its
content.
"""

import difflib
import ipaddress
import shutil
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from director.server_conf import station_of_server_conf
from metrology.errors import ConfigError
from wire.protocol import DEFAULT_PORT

LARGEST_STATION_FILE = 1 << 20
MULTICHANNEL_TYPES = frozenset({48, 59, 61, 77})
"""PTDaemon device types that read several channels; source: the reference director's configuration check."""
COUNT_ONLY_TYPE = 48
"""The WT500 multichannel takes one number, how many channels; the other multichannel types take first and count."""
LARGEST_CURRENT_RANGES_A = {
    8: 20, 35: 40, 47: 50, 48: 40, 49: 20, 52: 20, 66: 30, 77: 20, 508: 20, 549: 20, 586: 20,
}  # fmt: skip
"""Largest current range by device type, for ranging_mode "max"; source: the reference director's table."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DirectorConfig(_Strict):
    """The table [director].

    Attributes:
        listen: address and port to serve, "127.0.0.1:4950"; port 0 picks a free one.
        store: the folder that holds the sessions; relative to the station file.
        ntp: the NTP server to set the clock from, where that is allowed.
        allow_plaintext: serve other machines without encryption.
        allow_clock_step: let a client's `set_ntp` step this machine's clock.
        ranging_mode: the current range of the ranging run: "auto", or the analyzer's largest, "max".
    """

    listen: str = f"127.0.0.1:{DEFAULT_PORT}"
    store: Path
    ntp: str = ""
    allow_plaintext: bool = False
    allow_clock_step: bool = False
    ranging_mode: Literal["auto", "max"] = "auto"

    @field_validator("listen")
    @classmethod
    def _is_an_address(cls, listen: str) -> str:
        split_address(listen)
        return listen

    @property
    def address(self) -> tuple[str, int]:
        """Get (host, port) to listen on."""
        return split_address(self.listen)

    @property
    def is_loopback(self) -> bool:
        """Tell whether only this machine can connect."""
        host = self.address[0]
        return host == "localhost" or ipaddress.ip_address(host).is_loopback


class AnalyzerConfig(_Strict):
    """One table [[analyzer]]: the daemon that reads it and how the instrument is connected.

    Attributes:
        ptd: the daemon's program, wattrig-ptd or SPEC's PTDaemon.
        device_type: PTDaemon's number of the instrument, 49 for the Yokogawa WT310.
        device_port: where it is: "/dev/ttyUSB0", a GPIB address, an IP address, a serial number.
        interface_flag: PTDaemon's: "" serial, "-g" GPIB, "-n" TCP, "-y" Yokogawa TMCTL, "-U" USB.
        channel: as the device type wants it: (first, count), (count,) or (channel,).
        network_port: TCP port of the daemon on this machine; 0 picks a free one.
        dc: measure direct current.
        gpib_board: number of the GPIB board.
        baud: bits per second of a serial line.
        settle_s: pause before each Go and after each stop command, seconds; by default none with wattrig-ptd,
            which answers when the analyzer has settled, and the reference's 10 s with SPEC's PTDaemon.
    """

    ptd: str = "wattrig-ptd"
    device_type: int = Field(ge=0, le=99999)
    device_port: str = Field(min_length=1)
    interface_flag: Literal["", "-n", "-g", "-y", "-U"] = ""
    channel: tuple[int, ...] | None = None
    network_port: int = Field(default=8888, ge=0, le=65535)
    dc: bool = False
    gpib_board: int | None = Field(default=None, ge=0)
    baud: int | None = Field(default=None, gt=0)
    settle_s: float | None = Field(default=None, ge=0, le=600)

    @model_validator(mode="after")
    def _channels_fit_the_device(self) -> Self:
        wanted, count = self._channel_numbers_wanted(), len(self.channel or ())
        if count not in wanted or any(number < 1 for number in self.channel or ()):
            kind = "multichannel" if self.device_type in MULTICHANNEL_TYPES else "one-channel"
            numbers = " or ".join(str(number) if number else "no" for number in wanted)
            got = list(self.channel) if self.channel else "none"
            raise ValueError(
                f"device type {self.device_type} ({kind}) needs {numbers} channel number(s) from 1 up, got {got}"
            )
        return self

    def _channel_numbers_wanted(self) -> tuple[int, ...]:
        if self.device_type not in MULTICHANNEL_TYPES:
            return (0, 1)
        return (1,) if self.device_type == COUNT_ONLY_TYPE else (2,)

    @property
    def channels(self) -> range:
        """Get the numbers, from 1, of the channels of a multichannel analyzer that belong to the SUT; else none."""
        if self.device_type not in MULTICHANNEL_TYPES or not self.channel:
            return range(0)
        first, count = (1, self.channel[0]) if self.device_type == COUNT_ONLY_TYPE else self.channel
        return range(first, first + count)

    def command(self, log: Path, tcp_port: int) -> list[str]:
        """Get the daemon's command line, in PTDaemon's form and the reference's order."""
        options = ["-l", str(log), "-p", str(tcp_port)]
        if self.gpib_board is not None:
            options += ["-b", str(self.gpib_board)]
        if self.channel is not None:
            options += ["-c", ",".join(map(str, self.channel))]
        options += ["-D"] * self.dc + [self.interface_flag] * bool(self.interface_flag)
        if self.baud is not None:
            options += ["-B", str(self.baud)]
        return [find_program(self.ptd), *options, str(self.device_type), self.device_port]

    def record(self, command: list[str]) -> dict[str, Any]:
        """Get the entry for `ptd_config` in server.json, keys as the reference's."""
        return {
            "command": command,
            "device_type": self.device_type,
            "interface_flag": self.interface_flag,
            "dc_flag": "-D" if self.dc else None,
            "device_port": self.device_port,
            "channel": list(self.channel) if self.channel is not None else None,
        }


class Station(_Strict):
    """A whole station file."""

    director: DirectorConfig
    analyzer: tuple[AnalyzerConfig, ...] = Field(min_length=1)


def split_address(listen: str) -> tuple[str, int]:
    """Split "HOST:PORT"; an IPv6 host stands in brackets.

    Raises:
        ValueError: it is no IP address (or localhost) with a port of 0 to 65535.
    """
    host, colon, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"got {listen!r}, expected an address and a port as in '127.0.0.1:{DEFAULT_PORT}'")
    if host != "localhost":
        ipaddress.ip_address(host)
    return host, int(port)


def find_program(name: str) -> str:
    """Find a daemon's program: a path as it is, a bare name on PATH, or beside the running Python."""
    if Path(name).name != name:
        return name
    beside = Path(sys.executable).parent / name
    return shutil.which(name) or (str(beside) if beside.exists() else name)


def load_station(path: Path, note: Callable[[str], None] = lambda _: None) -> Station:
    """Read a station file, station.toml or the reference's server.conf.

    Args:
        path: the file.
        note: called with each thing worth telling that is no error, such as an option that is ignored.

    Raises:
        ConfigError: it cannot be read, or says something that cannot be.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_STATION_FILE).decode()
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"the station file '{path}' cannot be read: {problem}") from problem
    return _checked(path, _parsed(path, text, note))


def _parsed(path: Path, text: str, note: Callable[[str], None]) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        found = station_of_server_conf(path, text, note)
        if found is None:
            raise ConfigError(f"'{path}' is no TOML: {problem}") from problem
        return found


def _checked(path: Path, found: Mapping[str, Any]) -> Station:
    try:
        station = Station.model_validate(found)
    except ValidationError as problem:
        raise _config_error(path, problem) from problem
    if len(station.analyzer) > 1:
        raise ConfigError(
            f"'{path}' names {len(station.analyzer)} analyzers, expected one: several are not supported yet",
            "leave one [[analyzer]]; a multichannel analyzer sums its own channels",
        )
    store = path.parent.absolute() / station.director.store
    return station.model_copy(update={"director": station.director.model_copy(update={"store": store})})


def _config_error(path: Path, problem: ValidationError) -> ConfigError:
    first = problem.errors(include_url=False)[0]
    place = [part for part in first["loc"] if isinstance(part, str)]
    number = next((part + 1 for part in first["loc"] if isinstance(part, int)), 0)
    table = f"[[analyzer]] number {number}" if number and place[0] == "analyzer" else f"[{place[0] if place else ''}]"
    key = place[1] if len(place) > 1 else ""
    if first["type"] == "extra_forbidden":
        return _unknown_key(path, table if key else "the file", key or place[0])
    if first["type"] == "missing":
        return ConfigError(f"'{path}': {table} lacks {f'the key {key!r}' if key else 'altogether'}")
    got = "" if isinstance(first["input"], dict) else f", got {first['input']!r}"
    message = first["msg"].removeprefix("Value error, ")
    return ConfigError(f"'{path}': {f'{key!r} in ' if key else ''}{table}: {message}{got}")


def _unknown_key(path: Path, table: str, key: str) -> ConfigError:
    model = AnalyzerConfig if table.startswith("[[") else DirectorConfig if table == "[director]" else Station
    known = list(model.model_fields)
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
    return ConfigError(f"'{path}': unknown key {key!r} in {table}", hint)
