"""station.toml: what a measuring machine has and how its director serves it, read and checked before anything starts.

The reference's own server.conf is understood too (`director.server_conf`); which of the two a file is shows in its
content.
"""

import difflib
import ipaddress
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from director.analyzer_config import FIRST_PORT, AnalyzerConfig, Strict
from director.server_conf import station_of_server_conf
from metrology.errors import ConfigError
from wire.protocol import DEFAULT_PORT

LARGEST_STATION_FILE = 1 << 20
MOST_ANALYZERS = 99
"""What the two digits of `AnalyzerN` in a merged power log can number."""
SEVERAL = (
    "WARNING: {count} analyzers measure together; the reference checker rejects such a session, because it expects "
    "the third 'Stop' to find nothing to stop"
)


class DirectorConfig(Strict):
    """The table [director].

    Attributes:
        listen: address and port to serve, "127.0.0.1:4950"; port 0 picks a free one.
        store: the folder that holds the sessions; relative to the station file.
        ntp: the NTP server to set the clock from, where that is allowed.
        allow_plaintext: serve other machines without encryption.
        tls: whether every client must encrypt, or may.
        keys: the folder of keys; relative to the station file. The default one where it is not given.
        allow_clock_step: let a client's `set_ntp` step this machine's clock.
        ranging_mode: the current range of the ranging run: "auto", or the analyzer's largest, "max".
        interval_ms: time between samples; MLPerf's 1000, any other is for measurements that are not submitted.
        meters_per_daemon: how many analyzers share one wattrig-ptd at most; without it each has its own up to 4, and
            of more 16 share one.
    """

    listen: str = f"127.0.0.1:{DEFAULT_PORT}"
    store: Path
    ntp: str = ""
    allow_plaintext: bool = False
    tls: Literal["offered", "required"] = "offered"
    keys: Path | None = None
    allow_clock_step: bool = False
    ranging_mode: Literal["auto", "max"] = "auto"
    interval_ms: int = Field(1000, ge=100, le=5000)
    meters_per_daemon: int | None = Field(None, ge=1, le=99)

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

    @property
    def serves_plaintext(self) -> bool:
        """Tell whether a client may come without encryption."""
        return self.tls == "offered" and (self.is_loopback or self.allow_plaintext)


class SessionConfig(Strict):
    """The table [session].

    Attributes:
        grace_s: how long a phase is measured on when the connection to a client of ours is lost, seconds.
        testing_attempts: how often the testing run may be tried in all, after one ranging run.
    """

    grace_s: float = Field(default=60.0, ge=0, le=86_400)
    testing_attempts: int = Field(default=3, ge=1, le=100)


class Station(Strict):
    """A whole station file."""

    director: DirectorConfig
    session: SessionConfig = SessionConfig()
    analyzer: tuple[AnalyzerConfig, ...] = Field(min_length=1, max_length=MOST_ANALYZERS)


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
    station = _checked(path, _parsed(path, text, note))
    if len(station.analyzer) > 1:
        note(SEVERAL.format(count=len(station.analyzer)))
    return station


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
    here = path.parent.absolute()
    update = {"store": here / station.director.store}
    if station.director.keys is not None:
        update["keys"] = here / station.director.keys
    director = station.director.model_copy(update=update)
    return station.model_copy(update={"director": director, "analyzer": _with_ports(path, station.analyzer)})


def _with_ports(path: Path, analyzers: Sequence[AnalyzerConfig]) -> tuple[AnalyzerConfig, ...]:
    """Give each daemon whose port is not named one of its own."""
    found = tuple(
        config if "network_port" in config.model_fields_set
        else config.model_copy(update={"network_port": FIRST_PORT + index})
        for index, config in enumerate(analyzers)
    )  # fmt: skip
    ports = [config.network_port for config in found if config.network_port]
    if double := next((port for port in ports if ports.count(port) > 1), None):
        raise ConfigError(
            f"'{path}': two analyzers have the network_port {double}, expected one for each daemon",
            "leave network_port out of [[analyzer]], or set it to 0 for any free port",
        )
    return found


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
    given = first["input"]
    got = f", got {given!r}" if isinstance(given, str | int | float) else ""
    message = first["msg"].removeprefix("Value error, ")
    return ConfigError(f"'{path}': {f'{key!r} in ' if key else ''}{table}: {message}{got}")


def _unknown_key(path: Path, table: str, key: str) -> ConfigError:
    tables: dict[str, type[Strict]] = {"[director]": DirectorConfig, "[session]": SessionConfig}
    model = AnalyzerConfig if table.startswith("[[") else tables.get(table, Station)
    known = list(model.model_fields)
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
    return ConfigError(f"'{path}': unknown key {key!r} in {table}", hint)
