"""The machine itself: who keeps its clock, how fast and how large the disk is, how its processors are governed."""

import asyncio
import os
import shlex
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from analyzers.machine_clock import clock_line
from analyzers.preflight import Line, State
from director.session import LEAST_FREE_BYTES
from sut_client.clocks import CLOCK_LIMIT_MS
from sut_client.linux_facts import Linux, cpu_facts
from sut_client.ntp import Tracking, chrony_tracking

KEEPERS = {
    "chronyd": "chronyc tracking",
    "ntpd": "ntpq -p",
    "systemd-timesyn": "timedatectl timesync-status",
    "phc2sys": "journalctl -u phc2sys",
}
"""Programs that set a clock, by the first 15 letters of their names, as the kernel has them; what each tells by."""
SYNCS = 20
BLOCK = bytes(4096)
SLOW_S, TOO_SLOW_S = 0.1, 1.0
"""A sample must be on the disk within a second of being read; a tenth of that leaves room for everything else."""
FORGETFUL = frozenset({"tmpfs", "ramfs", "overlay"})
REMOTE = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs"})
GIB = 1 << 30


def clock_lines(linux: Linux, kernel: Line | None = None, tracking: Tracking | None = None) -> Iterator[Line]:
    """Judge who keeps this machine's clock; `kernel` and `tracking` are what the kernel and chrony say, for tests."""
    keepers = [name for name in running(linux) if name in KEEPERS]
    line = kernel or clock_line()
    yield Line(line.name, line.state, line.found, _clock_remedy(keepers) if line.state is not State.OK else "")
    if len(keepers) > 1:
        remedy = "sudo systemctl disable --now systemd-timesyncd"
        yield Line("time service", State.WARNING, f"{', '.join(keepers)} set one clock against each other", remedy)
    elif keepers:
        yield Line("time service", State.OK, f"{keepers[0]} runs")
    if tracking := tracking or (asyncio.run(chrony_tracking()) if "chronyd" in keepers else None):
        yield _tracking_line(tracking)


def _clock_remedy(keepers: list[str]) -> str:
    if "chronyd" in keepers:
        return "chronyc waitsync 30"
    return KEEPERS[keepers[0]] if keepers else "sudo apt install chrony"


def _tracking_line(tracking: Tracking) -> Line:
    found = f"off by {tracking.offset_ms:+.3f} ms by chrony, stratum {tracking.stratum}"
    if not tracking.synchronised:
        return Line("chrony", State.WARNING, "has no time source yet", "chronyc sources -v")
    if abs(tracking.offset_ms) > CLOCK_LIMIT_MS:
        return Line("chrony", State.PROBLEM, f"{found}, expected {CLOCK_LIMIT_MS:g} at most", "sudo chronyc makestep")
    return Line("chrony", State.OK, found)


def running(linux: Linux) -> list[str]:
    """Get the names of the programs that run, their first 15 letters as the kernel has them."""
    names = (linux.text(f"proc/{pid}/comm") for pid in linux.names("proc") if pid.isdecimal())
    return sorted({name for name in names if name})


def governor_line(linux: Linux) -> Line:
    """Judge how the processors' frequency is governed: that is part of what is measured."""
    found = dict(cpu_facts(linux))["cpu.governors"].value or []
    remedy = "sudo cpupower frequency-set -g performance"
    if not found:
        return Line("CPU governor", State.OK, "none to be seen, as in a virtual machine")
    if len(found) > 1:
        return Line("CPU governor", State.WARNING, f"processors differ: {', '.join(found)}", remedy)
    if found == ["performance"]:
        return Line("CPU governor", State.OK, "performance")
    told = f"{found[0]}: fine if it is chosen, but say so in the system's description"
    return Line("CPU governor", State.WARNING, told, remedy)


def store_lines(store: Path, linux: Linux) -> Iterator[Line]:
    """Judge the folder that keeps the sessions: rights, space, file system, time to get a block on the disk."""
    there = next(path for path in (store, *store.parents) if path.exists())
    if (line := _refused_line(store, there)) is not None:
        yield line
        return
    yield _space_line(store, shutil.disk_usage(there).free)
    if (line := _kind_line(store, _kind_of(there, linux))) is not None:
        yield line
    try:
        yield sync_line(_sync_times_s(there))
    except OSError as problem:
        yield Line("disk", State.PROBLEM, f"nothing can be written to '{there}': {problem.strerror}", "df -h; df -i")


def _refused_line(store: Path, there: Path) -> Line | None:
    """Say why nothing can be written to a store, of which `there` is the part that exists; None where it can."""
    quoted = shlex.quote(str(there))
    if not there.is_dir():
        return Line("store", State.PROBLEM, f"'{there}' is there, but is no folder", "set another 'store'")
    if os.statvfs(there).f_flag & os.ST_RDONLY:
        told = f"'{store}' is on a file system that is mounted for reading alone"
        return Line(
            "store", State.PROBLEM, told, f"findmnt -T {quoted}; sudo dmesg | tail    says why, if the disk failed"
        )
    if not os.access(there, os.W_OK | os.X_OK):
        return Line("store", State.PROBLEM, f"'{store}' cannot be written to", f'sudo chown "$USER" {quoted}')
    return None


def _space_line(store: Path, free_bytes: int) -> Line:
    found = f"'{store}' has {free_bytes / GIB:.1f} GiB free"
    if free_bytes >= LEAST_FREE_BYTES:
        return Line("store", State.OK, found)
    wanted = f"{found}, and a session needs {LEAST_FREE_BYTES >> 20} MiB"
    return Line("store", State.PROBLEM, wanted, f"du -sh {shlex.quote(str(store))}/* | sort -h")


def _kind_of(folder: Path, linux: Linux) -> str:
    """Get the kind of the file system that a folder is in; of several mounted on one place the last counts."""
    mounts = [line.split() for line in (linux.text("proc/mounts") or "").splitlines()]
    places = ((at, Path(words[1]), words[2]) for at, words in enumerate(mounts) if len(words) > 2)
    holding = [(len(place.parts), at, kind) for at, place, kind in places if folder.is_relative_to(place)]
    return max(holding)[2] if holding else ""


def _kind_line(store: Path, kind: str) -> Line | None:
    if kind not in FORGETFUL | REMOTE:
        return None
    what = "is gone when the machine or container ends" if kind in FORGETFUL else "stalls when the network does"
    return Line("file system", State.WARNING, f"{kind}: what is in '{store}' {what}", "set 'store' to a local disk")


def _sync_times_s(folder: Path) -> list[float]:
    """Time how long a block takes to be safe on the disk, as the journal's records must be."""
    times_s = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(SYNCS):
            begin_s = time.monotonic()
            file.write(BLOCK)
            file.flush()
            os.fsync(file.fileno())
            times_s.append(time.monotonic() - begin_s)
    return times_s


def sync_line(times_s: list[float]) -> Line:
    """Judge the times to get a block on the disk, seconds."""
    worst_s = max(times_s)
    found = f"a block is safe in {statistics.median(times_s) * 1e3:.1f} ms, {worst_s * 1e3:.1f} ms at most"
    if worst_s <= SLOW_S:
        return Line("disk", State.OK, found)
    remedy = "iostat -x 1    shows who else writes; a local SSD is fast enough"
    return Line("disk", State.WARNING if worst_s <= TOO_SLOW_S else State.PROBLEM, found, remedy)
