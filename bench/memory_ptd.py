"""A daemon on a real socket without instrument: it has so many samples ready as soon as it is told Go.

python -I -S memory_ptd.py -l LOG -p PORT TYPE COUNT        COUNT samples, one a second, the last one now
"""

import socket
import sys
import time
from pathlib import Path

IDENTITY = (
    "YokogawaWT310E,1000,1,1,1,1,0,1,1,version=wattrig_0.1.0-00000000-20260101,OS=Linux,mode=power,1,1,1,0,0,"
    "no_cal_date,YOKOGAWA;WT310E;SIMULATED;F1.04"
)
GROUP = "Watts,100.000000,Volts,230.120000,Amps,0.450000,PF,0.950000"
FIXED = {
    "Hello": "Hello, PTDaemon here!",
    "Identify": IDENTITY,
    "RR": "Ranges,0,10.000000,0,300.000000",
    "Watts": "Watts,100.000000,100.000000,100.000000,1,0,1",
    "Uncertainty": "Uncertainty,0.004500,0.004500,0.004500,1,0,1,0",
    "Stop": "Stopping untimed measurement",
}


class Memory:
    """The samples.

    Args:
        log: the file that each is appended to, with its mark.
        count: how many there are of a measurement.
    """

    def __init__(self, log: Path, count: int) -> None:
        self._log = log
        self._count = count
        self._lines: list[str] = []
        log.touch()

    def answer(self, command: str) -> str:
        """Get the reply to a command, with CR LF between its lines."""
        word, *rest = command.split(",")
        if word == "Go":
            self._go(rest[2])
            return "Starting untimed measurement, maximum 500000 samples at 1000ms with 0 rampup samples"
        if word == "RL":
            listed = "\r\n".join([f"Last {len(self._lines)} samples", *self._lines])
            return "Invalid number of parameters" if rest else listed
        if word == "SR":
            return f"Range {rest[0]} changed"
        return FIXED.get(word, "Unknown command")

    def _go(self, mark: str) -> None:
        now = time.time()
        stamps = [now - number for number in reversed(range(self._count))]
        self._lines = [f"Time,{stamp_text(stamp)},{GROUP}" for stamp in stamps]
        with self._log.open("a") as file:
            file.write("".join(f"{line},Mark,{mark}\n" for line in self._lines))


def stamp_text(stamp: float) -> str:
    """Write a time as PTDaemon does."""
    text = time.strftime("%m-%d-%Y %H:%M:%S", time.gmtime(stamp))
    return f"{text}.{int(stamp * 1000) % 1000:03d}"


def main() -> None:
    """Serve one client after another."""
    words = sys.argv[1:]
    memory = Memory(Path(words[words.index("-l") + 1]), int(words[-1]))
    server = socket.create_server(("127.0.0.1", int(words[words.index("-p") + 1])))
    while True:
        peer = server.accept()[0]
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with peer, peer.makefile("rb") as file:
            for line in file:
                peer.sendall(f"{memory.answer(line.decode().strip())}\r\n".encode())


if __name__ == "__main__":
    main()
