"""The texts beside a power result: analyzer_table.md and power_settings.md."""

from collections.abc import Iterator, Sequence

from compliance.facts import SessionFacts
from compliance.package_system import power_management
from evidence.ptd_protocol import parse_identity
from evidence.system_facts import Fact, Facts

UNANSWERED = "TODO"
"""What stands where a question of the template has no answer yet."""

COLUMNS = (
    "Vendor", "Model", "Firmware", "Config", "Interface", "Wiring/topology", "Number of channels used",
    "Which channel(s)",
)  # fmt: skip
"""Source: published tables of v3.1 to v5.1."""
INTERFACES = {"-n": "Ethernet", "-g": "GPIB", "-y": "USB", "-U": "USB"}
"""What PTDaemon's options say; no option is the serial line."""

QUESTIONS = (
    ("System", "What was changed from the defaults in BIOS or BMC that concerns power (profiles, C-states, boost)?"),
    ("Limits", "Which power caps or clock limits were set, on what, and with which commands?"),
    ("Clocks", "How are the clocks set, and do they stay as they are during and between the runs?"),
    ("Cooling", "How is the system cooled, and which fan policy is in force?"),
    (
        "Supplies",
        "Which power supplies are installed, how many are plugged in, and at which AC voltage and frequency?",
    ),
    ("Boundary", "What lies within the measured boundary, and is anything that belongs to the system outside of it?"),
)
"""What auditors ask; sources: MLPerf_Audit_Guidelines.adoc (clocks, cooling), power_measurement.adoc 5 and 6."""


def analyzer_table(facts: SessionFacts, wiring: str) -> str:
    """Write the table from what each analyzer answered and how its daemon was started."""
    replies = [reply for sent, reply in facts.server.ptd_messages if sent == "Identify"]
    rows = [COLUMNS, tuple("---" for _ in COLUMNS)]
    rows += [_row(facts, number, reply, wiring) for number, reply in enumerate(replies)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(facts: SessionFacts, number: int, reply: str, wiring: str) -> tuple[str, ...]:
    identity = parse_identity(reply)
    vendor, model, _, firmware = [*identity.idn.split(";"), "", "", "", ""][:4]
    configs = facts.server.ptd_configs
    config = configs[number] if number < len(configs) else None
    channels = config.channels if config and config.channels else ()
    many = identity.channels > 1
    return (
        vendor.strip(),
        model.strip(),
        firmware.strip().removeprefix("F"),
        "multi channel" if many else "single channel",
        INTERFACES.get(config.interface_flag, "serial") if config else "not recorded",
        wiring or "not stated",
        str(len(range(channels[0], channels[-1] + 1)) if channels else max(1, identity.channels)),
        ",".join(map(str, channels)) or "1",
    )


def settings_template() -> str:
    """Get a power_settings.md that asks what only the submitter knows."""
    return "# Power settings\n" + "".join(
        f"\n## {title}\n\n<!-- {question} -->\n{UNANSWERED}\n" for title, question in QUESTIONS
    )


def unanswered(text: str) -> list[str]:
    """Get the headings of the questions that have no answer."""
    title, found = "", []
    for line in text.splitlines():
        title = line.lstrip("# ").strip() if line.startswith("#") else title
        if line.strip() == UNANSWERED:
            found.append(title or "the text")
    return found


def power_settings(text: str, facts: Facts) -> str:
    """Add to the submitter's text what the machine said itself."""
    return text.rstrip() + "\n\n## As the machine told it\n\n" + "".join(f"- {line}\n" for line in _told(facts))


def _told(facts: Facts) -> Iterator[str]:
    found = list(power_management(lambda name: facts.get(name, Fact(None, "")).value))
    yield from found
    for name in ("cpu.governors", "power_caps", "gpus"):
        fact = facts.get(name)
        if fact is None or fact.value is None:
            yield f"{name}: unknown ({fact.source if fact else 'no system.json'})"


def result_readme(text: str, notes: Sequence[str]) -> str:
    """Add notes on a result to the benchmark's README."""
    if not notes:
        return text
    return text.rstrip() + "\n\n## This result\n\n" + "".join(f"- {note}\n" for note in notes)
