import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.system_facts import Fact, read_facts, write_facts
from metrology.errors import EvidenceError
from sut_client.describe import describe
from sut_client.dmi import memory_modules, power_supplies, structures

CPUINFO = "".join(
    f"processor\t: {number}\nmodel name\t: Test CPU\nphysical id\t: {number // 2}\ncore id\t: {number % 2}\n\n"
    for number in range(4)
)


def structure(kind: int, body: bytes, *texts: str) -> bytes:
    strings = b"".join(text.encode() + b"\0" for text in texts) or b"\0"
    return bytes((kind, len(body) + 4, 0, 0)) + body + strings + b"\0"


def supply(capacity_w: int, flags: int = 2) -> bytes:
    body = bytes((0, 1, 2, 3, 0, 0, 4, 0)) + capacity_w.to_bytes(2, "little") + flags.to_bytes(2, "little")
    return structure(39, body, "Bay 1", "PSU", "Maker", "P1")


def module(size: int) -> bytes:
    body = bytearray(0x24)
    body[0x08:0x0A] = size.to_bytes(2, "little")
    body[0x0C], body[0x11:0x13], body[0x13], body[0x16] = 1, (4800).to_bytes(2, "little"), 2, 3
    return structure(17, bytes(body), "DIMM0", "RAM Inc", "R64")


TABLE = (
    structure(4, b"x" * 20) + supply(800) + supply(0x8000, 0) + module(32768 // 2) + module(0) + structure(127, b"")
)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    for name, text in {
        "proc/cpuinfo": CPUINFO,
        "proc/meminfo": "MemTotal:  1048576 kB\n",
        "proc/mounts": "/dev/sda / xfs rw 0 0\n",
        "proc/sys/kernel/osrelease": "6.1\n",
        "etc/os-release": 'PRETTY_NAME="Test OS 1"\n',
        "sys/class/dmi/id/bios_version": "B7\n",
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
        "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "powersave\n",
        "sys/class/powercap/intel-rapl:0/name": "package-0\n",
        "sys/class/powercap/intel-rapl:0/constraint_0_name": "long_term\n",
        "sys/class/powercap/intel-rapl:0/constraint_0_power_limit_uw": "205000000\n",
        "sys/class/net/eth0/speed": "10000\n",
        "sys/class/net/eth0/operstate": "up\n",
        "sys/class/net/lo/speed": "1\n",
        "sys/block/nvme0n1/size": "2000\n",
        "sys/block/nvme0n1/queue/rotational": "0\n",
        "sys/devices/card/x": "",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "sys/class/net/eth0/device").symlink_to("../../../devices/card")
    (tmp_path / "sys/block/nvme0n1/device").symlink_to("../../devices/card")
    table = tmp_path / "sys/firmware/dmi/tables/DMI"
    table.parent.mkdir(parents=True)
    table.write_bytes(TABLE)
    return tmp_path


def test_a_machine_is_described_with_sources(machine: Path) -> None:
    facts = describe(machine, gpus=False)
    values = {name: fact.value for name, fact in facts.items()}
    assert (values["cpu.sockets"], values["cpu.cores"], values["cpu.threads"]) == (2, 4, 4)
    assert values["cpu.governors"] == ["performance", "powersave"]
    assert values["memory.total_kib"] == 1 << 20
    assert values["filesystem.root"] == "xfs"
    assert values["os.name"] == "Test OS 1"
    assert values["firmware.bios_version"] == "B7"
    assert values["power_caps"] == [{"zone": "package-0", "enabled": None, "limits_uw": {"long_term": 205_000_000}}]
    assert [nic["name"] for nic in values["nics"]] == ["eth0"]
    assert values["disks"][0]["size_bytes"] == 2000 * 512
    assert values["disks"][0]["rotates"] is False
    assert facts["cpu.model"] == Fact("Test CPU", "/proc/cpuinfo")


def test_what_is_not_there_is_unknown_and_says_why(tmp_path: Path) -> None:
    facts = describe(tmp_path, gpus=False)
    assert {name for name, fact in facts.items() if fact.value is not None} == {"read_as_root"}
    assert "root alone" in facts["power_supplies"].source
    assert all(fact.source for fact in facts.values())


def test_the_firmware_table_tells_supplies_and_modules() -> None:
    first, second = power_supplies(TABLE)
    assert (first.location, first.manufacturer, first.model, first.capacity_w, first.present) == (
        "Bay 1", "Maker", "P1", 800, True,
    )  # fmt: skip
    assert (second.capacity_w, second.present) == (None, False)
    (only,) = memory_modules(TABLE)
    assert (only.locator, only.part, only.size_mib, only.speed_mt_s) == ("DIMM0", "R64", 16384, 4800)


@given(st.binary(max_size=400))
def test_no_table_breaks_the_reader(table: bytes) -> None:
    assert len(list(structures(table))) <= len(table) // 4
    assert len(power_supplies(table)) + len(memory_modules(table)) <= len(table) // 4


def test_facts_come_back_as_they_were_written(tmp_path: Path) -> None:
    facts = {"a": Fact([1, "x"], "here"), "b": Fact(None, "why not")}
    write_facts(tmp_path / "system.json", facts)
    assert read_facts(tmp_path / "system.json") == facts


@pytest.mark.parametrize("content", [b"", b"[]", b'{"facts": 1}', b"\xff"])
def test_a_file_that_is_no_description_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "system.json").write_bytes(content)
    with pytest.raises(EvidenceError, match="no description"):
        read_facts(tmp_path / "system.json")


def test_the_command_describes_this_machine(tmp_path: Path) -> None:
    out = tmp_path / "system.json"
    command = [sys.executable, "-m", "console.main", "system", "describe", "--out", out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert "cpu.model" in done.stdout
    assert json.loads(out.read_text())["facts"]["os.kernel"]["source"] == "/proc/sys/kernel/osrelease"
