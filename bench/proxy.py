"""A TCP proxy with the faults of a network, told on standard input what to do, and saying on standard output.

python proxy.py TARGET_PORT            prints "at PORT", then takes one command a line and answers "done":

    hold TEXT         hold back what the client sends from a piece with TEXT on, and print "held" when that comes
    release           hand on what was held
    delay SECONDS     hand on everything so much later
    loss SHARE        hand on such a share of the pieces a retransmission later
    drip BYTES        hand on so many bytes at a time, 200 times a second
    stall, flow       hand on nothing, in no direction, though nobody notices; go on
    reset             break all connections, both ways
    half              break the client's side alone: the director hears nothing of it
    refuse, accept    break all connections and let nobody in; let them in again
    cut BYTES         break all connections after so many more bytes from the director
    garbage up|down   slip in bytes that nobody said, to the director or to the client
"""

import asyncio
import contextlib
import os
import random
import socket
import struct
import sys

HOST = "127.0.0.1"
RETRANSMIT_S = 0.2
"""Linux's least time before a segment is sent again; source: TCP_RTO_MIN in linux/net/tcp.h."""
DRIP_S = 0.005
PIECE = 1 << 14
GARBAGE_BYTES = 64


class Proxy:
    """The proxy between one client and one director.

    Args:
        target: the director's port.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._held_text = b""
        self._going = asyncio.Event()
        self._going.set()
        self._delay_s = self._loss = 0.0
        self._drip = 0
        self._cut: int | None = None
        self._refuses = False
        self._up: list[asyncio.StreamWriter] = []
        self._down: list[asyncio.StreamWriter] = []
        self._kept: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._random = random.Random(1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a client with the director."""
        if self._refuses:
            return break_off(writer)
        try:
            far, onward = await asyncio.open_connection(HOST, self._target)
        except OSError:
            return break_off(writer)
        self._up.append(onward)
        self._down.append(writer)
        for source, sink, down in ((reader, onward, False), (far, writer, True)):
            task = asyncio.create_task(self._pump(source, sink, down=down))
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)
        return None

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, down: bool) -> None:
        try:
            while data := await source.read(PIECE):
                if not down and self._held_text and self._held_text in data:
                    self._held_text = b""
                    self._going.clear()
                    say("held")
                await self._hand_on(data, sink, down=down)
            await self._going.wait()
            if sink not in self._kept:
                sink.close()
        except OSError:
            if sink not in self._kept:
                break_off(sink)

    async def _hand_on(self, data: bytes, sink: asyncio.StreamWriter, *, down: bool) -> None:
        size = self._drip or len(data)
        for start in range(0, len(data), size):
            late_s = self._delay_s + (RETRANSMIT_S if self._random.random() < self._loss else 0.0)
            await asyncio.sleep(late_s + (DRIP_S if self._drip else 0.0))
            await self._going.wait()
            sink.write(data[start : start + size])
            await sink.drain()
        if down and self._cut is not None:
            self._cut -= len(data)
            if self._cut < 0:
                self._cut = None
                self.reset()

    def reset(self) -> None:
        """Break all connections."""
        for writer in self._up + self._down:
            break_off(writer)
        self._up.clear()
        self._down.clear()

    def obey(self, line: str) -> None:
        """Carry out one command."""
        word, _, rest = line.partition(" ")
        if word == "hold":
            self._held_text = rest.encode()
        elif word in ("release", "flow"):
            self._going.set()
        elif word == "stall":
            self._going.clear()
        elif word in ("delay", "loss"):
            setattr(self, f"_{word}_s" if word == "delay" else "_loss", float(rest))
        elif word in ("drip", "cut"):
            setattr(self, f"_{word}", int(rest))
        else:
            self._break(word, rest)

    def _break(self, word: str, rest: str) -> None:
        if word in ("refuse", "accept"):
            self._refuses = word == "refuse"
        if word in ("refuse", "reset"):
            self.reset()
        elif word == "half":
            self._kept |= set(self._up)
            for writer in self._down:
                break_off(writer)
            self._down.clear()
        elif word == "garbage":
            for writer in self._up if rest == "up" else self._down:
                writer.write(os.urandom(GARBAGE_BYTES) + b"\n")


def break_off(writer: asyncio.StreamWriter) -> None:
    """End a connection with a reset, as a host does that has lost it."""
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def say(text: str) -> None:
    """Tell who gives the commands."""
    print(text, flush=True)


async def main() -> None:
    """Serve until standard input ends."""
    proxy = Proxy(int(sys.argv[1]))
    server = await asyncio.start_server(proxy.serve, HOST, 0)
    say(f"at {server.sockets[0].getsockname()[1]}")
    commands = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        proxy.obey(line.decode().strip())
        say("done")
    server.close()
    proxy.reset()


if __name__ == "__main__":
    asyncio.run(main())
