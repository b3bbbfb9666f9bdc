"""One analyzer of a station: the daemon that reads it and how the instrument is connected."""

import shutil
import sys
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from metrology.errors import ConfigError
from metrology.judgement import check_terms

COUNT_ONLY_TYPE = 48
"""The WT500 multichannel takes one number, how many channels."""
FIRST_AND_COUNT_TYPES = frozenset({59, 61, 77})
"""The other multichannel types of PTDaemon take two, which channel is the first and how many: with one alone PTDaemon
does not start. Source of both: the reference director's configuration check."""
OUR_MULTICHANNEL_TYPES = frozenset({9001})
"""Those of wattrig-ptd alone take a count, or first and count."""
MULTICHANNEL_TYPES = frozenset({COUNT_ONLY_TYPE}) | FIRST_AND_COUNT_TYPES | OUR_MULTICHANNEL_TYPES
LARGEST_CURRENT_RANGES_A = {
    8: 20, 35: 40, 47: 50, 48: 40, 49: 20, 52: 20, 66: 30, 77: 20, 508: 20, 549: 20, 586: 20,
}  # fmt: skip
"""Largest current range by device type, for ranging_mode "max"; source: the reference director's table."""


FIRST_PORT = 8888
"""TCP port of the first daemon where the file names none; source: the reference's server.conf."""


OUR_DAEMON = "wattrig-ptd"


class Strict(BaseModel):
    """A table in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AnalyzerConfig(Strict):
    """One table [[analyzer]]: the daemon that reads it and how the instrument is connected.

    Attributes:
        ptd: the daemon's program, wattrig-ptd or SPEC's PTDaemon.
        device_type: PTDaemon's number of the instrument, 49 for the Yokogawa WT310.
        device_port: where it is: "/dev/ttyUSB0", a GPIB address, an IP address, a serial number.
        interface_flag: PTDaemon's: "" serial, "-g" GPIB, "-n" TCP, "-y" Yokogawa TMCTL, "-U" USB.
        channel: as the device type wants it: (first, count), (count,) or (channel,).
        network_port: TCP port of the daemon on this machine; 0 picks a free one. Of several analyzers the first has
            8888, the next 8889, and so on.
        dc: measure direct current.
        gpib_board: number of the GPIB board.
        baud: bits per second of a serial line.
        name: what the lab calls it; for the record.
        feeds: what hangs on it, "PSU 1 and 2"; for the record.
        settle_s: pause before each Go and after each stop command, seconds; by default none with wattrig-ptd,
            which answers when the analyzer has settled, and the reference's 10 s with SPEC's PTDaemon.
        uncertainty_model: "ptd" or "datasheet"; by default wattrig-ptd's own choice.
        readout: "ascii" or "binary", how values are read from the instrument; by default wattrig-ptd's own choice.
        accuracy: the lab's own terms in the place of the data sheet's, each a fraction; wattrig-ptd alone takes them.
    """

    ptd: str = OUR_DAEMON
    device_type: int = Field(ge=0, le=99999)
    device_port: str = Field(min_length=1)
    interface_flag: Literal["", "-n", "-g", "-y", "-U"] = ""
    channel: tuple[int, ...] | None = None
    network_port: int = Field(default=FIRST_PORT, ge=0, le=65535)
    dc: bool = False
    gpib_board: int | None = Field(default=None, ge=0)
    baud: int | None = Field(default=None, gt=0)
    name: str = Field(default="", max_length=200)
    feeds: str = Field(default="", max_length=200)
    settle_s: float | None = Field(default=None, ge=0, le=600)
    uncertainty_model: Literal["ptd", "datasheet"] | None = None
    readout: Literal["ascii", "binary"] | None = None
    accuracy: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _channels_fit_the_device(self) -> Self:
        wanted, count = self._channel_numbers_wanted(), len(self.channel or ())
        if count not in wanted or any(number < 1 for number in self.channel or ()):
            kind = "multichannel" if self.device_type in MULTICHANNEL_TYPES else "one-channel"
            numbers = " or ".join(str(number) if number else "no" for number in wanted)
            got = list(self.channel) if self.channel else "none"
            example = "; the first channel and how many are read, as in [1, 3]" if wanted == (2,) else ""
            raise ValueError(
                f"device type {self.device_type} ({kind}) needs {numbers} channel number(s) from 1 up, "
                f"got {got}{example}"
            )
        return self

    @model_validator(mode="after")
    def _terms_are_terms(self) -> Self:
        try:
            check_terms(self.accuracy)
        except ConfigError as problem:
            raise ValueError(problem.message) from problem
        if self.accuracy and self.uncertainty_model == "ptd":
            raise ValueError("'accuracy' goes with uncertainty_model = \"datasheet\": PTDaemon has terms of its own")
        if (self.accuracy or self.uncertainty_model) and not self.is_ours:
            raise ValueError("'uncertainty_model' and 'accuracy' are for wattrig-ptd, SPEC's PTDaemon has its own")
        if self.readout and not self.is_ours:
            raise ValueError("'readout' is for wattrig-ptd, SPEC's PTDaemon has no such option")
        return self

    def _channel_numbers_wanted(self) -> tuple[int, ...]:
        if self.device_type not in MULTICHANNEL_TYPES:
            return (0, 1)
        if self.device_type in OUR_MULTICHANNEL_TYPES:
            return (1, 2)
        return (1,) if self.device_type == COUNT_ONLY_TYPE else (2,)

    @property
    def channels(self) -> range:
        """Get the numbers, from 1, of the channels of a multichannel analyzer that belong to the SUT; else none."""
        if self.device_type not in MULTICHANNEL_TYPES or not self.channel:
            return range(0)
        first, count = (1, *self.channel)[-2:]
        return range(first, first + count)

    @property
    def is_ours(self) -> bool:
        """Tell whether the daemon is wattrig-ptd, by its name."""
        return Path(self.ptd).name == OUR_DAEMON

    def command(self, log: Path, tcp_port: int, output: Path | None = None) -> list[str]:
        """Get the daemon's command line, in PTDaemon's form and the reference's order.

        Args:
            log: for the samples.
            tcp_port: to listen on.
            output: for what it says, where that is not standard output; only ours can.
        """
        options = ["-l", str(log), "-p", str(tcp_port)]
        if output is not None:
            options += ["-o", str(output)]
        if self.gpib_board is not None:
            options += ["-b", str(self.gpib_board)]
        if self.channel is not None:
            options += ["-c", ",".join(map(str, self.channel))]
        options += ["-D"] * self.dc + [self.interface_flag] * bool(self.interface_flag)
        if self.baud is not None:
            options += ["-B", str(self.baud)]
        if self.uncertainty_model is not None:
            options += ["--model", self.uncertainty_model]
        if self.readout is not None:
            options += ["--readout", self.readout]
        if self.accuracy:
            options += ["--accuracy", ",".join(f"{name}={value!r}" for name, value in self.accuracy.items())]
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


def find_program(name: str) -> str:
    """Find a daemon's program: a path as it is, a bare name on PATH, or beside the running Python."""
    if Path(name).name != name:
        return name
    beside = Path(sys.executable).parent / name
    return shutil.which(name) or (str(beside) if beside.exists() else name)
