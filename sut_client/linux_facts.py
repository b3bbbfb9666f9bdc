"""What Linux tells of the machine in /proc and /sys; read at any root, so that a copy of these can be read too."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from evidence.system_facts import Fact
from sut_client.dmi import memory_modules, power_supplies

LARGEST_READ_BYTES = 1 << 20
DMI_TABLE = "sys/firmware/dmi/tables/DMI"
_CPU = re.compile(r"cpu\d+")


class Linux:
    """The files of a kernel below a root folder, normally `/`."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def content(self, path: str) -> bytes | None:
        """Read a file, at most its first MiB; None where it cannot be read."""
        try:
            with (self.root / path).open("rb") as file:
                return file.read(LARGEST_READ_BYTES)
        except OSError:
            return None

    def text(self, path: str) -> str | None:
        """Read a file as text without white space around it; None where it cannot be read or is empty."""
        content = self.content(path)
        return (content.decode(errors="replace").strip("\0 \t\r\n") or None) if content is not None else None

    def number(self, path: str) -> int | None:
        """Read a file that holds a whole number; None where it holds none."""
        try:
            return int(self.text(path) or "")
        except ValueError:
            return None

    def names(self, path: str) -> list[str]:
        """List a folder, sorted; nothing where it cannot be listed."""
        try:
            return sorted(entry.name for entry in (self.root / path).iterdir())
        except OSError:
            return []

    def leads_to(self, path: str) -> str | None:
        """Get the last part of what a link leads to; None where there is no such link."""
        try:
            return (self.root / path).readlink().name
        except OSError:
            return None

    def fact(self, path: str) -> Fact:
        """Read a text as a fact."""
        value = self.text(path)
        return Fact(value, f"/{path}" if value is not None else f"/{path}: not there, or not readable")


def found(value: Any, source: str) -> Fact:
    """Make a fact; what is empty is unknown."""
    return Fact(value, source) if value not in (None, "", [], {}) else Fact(None, f"{source}: says nothing of it")


def cpu_facts(linux: Linux) -> Iterator[tuple[str, Fact]]:
    """Get the facts of the processors; frequencies in kHz, as the kernel has them."""
    source = "/proc/cpuinfo"
    blocks = [_pairs(block) for block in (linux.text("proc/cpuinfo") or "").split("\n\n")]
    cores = {(block.get("physical id", "0"), block["core id"]) for block in blocks if "core id" in block}
    yield "cpu.model", found(next((b["model name"] for b in blocks if "model name" in b), None), source)
    yield "cpu.sockets", found(len({b["physical id"] for b in blocks if "physical id" in b}) or None, source)
    yield "cpu.cores", found(len(cores) or None, source)
    yield "cpu.threads", found(sum("processor" in block for block in blocks) or None, source)
    yield "cpu.max_frequency_khz", _number(linux, "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")
    yield "cpu.caches", found(list(_caches(linux)), "/sys/devices/system/cpu/cpu0/cache")
    for name, file in (
        ("governors", "scaling_governor"),
        ("frequency_drivers", "scaling_driver"),
        ("energy_preferences", "energy_performance_preference"),
    ):
        yield f"cpu.{name}", _of_every_cpu(linux, file)
    yield "cpu.boost", linux.fact("sys/devices/system/cpu/cpufreq/boost")
    yield "cpu.no_turbo", linux.fact("sys/devices/system/cpu/intel_pstate/no_turbo")


def _pairs(block: str) -> dict[str, str]:
    lines = (line.partition(":") for line in block.splitlines())
    return {name.strip(): value.strip() for name, colon, value in lines if colon}


def _number(linux: Linux, path: str) -> Fact:
    return found(linux.number(path), f"/{path}")


def _caches(linux: Linux) -> Iterator[str]:
    folder = "sys/devices/system/cpu/cpu0/cache"
    for name in linux.names(folder):
        level, kind, size = (linux.text(f"{folder}/{name}/{file}") for file in ("level", "type", "size"))
        if level and kind and size:
            yield f"L{level} {kind.lower()} {size}"


def _of_every_cpu(linux: Linux, file: str) -> Fact:
    folder = "sys/devices/system/cpu"
    cpus = [name for name in linux.names(folder) if _CPU.fullmatch(name)]
    values = {linux.text(f"{folder}/{cpu}/cpufreq/{file}") for cpu in cpus} - {None}
    return found(sorted(str(value) for value in values), f"/{folder}/cpu*/cpufreq/{file}")


def memory_facts(linux: Linux) -> Iterator[tuple[str, Fact]]:
    """Get the facts of memory: what the kernel can use, and the modules where the firmware's table is readable."""
    total = _pairs(linux.text("proc/meminfo") or "").get("MemTotal", "").split()
    yield "memory.total_kib", found(int(total[0]) if total and total[0].isdecimal() else None, "/proc/meminfo")
    yield "memory.modules", _from_dmi(linux, memory_modules)


def power_supply_facts(linux: Linux) -> Iterator[tuple[str, Fact]]:
    """Get the power supplies, where the firmware's table is readable and knows them."""
    yield "power_supplies", _from_dmi(linux, power_supplies)


def _from_dmi(linux: Linux, read: Callable[[bytes], list[Any]]) -> Fact:
    table = linux.content(DMI_TABLE)
    if table is None:
        return Fact(None, f"/{DMI_TABLE}: not there, or readable by root alone")
    return found([entry._asdict() for entry in read(table)], f"/{DMI_TABLE}")


def disk_facts(linux: Linux) -> Iterator[tuple[str, Fact]]:
    """Get the disks that have a device behind them, and the file system of the root."""
    disks = [name for name in linux.names("sys/block") if linux.leads_to(f"sys/block/{name}/device")]
    yield "disks", found([_disk(linux, name) for name in disks], "/sys/block")
    mounts = [line.split() for line in (linux.text("proc/mounts") or "").splitlines()]
    kinds = [words[2] for words in mounts if len(words) > 2 and words[1] == "/"]
    yield "filesystem.root", found(kinds[-1] if kinds else None, "/proc/mounts")


def _disk(linux: Linux, name: str) -> dict[str, Any]:
    folder = f"sys/block/{name}"
    sectors = linux.number(f"{folder}/size")
    return {
        "name": name,
        "model": linux.text(f"{folder}/device/model"),
        # The kernel counts in sectors of 512 bytes, whatever the disk's own are (its ABI/stable/sysfs-block).
        "size_bytes": sectors * 512 if sectors is not None else None,
        "rotates": {"0": False, "1": True}.get(linux.text(f"{folder}/queue/rotational") or ""),
        "driver": linux.leads_to(f"{folder}/device/driver") or linux.leads_to(f"{folder}/device/device/driver"),
    }


def nic_facts(linux: Linux) -> Iterator[tuple[str, Fact]]:
    """Get the network interfaces that have a device behind them; speed in Mbit/s, None without a link."""
    names = [name for name in linux.names("sys/class/net") if linux.leads_to(f"sys/class/net/{name}/device")]
    yield "nics", found([_nic(linux, name) for name in names], "/sys/class/net")


def _nic(linux: Linux, name: str) -> dict[str, Any]:
    folder = f"sys/class/net/{name}"
    speed = linux.number(f"{folder}/speed")
    return {
        "name": name,
        "driver": linux.leads_to(f"{folder}/device/driver"),
        "state": linux.text(f"{folder}/operstate"),
        "speed_mbit_s": speed if speed is not None and speed > 0 else None,
    }


def firmware_facts(linux: Linux) -> Iterator[tuple[str, Fact]]:
    """Get maker and product of the machine, and the versions of its firmware."""
    for name in (
        "sys_vendor",
        "product_name",
        "board_name",
        "bios_vendor",
        "bios_version",
        "bios_date",
        "ec_firmware_release",
    ):
        yield f"firmware.{name}", linux.fact(f"sys/class/dmi/id/{name}")


def system_facts(linux: Linux) -> Iterator[tuple[str, Fact]]:
    """Get the operating system."""
    lines = (line.partition("=") for line in (linux.text("etc/os-release") or "").splitlines())
    names = {name: value.strip('"') for name, equals, value in lines if equals}
    yield "os.name", found(names.get("PRETTY_NAME"), "/etc/os-release")
    yield "os.kernel", linux.fact("proc/sys/kernel/osrelease")


def power_cap_facts(linux: Linux) -> Iterator[tuple[str, Fact]]:
    """Get the limits that the kernel has set on the power of processors, microwatts."""
    folder = "sys/class/powercap"
    zones = [name for name in linux.names(folder) if linux.text(f"{folder}/{name}/name")]
    yield "power_caps", found([_zone(linux, f"{folder}/{name}") for name in zones], f"/{folder}")


def _zone(linux: Linux, folder: str) -> dict[str, Any]:
    limits = [name for name in linux.names(folder) if name.endswith("_power_limit_uw")]
    return {
        "zone": linux.text(f"{folder}/name"),
        "enabled": linux.text(f"{folder}/enabled"),
        "limits_uw": {
            linux.text(f"{folder}/{name.removesuffix('_power_limit_uw')}_name") or name: linux.number(
                f"{folder}/{name}"
            )
            for name in limits
        },
    }
