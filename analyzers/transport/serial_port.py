"""RS-232 by pyserial."""

import errno

from analyzers.transport.line import BITS_PER_BYTE, StreamTransport
from metrology.errors import InstrumentAbsentError

REASONS = {
    errno.ENOENT: "there is no such port",
    errno.EACCES: "this user may not open it",
    errno.EAGAIN: "another program has it open",
    errno.EBUSY: "another program has it open",
    errno.EIO: "no device is behind it",
}


def reason(problem: Exception) -> str:
    """Say why a port cannot be opened; pyserial's own words repeat the system's three times."""
    number = getattr(problem, "errno", None)
    return REASONS.get(number, str(problem)) if number else str(problem)


class SerialTransport(StreamTransport):
    """RS-232, or anything that looks like it: a USB serial adapter, a pty.

    Args:
        port: device path, `/dev/ttyUSB0`.
        baud: bits per second; the WT300 family starts with 9600 8N1 and no handshake (IM WT310E-17EN).
        terminator: what ends a message.

    Raises:
        InstrumentAbsentError: the port cannot be opened.
    """

    silence_hint = (
        "check that it is on, that the cable is the right one, and that baud rate and terminator agree with its menu"
    )

    def __init__(self, port: str, baud: int = 9600, terminator: str = "\r\n") -> None:
        import serial  # an extra: the SUT side does without

        super().__init__(port, terminator)
        self.byte_s = BITS_PER_BYTE / baud
        try:
            self._serial = serial.Serial(port, baud, timeout=0.0, write_timeout=2.0, exclusive=True)
        except (OSError, ValueError) as problem:  # SerialException is an OSError
            raise InstrumentAbsentError(
                f"the serial port '{port}' cannot be opened: {reason(problem)}",
                "look for the port with 'ls -l /dev/serial/by-id /dev/ttyUSB* /dev/ttyS*', and whether another "
                "program holds it or your user lacks the group 'dialout'",
            ) from problem

    def _send(self, data: bytes) -> None:
        self._serial.write(data)

    def _receive(self, wait_s: float) -> bytes:
        try:
            self._serial.timeout = wait_s
            first: bytes = self._serial.read(1)
            return first + bytes(self._serial.read(self._serial.in_waiting)) if first else first
        except TypeError as problem:  # pyserial's, when the port is closed meanwhile
            raise OSError("the port is closed") from problem

    def _drain(self) -> None:
        self._serial.reset_input_buffer()

    def close(self) -> None:
        """Free the port."""
        self._serial.close()
