"""What a report tells of the rig: clocks, phases, analyzers, and the files it all comes from."""

from collections.abc import Iterator
from itertools import pairwise

from compliance.checks.clocks import moments
from compliance.checks.common import SIDES
from compliance.checks.ranging import dialogues
from compliance.facts import PHASES
from console.charts import Estimate, Span
from console.plot import number
from console.report_tables import Row
from console.session_view import SessionView, or_none
from evidence.ptd_protocol import parse_identity


def clock_estimates(view: SessionView) -> list[Estimate]:
    """Get each estimate of the clocks' offset, in milliseconds."""
    found = [] if view.clock is None else [(burst.where, burst.offset) for burst in view.clock.bursts]
    if not found and view.offset is not None:
        found = [("client.json", view.offset)]
    return [
        Estimate(
            offset.t_utc_ns,
            offset.offset_ns / 1e6,
            offset.uncertainty_ns / 1e6,
            f"{where}: {offset.offset_ns / 1e6:+.3f} ms, known to {offset.uncertainty_ns / 1e6:.3f} ms"
            f" ({offset.exchanges} exchanges, shortest round trip {offset.uncertainty_ns / 5e5:.3f} ms)",
        )
        for where, offset in found
    ]


def time_keepers(view: SessionView) -> Iterator[Row]:
    """Tell who kept the client's clock: place, source, whether it is synchronised, offset, delay, stratum."""
    for state in view.clock.ntp if view.clock else ():
        word = {True: "yes", False: "no", None: "unknown"}[state.synchronised]
        offset, delay = ("-" if value is None else f"{value:.3f} ms" for value in (state.offset_ms, state.delay_ms))
        yield state.where, state.source, word, offset, delay, "-" if state.stratum is None else str(state.stratum)


def spans(view: SessionView) -> Iterator[Span]:
    """Get the phases of both sides, and LoadGen's windows, as parts of a timeline."""
    for side in SIDES:
        for phase in PHASES:
            found = or_none(moments, view.facts, side, phase)
            for what, (begin_s, end_s) in zip(_PARTS, _pairs(found.wall_s if found else ()), strict=False):
                if 0 < begin_s <= end_s < 4e9:
                    said = f"{_SIDES[side]}, {phase}: {what}, {end_s - begin_s:.1f} s"
                    yield Span(
                        _SIDES[side], int(begin_s * 1e9), int(end_s * 1e9), f"part {phase} {what.split()[0]}", said
                    )
    for phase in PHASES:
        if window := view.window_ns(phase):
            said = f"LoadGen, {phase}: window, {(window[1] - window[0]) / 1e9:.1f} s"
            yield Span("LoadGen's window", *window, f"part {phase} load", said)


_PARTS = ("start", "load", "end")
_SIDES = {"client": "client", "server": "director"}


def _pairs(moments_s: tuple[float, ...]) -> list[tuple[float, float]]:
    return list(pairwise(moments_s))


def station(view: SessionView) -> Iterator[Row]:
    """Tell what measured, and what was measured."""
    server, detail = view.facts.server, view.facts.loadgen_logs["testing"].detail
    replies = [reply for command, reply in server.ptd_messages if command == "Identify"]
    for count, reply in enumerate(replies, 1):
        yield from _analyzer(reply, f"analyzer {count}" if len(replies) > 1 else "analyzer")
    for count, config in enumerate(server.ptd_configs, 1):
        which = f" {count}" if len(server.ptd_configs) > 1 else ""
        used = ", ".join(map(str, config.channels)) or "as the analyzer has it"
        yield f"port{which}", f"{config.device_port} (device type {config.device_type}, channel {used})"
    for count, dialogue in enumerate(dialogues(server.ptd_messages), 1):
        asked = [
            _setting(entry.value, entry.quantity) for entry in dialogue.settings if entry.when == "before testing"
        ]
        if asked:
            yield f"ranges of testing{f' {count}' if len(replies) > 1 else ''}", ", ".join(asked)
    for name, text in (
        ("LoadGen", detail.text("loadgen_version")),
        ("scenario", detail.text("effective_scenario")),
        ("LoadGen's verdict", detail.text("result_validity")),
        ("director", server.version),
        ("client", view.facts.client.version),
        ("session", view.name),
    ):
        if text:
            yield name, text


def _setting(value: str, unit: str) -> str:
    """Write a range that was asked for; directors write it with as many digits as they like."""
    asked = or_none(float, value)
    return f"{value} {unit}" if asked is None else f"{number(asked)} {unit}"


def _analyzer(reply: str, name: str) -> Iterator[Row]:
    identity = parse_identity(reply)
    maker, model, serial, firmware = (*identity.idn.split(";"), "", "", "", "")[:4]
    yield name, f"{maker} {model}".strip() or identity.driver
    yield "serial number", serial or "not told"
    yield "firmware", firmware or "not told"
    yield "PTDaemon", f"{identity.driver} {identity.version}" + (" (wattrig-ptd)" if identity.is_wattrig else "")


def files(view: SessionView) -> Iterator[Row]:
    """List the files: name, size, SHA-1, and whether that is the one recorded when the session was made."""
    recorded = {**(view.facts.client.results or {}), **(view.facts.server.results or {})}
    for name, file in view.facts.files().items():
        if not file.was_read:
            yield name, "-", file.reason, "no"
            continue
        word = {None: "", file.sha1: "yes"}.get(recorded.get(name), "no")
        yield name, f"{file.size_bytes:,}".replace(",", "\N{NARROW NO-BREAK SPACE}"), file.sha1, word
