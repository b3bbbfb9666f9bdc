"""Which programs use the line to an instrument now. Only Linux tells, and only of the user's own programs."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
MASTERS = ("/dev/ptmx", "/dev/pts/ptmx")
"""A process that has one of these open is the far end of a pseudo terminal, as a simulated instrument is."""
LONGEST_COMMAND = 160
_ENDPOINT = re.compile(r"(?:TCPIP\d?::)?([A-Za-z0-9._-]{1,253})(?:[:,](\d{1,5})|::(\d{1,5})::SOCKET)?(?:::.*)?")


def holders(port: str, proc: Path = PROC) -> list[str]:
    """Describe the processes, other than this one, that have a device file open or a connection to an address.

    Args:
        port: a device file, a VISA resource, HOST or HOST:PORT.
        proc: where the kernel tells about processes.
    """
    serial = port.removeprefix("ASRL").removesuffix("::INSTR")
    targets = {os.path.realpath(serial)} if "/" in serial else _sockets_to(port, proc)
    found = ((pid, _open_files(pid, proc)) for pid in _others(proc)) if targets else ()
    return [_described(pid, proc) for pid, files in found if files & targets and not files & set(MASTERS)]


def _others(proc: Path) -> Iterator[str]:
    own = str(os.getpid())
    return (entry.name for entry in proc.iterdir() if entry.name.isdecimal() and entry.name != own)


def _open_files(pid: str, proc: Path) -> set[str]:
    files = set()
    with suppress(OSError):  # it ended meanwhile, or belongs to another user
        for entry in (proc / pid / "fd").iterdir():
            with suppress(OSError):
                files.add(os.readlink(entry))  # noqa: PTH115 - half the time of Path.readlink
    return files


def _described(pid: str, proc: Path) -> str:
    with suppress(OSError):
        words = (proc / pid / "cmdline").read_bytes().decode(errors="replace").split("\0")
        return f"process {pid}: {' '.join(words).strip()[:LONGEST_COMMAND]}"
    return f"process {pid}"


def _sockets_to(port: str, proc: Path) -> set[str]:
    """Get the names of the sockets of clients that are connected to an address."""
    match = _ENDPOINT.fullmatch(port)
    if match is None:
        return set()
    with suppress(OSError, UnicodeError):
        address = socket.inet_aton(socket.gethostbyname(match[1]))[::-1].hex().upper()
        number = f"{int(match[2] or match[3] or 0):04X}"
        rows = [line.split() for line in (proc / "net" / "tcp").read_text("ascii").splitlines()[1:]]
        return {f"socket:[{row[9]}]" for row in rows if _is_to(row[2], address, number)}
    return set()


def _is_to(remote: str, address: str, number: str) -> bool:
    host, _, port = remote.partition(":")
    return host == address and number in (port, "0000")
