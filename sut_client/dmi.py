"""The SMBIOS table, as far as it tells of power supplies and memory modules.

Layout: DMTF DSP0134 (SMBIOS 3.x), structures 17 (memory device) and 39 (system power supply). The kernel shows the
table in /sys/firmware/dmi/tables/DMI, to root alone.
"""

from collections.abc import Iterator
from typing import NamedTuple

MEMORY_DEVICE, POWER_SUPPLY, END = 17, 39, 127
UNKNOWN_CAPACITY = 0x8000
"""DSP0134 7.40: the capacity of a power supply is not known."""
EXTENDED_SIZE, UNKNOWN_SIZE = 0x7FFF, 0xFFFF
"""DSP0134 7.18.5: the size stands in the extended field, is not known."""
PRESENT = 0x0002
"""DSP0134 7.40.1: the bit of the characteristics that says that the supply is there."""


class Structure(NamedTuple):
    """One structure: its type, its formatted part (header included), and its texts."""

    kind: int
    body: bytes
    texts: tuple[str, ...]

    def word(self, offset: int) -> int | None:
        """Get two bytes; None where the structure is shorter."""
        return int.from_bytes(self.body[offset : offset + 2], "little") if len(self.body) >= offset + 2 else None

    def text(self, offset: int) -> str:
        """Get the text whose number stands at an offset; empty where there is none."""
        number = self.body[offset] if len(self.body) > offset else 0
        return self.texts[number - 1].strip() if 0 < number <= len(self.texts) else ""


class PowerSupply(NamedTuple):
    """A power supply; `capacity_w` is None where it is not known."""

    location: str
    name: str
    manufacturer: str
    model: str
    capacity_w: int | None
    present: bool


class MemoryModule(NamedTuple):
    """A memory module that is there."""

    locator: str
    manufacturer: str
    part: str
    size_mib: int
    speed_mt_s: int | None


def structures(table: bytes) -> Iterator[Structure]:
    """Get the structures of a table; a damaged one ends it."""
    at = 0
    while at + 4 <= len(table):
        kind, length = table[at], table[at + 1]
        end = table.find(b"\0\0", at + length)
        if length < 4 or end < 0 or kind == END:
            return
        texts = table[at + length : end].split(b"\0")
        yield Structure(kind, table[at : at + length], tuple(text.decode("latin-1") for text in texts))
        at = end + 2


def power_supplies(table: bytes) -> list[PowerSupply]:
    """Get all power supplies, those of empty bays too."""
    return [_supply(found) for found in structures(table) if found.kind == POWER_SUPPLY]


def _supply(found: Structure) -> PowerSupply:
    capacity_w, flags = found.word(0x0C), found.word(0x0E)
    known = capacity_w is not None and 0 < capacity_w < UNKNOWN_CAPACITY
    names = (found.text(0x05), found.text(0x06), found.text(0x07), found.text(0x0A))
    return PowerSupply(*names, capacity_w if known else None, flags is None or bool(flags & PRESENT))


def memory_modules(table: bytes) -> list[MemoryModule]:
    """Get the memory modules that are there."""
    found = ((each, _size_mib(each)) for each in structures(table) if each.kind == MEMORY_DEVICE)
    return [
        MemoryModule(each.text(0x10), each.text(0x17), each.text(0x1A), size_mib, each.word(0x15) or None)
        for each, size_mib in found
        if size_mib
    ]


def _size_mib(found: Structure) -> int:
    size = found.word(0x0C) or 0
    if size == EXTENDED_SIZE:
        return int.from_bytes(found.body[0x1C:0x20], "little") & 0x7FFFFFFF
    if size == UNKNOWN_SIZE:
        return 0
    return (size & 0x7FFF) // 1024 if size & 0x8000 else size
