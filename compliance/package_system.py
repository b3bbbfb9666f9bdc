"""The description of a system: what the machine said of itself, in the words of the submission checker's fields.

What the submitter states counts more than what was read. A field that neither gives is left out, and is told.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from compliance.package_spec import PowerSupplies, Submission, System
from evidence.system_facts import Fact, Facts
from rules.rulebook import system_fields

KIB_PER_GIB = 1 << 20


def description(submission: Submission, system: System, facts: Facts) -> dict[str, str]:
    """Get the content of `systems/<system>.json`, texts alone: empty where nobody knows a field that may be empty."""
    read = {name: value for name, value in _from_facts(facts) if value not in (None, "", [])}
    fixed = {
        "division": submission.division,
        "submitter": submission.submitter,
        "status": system.availability,
        "system_type": system.category,
    }
    empty = dict.fromkeys((*system_fields()["present"], *system_fields()["power"]), "")
    network = {"is_network": "true"} if submission.division == "network" else {}
    found = {**empty, **read, **system.fields, **fixed, **network}
    texts = {name: _text(value) for name, value in sorted(found.items())}
    if texts.get("is_network") != "true":
        texts.pop("is_network", None)  # which the submission checker takes for yes, whatever it says
    return texts


def _text(value: str | float) -> str:
    """Write a value as text: the submission checker joins texts, asks some for `.lower()`, and takes 0 for empty."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def not_counted(values: Mapping[str, str]) -> list[str]:
    """Get the fields that are there and no whole number, where the submission checker multiplies them."""
    return [name for name in system_fields()["counted"] if (text := values.get(name)) and not text.isdecimal()]


def missing_fields(values: Mapping[str, Any], kind: str) -> list[str]:
    """Get the fields of a kind ("meaningful", "power", ...) that are absent or empty; 0 and false say something."""
    return [name for name in system_fields()[kind] if values.get(name) in (None, "")]


def unknown_fields(values: Mapping[str, Any], *, network: bool) -> list[str]:
    """Get the fields that the submission checker does not know."""
    kinds = ("meaningful", "present", "power", *(("network",) if network else ()))
    known = {name for kind in kinds for name in system_fields()[kind]} | {"system_power_capacity"}
    return [name for name in values if name not in known]


def json_bytes(values: Mapping[str, Any]) -> bytes:
    """Write an object as the files of a submission have it."""
    return (json.dumps(values, indent=2, sort_keys=True) + "\n").encode()


def _from_facts(facts: Facts) -> Iterator[tuple[str, Any]]:
    def value(name: str) -> Any:
        return facts.get(name, Fact(None, "")).value

    yield from _processor(value)
    yield from _memory(value)
    yield from _storage(value)
    yield from _network(value)
    yield from _accelerators(value)
    system = [text for text in (value("os.name"), value("os.kernel")) if text]
    yield "operating_system", f"{system[0]} (Linux {system[1]})" if len(system) == 2 else "".join(system)
    yield "power_management", "; ".join(power_management(value))
    firmware = [value(f"firmware.bios_{name}") for name in ("vendor", "version", "date")]
    yield "boot_firmware_version", " ".join(str(text) for text in firmware if text) if firmware[1] else None
    yield from _supplies(value("power_supplies"))


Value = Callable[[str], Any]


def _processor(value: Value) -> Iterator[tuple[str, Any]]:
    sockets, cores, khz = value("cpu.sockets"), value("cpu.cores"), value("cpu.max_frequency_khz")
    yield "host_processor_model_name", value("cpu.model")
    yield "host_processors_per_node", sockets
    yield "host_processor_core_count", cores // sockets if sockets and cores else None
    yield "host_processor_frequency", f"{khz / 1e6:.2f} GHz (maximum)" if khz else None
    yield "host_processor_caches", ", ".join(value("cpu.caches") or ())


def _memory(value: Value) -> Iterator[tuple[str, Any]]:
    modules, usable_kib = value("memory.modules"), value("memory.total_kib")
    if modules:
        yield "host_memory_capacity", f"{sum(each['size_mib'] for each in modules) / 1024:g} GiB"
        kinds = Counter(f"{each['size_mib'] / 1024:g} GiB {each.get('part') or ''}".strip() for each in modules)
        yield "host_memory_configuration", _counted(kinds)
    elif usable_kib:
        yield "host_memory_capacity", f"{usable_kib / KIB_PER_GIB:.1f} GiB (usable)"


def _storage(value: Value) -> Iterator[tuple[str, Any]]:
    disks = value("disks") or []
    sizes = [each["size_bytes"] for each in disks if each.get("size_bytes")]
    yield "host_storage_capacity", f"{sum(sizes) / 1e9:.0f} GB" if sizes else None
    kinds = Counter(kind for each in disks if (kind := _kind(each)))
    yield "host_storage_type", ", ".join(kinds)
    models = Counter(
        f"{(each.get('size_bytes') or 0) / 1e9:.0f} GB {each.get('model') or each['name']}" for each in disks
    )
    yield "disk_drives", _counted(models)
    yield "disk_controllers", ", ".join(sorted({each["driver"] for each in disks if each.get("driver")}))
    yield "filesystem", value("filesystem.root")


def _kind(disk: Mapping[str, Any]) -> str | None:
    if disk["name"].startswith("nvme"):
        return "NVMe SSD"
    if disk.get("driver") == "virtio_blk" or disk.get("rotates") is None:  # a virtual disk does not know what it is
        return None
    return "HDD" if disk["rotates"] else "SSD"


def _network(value: Value) -> Iterator[tuple[str, Any]]:
    nics = value("nics")
    if nics is None:
        return
    speeds = Counter(f"{each['speed_mbit_s']} Mbit/s" for each in nics if each.get("speed_mbit_s"))
    connected = [each for each in nics if each.get("state") == "up"]
    yield "host_network_card_count", len(nics)
    yield "host_networking", _counted(speeds)
    yield "number_of_type_nics_installed", _counted(Counter(each.get("driver") or "unknown driver" for each in nics))
    yield "nics_enabled_os", len(nics)
    yield "nics_enabled_connected", len(connected)
    yield (
        "network_speed_mbit",
        max((each["speed_mbit_s"] for each in connected if each.get("speed_mbit_s")), default=None),
    )


def _accelerators(value: Value) -> Iterator[tuple[str, Any]]:
    gpus = value("gpus")
    if not gpus:
        return
    yield "accelerators_per_node", len(gpus)
    yield "accelerator_model_name", ", ".join(sorted({str(each["name"]) for each in gpus}))
    memory = {each["memory_bytes"] for each in gpus if each.get("memory_bytes")}
    yield "accelerator_memory_capacity", ", ".join(f"{each / (1 << 30):.0f} GiB" for each in sorted(memory))


def power_management(value: Value) -> Iterator[str]:
    """Say what the machine told of its power management: governor, boost, caps, limits of GPUs."""
    for name, what in (
        ("cpu.governors", "CPU governor"),
        ("cpu.frequency_drivers", "frequency driver"),
        ("cpu.energy_preferences", "energy preference"),
    ):
        if value(name):
            yield f"{what} {', '.join(value(name))}"
    for name, what in (("cpu.boost", "CPU boost"), ("cpu.no_turbo", "CPU no_turbo")):
        if value(name):
            yield f"{what} {value(name)}"
    for zone in value("power_caps") or ():
        limits = ", ".join(f"{name} {limit / 1e6:g} W" for name, limit in zone["limits_uw"].items() if limit)
        yield f"power cap {zone['zone']}: {limits or 'none'}"
    kinds = Counter(_gpu_limit(each) for each in value("gpus") or ())
    yield from (f"{count}x {text}" for text, count in kinds.items())


def _gpu_limit(gpu: Mapping[str, Any]) -> str:
    limit_mw, clock_mhz = gpu.get("power_limit_mw"), gpu.get("applied_graphics_clock_mhz")
    told = [f"power limit {limit_mw / 1000:g} W"] if limit_mw else []
    told += [f"applied graphics clock {clock_mhz} MHz"] if clock_mhz else []
    return f"{gpu.get('name')}: {', '.join(told) or 'limits not told'}"


def _supplies(supplies: Sequence[Mapping[str, Any]] | None) -> Iterator[tuple[str, Any]]:
    there = [each for each in supplies or () if each.get("present")]
    rated = Counter(f"{each['capacity_w']} W" for each in there if each.get("capacity_w"))
    if sum(rated.values()) == len(there):
        yield "power_supply_quantity_and_rating_watts", _counted(rated)
    names = Counter(" ".join(filter(None, (each["manufacturer"], each["model"]))) for each in there)
    yield "power_supply_details", _counted(names) if "" not in names else None


def _counted(kinds: Counter[str]) -> str:
    return ", ".join(f"{count}x {kind}" for kind, count in sorted(kinds.items()))


def design_power_w(supplies: Sequence[PowerSupplies]) -> float:
    """Get what the supplies can deliver: of each component the largest it needs."""
    return sum(sum(sorted(each.capacities_w, reverse=True)[: each.needed]) for each in supplies)


def nameplate(system_name: str, supplies: Sequence[PowerSupplies]) -> bytes:
    """Write `systems/<system>_power.yaml`; form: submission_structure.md of v6.1."""
    lines = [f"{json.dumps(system_name)}:"]
    for each in supplies:
        lines += [
            f"- {json.dumps(each.component)}:",
            f"  - Description: {json.dumps(each.description)}",
            f"    Min PSUs Needed: {each.needed}",
            "    PSUs:",
        ]
        for number, capacity_w in enumerate(each.capacities_w, 1):
            lines += [f"    - Name: PSU {number}", f"      PowerCapacityWatts: {capacity_w:g}"]
    return ("\n".join(lines) + "\n").encode()
