"""USB-TMC through Linux's device file. No machine of ours had such an instrument: not verified on hardware.

The kernel's driver turns each write into a message and each read into one answer (linux/usb/tmc.h, usbtmc.c).
"""

import errno
import fcntl
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from analyzers.transport.line import LONGEST_ANSWER, StreamTransport
from metrology.errors import InstrumentAbsentError

CLEAR, SET_TIMEOUT, AUTO_ABORT = 0x5B02, 0x40045B0A, 0x40015B19
"""Requests of usb/tmc.h: clear the instrument's buffers, set the time-out in ms (u32), abort reads that time out."""
SHORTEST_MS = 100
"""Shortest time-out that the kernel takes; source: usbtmc.c."""
SEND_MS = 2000
CLASS_FOLDER = Path("/sys/class/usbmisc")
"""Where the kernel lists the device files, each with the USB device that it belongs to."""


class UsbTmcTransport(StreamTransport):
    """An instrument on `/dev/usbtmcN`.

    Args:
        port: the device file.
        ioctl: the system call, for tests.

    Raises:
        InstrumentAbsentError: the file cannot be opened, or another program holds it.
    """

    def __init__(self, port: str, ioctl: Callable[[int, int, bytes], object] = fcntl.ioctl) -> None:
        super().__init__(port, "\n")
        self._ioctl = ioctl
        try:
            self._fd = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as problem:
            raise self._absent(problem) from problem
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._set_timeout(SEND_MS)
        except OSError as problem:
            os.close(self._fd)
            raise self._absent(problem) from problem
        with suppress(OSError):  # kernels before 4.20 know no other way and have no such request
            ioctl(self._fd, AUTO_ABORT, b"\1")

    def _absent(self, problem: OSError) -> InstrumentAbsentError:
        return InstrumentAbsentError(
            f"the USB instrument '{self.port}' cannot be opened: {problem}",
            "see 'ls -l /dev/usbtmc*' and 'dmesg', whether another program holds it, and whether your user may write "
            "to it (a udev rule gives it a group)",
        )

    def _set_timeout(self, timeout_ms: int) -> None:
        self._ioctl(self._fd, SET_TIMEOUT, struct.pack("I", max(SHORTEST_MS, timeout_ms)))

    def _send(self, data: bytes) -> None:
        self._set_timeout(SEND_MS)
        if os.write(self._fd, data) != len(data):
            raise OSError("only a part was taken")

    def _receive(self, wait_s: float) -> bytes:
        self._set_timeout(round(wait_s * 1000))
        try:
            return os.read(self._fd, LONGEST_ANSWER)
        except OSError as problem:
            if problem.errno in (errno.ETIMEDOUT, errno.EAGAIN):
                return b""
            raise

    def _drain(self) -> None:
        self._ioctl(self._fd, CLEAR, b"")

    def close(self) -> None:
        """Close the device file."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def file_of_serial_number(number: str, folder: Path = CLASS_FOLDER) -> str:
    """Find the device file of the USB instrument with a serial number.

    Raises:
        InstrumentAbsentError: none has it.
    """
    found: dict[str, str] = {}
    for entry in sorted(folder.glob("usbtmc*")):
        with suppress(OSError):  # unplugged meanwhile, or without a number
            found[(entry / "device" / ".." / "serial").read_text("utf-8", "replace").strip()] = f"/dev/{entry.name}"
    if number not in found:
        there = ", ".join(f"{serial} ({file})" for serial, file in found.items()) or "none"
        raise InstrumentAbsentError(
            f"no USB-TMC instrument has the serial number {number[:40]!r}; those found: {there}",
            "see 'ls /dev/usbtmc*' and 'dmesg'; on another system give a VISA resource, USB0::0x0B21::...::INSTR",
        )
    return found[number]
