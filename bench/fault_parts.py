"""What a lab for faults needs beside its processes: file systems that break, ports, a time server."""

import contextlib
import os
import random
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from sut_client.ntp import ntp_stamp

HOST = "127.0.0.1"
ANSWER = struct.Struct("!BBbb3I4Q")
"""An NTP packet; see `sut_client.ntp`."""
GOOD = (4 << 3 | 4, 2, 6, -20, 0, 0, 0, 0)
"""How a synchronised server's answer begins: version 4, mode 4 (server), stratum 2, no delay, no dispersion."""


class NtpServer(threading.Thread):
    """A time server that tells this machine's time, until it is lost: its port is then closed."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.bind((HOST, 0))
        self._socket.settimeout(0.05)
        self._is_lost = threading.Event()
        self.address = f"{HOST}:{self._socket.getsockname()[1]}"
        self.start()

    def run(self) -> None:
        """Answer."""
        with self._socket:
            while not self._is_lost.is_set():
                with contextlib.suppress(TimeoutError):
                    question, peer = self._socket.recvfrom(512)
                    now, cookie = ntp_stamp(time.time_ns()), int.from_bytes(question[40:48], "big")
                    self._socket.sendto(ANSWER.pack(*GOOD, cookie, now, now), peer)

    def close(self) -> None:
        """Be lost; lost already, there is nothing to do."""
        self._is_lost.set()
        self.join()


class Disk:
    """A file system of its own, in a file, that can fail: the system then makes it read-only under whoever writes.

    Args:
        folder: where it is mounted.
        image: the file.
        mib: its size, MiB.

    Raises:
        OSError, subprocess.CalledProcessError: this user may not do that, or the system cannot.
    """

    def __init__(self, folder: Path, image: Path, mib: int) -> None:
        self.folder = folder
        self._image = image
        folder.mkdir(exist_ok=True)
        with image.open("wb") as file:
            file.truncate(mib << 20)
        ran("mkfs.ext4", "-q", "-F", "-m", "0", image)
        self._mount()

    def _mount(self) -> None:
        ran("mount", "-t", "ext4", "-o", "loop", self._image, self.folder)

    def fail(self) -> None:
        """Turn read-only at once, open files or not, as ext4 does whose disk fails (its mount option `abort`)."""
        ran("mount", "-o", "remount,abort", self.folder)

    def renew(self) -> None:
        """Be mounted anew, once nobody has a file open any more."""
        ran("umount", self.folder)
        self._mount()

    def close(self) -> None:
        """Go away, also where files are open."""
        unmount(self.folder)


def ran(*command: str | Path) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, capture_output=True, check=True)


def mount(folder: Path, options: str) -> "subprocess.CompletedProcess[bytes]":
    """Mount a file system in memory, where the system lets us."""
    folder.mkdir(exist_ok=True)
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)


def unmount(folder: Path) -> None:
    """Undo `mount`, also where files are open."""
    subprocess.run(["umount", "-l", folder], capture_output=True, check=False)


def words(found: psutil.Process) -> list[str]:
    """Get a process's command line; nothing of one that is gone."""
    with contextlib.suppress(psutil.Error):
        return found.cmdline() if found.status() != psutil.STATUS_ZOMBIE else []
    return []


def ended(started: "subprocess.Popen[bytes]") -> None:
    """End a process whatever state it is in."""
    started.kill()
    started.communicate()


def reserved_port(stack: contextlib.ExitStack) -> int:
    """Find a TCP port that nobody listens on, below those that the system gives to who connects.

    Other labs keep off it as long as the UDP port of that number is held, which is until the stack is closed.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with contextlib.ExitStack() as holding, contextlib.suppress(OSError):
            holding.enter_context(socket.socket(type=socket.SOCK_DGRAM)).bind((HOST, port))
            with socket.socket() as probe:
                probe.bind((HOST, port))
            stack.push(holding.pop_all())
            return port


def comes(come: Callable[[], bool], patience_s: float) -> bool:
    """Wait for something; tell whether it came."""
    give_up_s = time.monotonic() + patience_s
    while not come():
        if time.monotonic() > give_up_s:
            return False
        time.sleep(0.05)
    return True


def slowness() -> float:
    """Tell how many tests, or processes that want to work, share a processor; at least 1."""
    tests = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return max(1.0, max(tests, os.getloadavg()[0]) / (os.cpu_count() or 1))
