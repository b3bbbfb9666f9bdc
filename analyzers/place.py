"""Where an instrument is, as an operator names it; its line is opened only if nobody else uses it."""

import json
import re
from dataclasses import dataclass

from analyzers.catalogue import ANY
from analyzers.driver import Family
from analyzers.holder import holders
from analyzers.transport import Transport
from analyzers.transport.choice import open_transport
from metrology.errors import InstrumentAbsentError

_ADDRESS = re.compile(r"[A-Za-z0-9._-]{1,253}:\d{1,5}|\d{1,3}(\.\d{1,3}){3}")


@dataclass(frozen=True, slots=True)
class Place:
    """A port with what else opens it; see `open_transport` for each.

    Attributes:
        port: a device file, a VISA resource, HOST:PORT or an IP address.
        flag: PTDaemon's letter for the interface; None for what the port looks like.
        baud: bits per second of a serial line; None for the family's first.
        board: number of the GPIB board.
    """

    port: str
    flag: str | None = None
    baud: int | None = None
    board: int | None = None

    @property
    def meant(self) -> str | None:
        """Get the flag: `n` for what looks like an address where none is given."""
        return self.flag or ("n" if _ADDRESS.fullmatch(self.port) else None)

    def open(self, family: Family = ANY) -> Transport:
        """Open the line.

        Raises:
            InstrumentAbsentError: another program uses it, or it cannot be opened.
            ConfigError: the family has no such interface.
        """
        if users := holders(self.port):
            raise InstrumentAbsentError(
                f"'{self.port}' is in use by {'; '.join(users)}",
                "end that program first; an analyzer answers one program at a time",
            )
        return open_transport(family, self.port, self.meant, self.baud, self.board)

    def table(self, family: Family) -> str:
        """Write the table of a station file for an instrument of a family here."""
        lines = ["[[analyzer]]", f"device_type = {family.device_type}  # {family.title}"]
        lines += [f"device_port = {json.dumps(self.port)}"]
        lines += [f'interface_flag = "-{self.meant}"'] * (self.meant is not None)
        lines += [f"baud = {self.baud}"] * (self.baud is not None)
        lines += [f"gpib_board = {self.board}"] * (self.board is not None)
        return "\n".join(lines)
