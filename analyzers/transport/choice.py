"""Which transport a command line means: PTDaemon's flags and device ports."""

import ipaddress
import re

from analyzers.driver import Family
from analyzers.transport.line import Transport
from analyzers.transport.serial_port import SerialTransport
from analyzers.transport.tcp import SocketTransport
from analyzers.transport.usbtmc import UsbTmcTransport, file_of_serial_number
from analyzers.transport.visa import VisaTransport
from metrology.errors import ConfigError

FLAGS = {
    "n": "TCP/IP: DEVICE_PORT is HOST or HOST:PORT",
    "g": "GPIB: DEVICE_PORT is the primary address",
    "y": "as with Yokogawa's library: DEVICE_PORT is an IP address (VXI-11) or a USB serial number",
    "U": "USB: DEVICE_PORT is a serial number, /dev/usbtmcN or a VISA resource",
}
"""PTDaemon's flags for interfaces; without one it is a serial port, /dev/usbtmcN or a VISA resource."""
LARGEST_GPIB_ADDRESS = 30
_USBTMC = re.compile(r"/dev/usbtmc\d{1,3}")
_SOCKET = re.compile(r"TCPIP\d?::([A-Za-z0-9._-]{1,253})::(\d{1,5})::SOCKET")
_SERIAL = re.compile(r"ASRL(/[^:]+)(?:::INSTR)?")
_HOST = re.compile(r"([A-Za-z0-9._-]{1,253})(?:[:,](\d{1,5}))?")


def open_transport(
    family: Family, device_port: str, flag: str | None = None, baud: int | None = None, board: int | None = None
) -> Transport:
    """Open the line to an instrument.

    Args:
        family: what is expected there.
        device_port: where, in the form that the flag wants; a value with `::` always is a VISA resource.
        flag: one of `FLAGS`, or None.
        baud: bits per second of a serial line; None for the family's first.
        board: number of the GPIB board; None for 0.

    Raises:
        ConfigError: the port is not of the form, or the family has no such interface.
        InstrumentAbsentError: there is no such port, or it cannot be opened.
    """
    baud = family.baud if baud is None else baud
    if "::" in device_port:
        return _resource(family, device_port, baud)
    if flag == "n":
        return _network(family, device_port)
    if flag == "g":
        _expect(family, "gpib", "-g")
        return VisaTransport(f"GPIB{board or 0}::{_gpib_address(device_port)}::INSTR")
    if flag == "y" and (address := _ip_address(device_port)):
        _expect(family, "vxi11", "-y with an IP address")
        return VisaTransport(f"TCPIP::{address}::INSTR")
    if _USBTMC.fullmatch(device_port) or flag in ("y", "U"):
        _expect(family, "usbtmc", "USB")
        return UsbTmcTransport(device_port if "/" in device_port else file_of_serial_number(device_port))
    _expect(family, "serial", "a serial port")
    return SerialTransport(device_port, baud, family.terminator)


def _resource(family: Family, name: str, baud: int) -> Transport:
    """Open a VISA resource; sockets and serial ports without VISA, so that the first byte of an answer is seen."""
    if match := _SOCKET.fullmatch(name):
        return SocketTransport(match[1], int(match[2]), family.terminator)
    if match := _SERIAL.fullmatch(name):
        return SerialTransport(match[1], baud, family.terminator)
    return VisaTransport(name)


def _expect(family: Family, interface: str, asked: str) -> None:
    if interface not in family.interfaces:
        known = ", ".join(family.interfaces) or "none"
        raise ConfigError(
            f"the {family.title} cannot be reached by {asked}", f"its interfaces are {known}; see 'wattrig-ptd -h'"
        )


def _network(family: Family, device_port: str) -> Transport:
    match = _HOST.fullmatch(device_port)
    if match is None or int(match[2] or 0) > 65535:
        raise ConfigError(f"got DEVICE_PORT {device_port[:60]!r} with -n, expected HOST or HOST:PORT")
    host, port = match[1], match[2]
    if "socket" in family.interfaces and (port or family.socket_port):
        return SocketTransport(host, int(port or family.socket_port or 0), family.terminator)
    _expect(family, "vxi11", "-n")
    return VisaTransport(f"TCPIP::{host}{f',{port}' if port else ''}::INSTR")


def _gpib_address(device_port: str) -> int:
    if not re.fullmatch(r"\d{1,2}", device_port) or int(device_port) > LARGEST_GPIB_ADDRESS:
        raise ConfigError(f"got GPIB address {device_port[:40]!r}, expected 0 to {LARGEST_GPIB_ADDRESS}")
    return int(device_port)


def _ip_address(device_port: str) -> str | None:
    """Get `IP` or `IP,PORT` for VISA; None where it is something else."""
    host, _, port = device_port.replace(":", ",").partition(",")
    try:
        address = str(ipaddress.IPv4Address(host))
    except ValueError:
        return None
    return f"{address},{port}" if port.isdecimal() and len(port) <= 5 else address
