"""The line to an instrument: text messages there, one line of text back, in bounded time.

Transport    what a driver sees: write a message, read an answer
├── SerialTransport    RS-232 by pyserial
├── SocketTransport    a raw TCP socket
├── UsbTmcTransport    USB-TMC through Linux's device file /dev/usbtmcN
└── VisaTransport      VXI-11, GPIB and other VISA resources by pyvisa with pyvisa-py

`choice.open_transport` picks the one that a command line means.
"""

from analyzers.transport.line import LONGEST_ANSWER, Transport, ask, check_pace
from analyzers.transport.serial_port import SerialTransport
from analyzers.transport.tcp import SocketTransport
from analyzers.transport.usbtmc import UsbTmcTransport
from analyzers.transport.visa import VisaTransport

__all__ = [
    "LONGEST_ANSWER",
    "SerialTransport",
    "SocketTransport",
    "Transport",
    "UsbTmcTransport",
    "VisaTransport",
    "ask",
    "check_pace",
]
