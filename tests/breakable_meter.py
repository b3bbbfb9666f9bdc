"""A simulated analyzer in a thread of the test, so that a fault begins at the very moment that a test wants."""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from analyzers.simulated.device import Setting
from analyzers.simulated.faults import Fault, Faults
from analyzers.simulated.fronts import Front, PtyFront, TcpFront
from analyzers.simulated.load import ConstantLoad
from analyzers.simulated.meter import Mains
from analyzers.simulated.models import maker_of
from analyzers.simulated.process import Simulator, Truth, seconds_clock, serve
from analyzers.simulated.vxi11 import Vxi11Front

WATTS = 100.0


class Switch(Faults):
    """Faults that begin when they are told to."""

    def __init__(self) -> None:
        super().__init__()
        self._resets = 0

    def begin(self, *faults: Fault) -> None:
        """Begin faults whose times count from now."""
        now_s = time.monotonic()
        self._resets += sum(fault.kind == "reset" for fault in faults)
        self._faults = tuple(Fault(fault.kind, now_s + fault.from_s, now_s + fault.until_s) for fault in faults)

    def active(self, kind: str, now_s: float) -> bool:
        return super().active(kind, time.monotonic())

    def begun(self, kind: str, now_s: float) -> int:
        return self._resets if kind == "reset" else 0

    def next_s(self, now_s: float) -> float:
        return float("inf")


@contextlib.contextmanager
def simulated(transport: str, port: Path, model: str = "wt310e") -> Iterator[tuple[str, Switch]]:
    """Have an analyzer that draws `WATTS`; get what it is reached by, and the switch of its faults.

    Args:
        transport: pty, tcp or vxi11.
        port: the link to the pseudo terminal.
        model: as `wattrig simulate` takes it.
    """
    front: Front = PtyFront(port) if transport == "pty" else TcpFront(0) if transport == "tcp" else Vxi11Front(0)
    clock, switch = seconds_clock(), Switch()
    setting = Setting(ConstantLoad(WATTS), Mains(), clock)
    made = Simulator(partial(maker_of(model), setting), front, clock, 0, Truth(None, clock), switch)
    reading, writing = os.pipe()
    thread = threading.Thread(target=serve, args=([made], clock, reading))
    thread.start()
    try:
        yield front.name, switch
    finally:
        os.write(writing, b"x")
        thread.join()
        made.close()
        os.close(reading)
        os.close(writing)
