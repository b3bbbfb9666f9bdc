"""Finding instruments: ports of this machine and, only where asked, addresses of the network.

Serial ports are listed and not opened. VISA is asked for USB and GPIB alone: its search for network instruments
would broadcast.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from analyzers.catalogue import best_of
from analyzers.identify import Identity, identify_at
from analyzers.place import Place
from analyzers.probe import Heard
from metrology.errors import WattrigError

USBTMC_FOLDER = Path("/sys/class/usbmisc")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A port at which an instrument may be.

    Attributes:
        port: how to name it.
        kind: "serial", "usbtmc", "visa" or "network".
        what: what is known of it without asking.
        identity: who answered; None where nobody was asked or answered.
        problem: why nobody was identified; empty otherwise.
    """

    port: str
    kind: str
    what: str
    identity: Identity | None = None
    problem: str = ""

    @property
    def table(self) -> str | None:
        """Get the table of a station file for it; None where no driver is known."""
        family = best_of(list(self.identity.families)) if self.identity else None
        return Place(self.port).table(family) if family else None


class SerialPort(Protocol):
    """What pyserial tells of a port."""

    device: str
    description: str


def serial_candidates(found: Iterable[SerialPort] | None = None) -> list[Candidate]:
    """List the serial ports that this machine has."""
    if found is None:
        from serial.tools.list_ports import comports  # an extra: the SUT side does without

        found = comports()
    return [
        Candidate(each.device, "serial", each.description) for each in sorted(found, key=lambda port: port.device)
    ]


def usbtmc_candidates(folder: Path = USBTMC_FOLDER) -> list[Candidate]:
    """List the USB-TMC instruments that the kernel has a device file for."""
    return [
        Candidate(f"/dev/{entry.name}", "usbtmc", _usb_text(entry / "device" / ".."))
        for entry in sorted(folder.glob("usbtmc*"))
    ]


def _usb_text(device: Path) -> str:
    words = []
    for name in ("manufacturer", "product", "idVendor", "idProduct", "serial"):
        with suppress(OSError):  # unplugged meanwhile, or not told
            words.append((device / name).read_text("utf-8", "replace").strip()[:80])
    return " ".join(words) or "USB-TMC"


def visa_candidates() -> list[Candidate]:
    """List the USB and GPIB resources that pyvisa-py finds; none where their libraries are not installed."""
    from pyvisa.constants import InterfaceType
    from pyvisa_py.sessions import Session

    wanted = (InterfaceType.usb, InterfaceType.gpib)
    classes = [cls for (kind, _), cls in Session.iter_valid_session_classes() if kind in wanted]
    names: set[str] = set()
    for each in classes:
        with suppress(OSError, NotImplementedError, ValueError):
            names.update(each.list_resources())
    return [Candidate(name, "visa", "VISA resource") for name in sorted(names) if name.endswith("INSTR")]


def network_candidates(heard: Iterable[Heard]) -> list[Candidate]:
    """Make candidates of what was heard in the network."""
    return [Candidate(each.port, "network", each.what) for each in heard]


def identified(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Ask each candidate who it is; one that does not answer stays, with why."""
    for each in candidates:
        try:
            identity = identify_at(Place(each.port))
        except WattrigError as problem:
            yield Candidate(each.port, each.kind, each.what, problem=problem.message)
        else:
            yield Candidate(each.port, each.kind, each.what, identity)
