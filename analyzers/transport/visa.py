"""VISA resources by pyvisa with pyvisa-py: VXI-11 and HiSLIP, and GPIB and USB where their libraries are installed.

Only VXI-11 is verified: no machine of ours had an instrument on GPIB or USB.
"""

from collections.abc import Callable
from typing import TypeVar

from analyzers.transport.line import StreamTransport
from metrology.errors import ConfigError, InstrumentAbsentError

OPEN_MS, SEND_MS = 5000, 2000
Result = TypeVar("Result")


class VisaTransport(StreamTransport):
    """An instrument behind the name of a VISA resource of the class INSTR, whose bus tells where an answer ends.

    Args:
        resource: `TCPIP::192.168.0.5::INSTR`; `TCPIP::127.0.0.1,1024::INSTR` names VXI-11's port, else the
            instrument's portmapper is asked for it.

    Raises:
        ConfigError: it takes no messages.
        InstrumentAbsentError: nobody is there.
    """

    def __init__(self, resource: str) -> None:
        super().__init__(resource, "\n")
        import pyvisa  # an extra, and slow to import
        from pyvisa.resources import MessageBasedResource

        self._manager = pyvisa.ResourceManager("@py")
        try:
            opened = _tried(lambda: self._manager.open_resource(resource, open_timeout=OPEN_MS))
        except OSError as problem:
            self._manager.close()
            raise InstrumentAbsentError(
                f"the VISA resource '{resource}' cannot be opened: {problem}",
                "check the address, that the instrument is on and its interface is enabled in its menu, and for GPIB "
                "or USB that pyvisa-py finds its libraries: 'pyvisa-info'",
            ) from problem
        if not isinstance(opened, MessageBasedResource):
            self._manager.close()
            raise ConfigError(f"the VISA resource '{resource}' takes no messages", "give one that ends with ::INSTR")
        self._resource = opened
        self._lock()

    def _lock(self) -> None:
        """Keep other programs out, where the bus and the instrument can: two that ask get each other's answers."""
        try:
            _tried(lambda: self._resource.lock_excl(SEND_MS))
        except BlockingIOError as problem:
            self.close()
            raise InstrumentAbsentError(
                f"the VISA resource '{self.port}' cannot be opened: {problem}",
                "end the other program; a lock that a machine left which went down ends when the meter is restarted",
            ) from problem
        except OSError:  # it knows no locks
            return

    def _send(self, data: bytes) -> None:
        def send() -> None:
            self._resource.timeout = SEND_MS
            self._resource.write_raw(data)

        _tried(send)

    def _receive(self, wait_s: float) -> bytes:
        def receive() -> bytes:
            self._resource.timeout = max(1, round(wait_s * 1000))
            return self._resource.read_raw()

        try:
            data = _tried(receive)
        except TimeoutError:
            return b""
        return data if data.endswith(b"\n") else data + b"\n"

    def _drain(self) -> None:
        _tried(self._resource.clear)

    def close(self) -> None:
        """Close the resource, which may be gone by now."""
        try:
            _tried(self._resource.close)
        except OSError:
            return
        finally:
            self._manager.close()


def _tried(call: Callable[[], Result]) -> Result:
    """Call into pyvisa-py and make its errors `OSError`: its own, those of sockets and of XDR, plain `Exception`."""
    import pyvisa

    try:
        return call()
    except OSError:
        raise
    except pyvisa.errors.VisaIOError as problem:
        if problem.error_code == pyvisa.constants.StatusCode.error_timeout:
            raise TimeoutError("the time-out expired") from problem
        if problem.error_code == pyvisa.constants.StatusCode.error_resource_locked:
            raise BlockingIOError("another program has locked it") from problem
        raise OSError(str(problem)) from problem
    except Exception as problem:
        raise OSError(" ".join(str(problem).split()) or type(problem).__name__) from problem
