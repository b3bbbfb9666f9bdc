"""The text of a station file, with what each line is for: `wattrig suggest` prints it, `wattrig init` writes it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analyzers.catalogue import best_of
from analyzers.driver import Family
from analyzers.place import Place
from analyzers.scan import Candidate
from wire.protocol import DEFAULT_PORT

BY_ID = Path("/dev/serial/by-id")
"""Where the system keeps names of serial ports that stay when another one is plugged in."""
STORE, LISTEN, OUR_DAEMON = "sessions", f"127.0.0.1:{DEFAULT_PORT}", "wattrig-ptd"


@dataclass(frozen=True, slots=True)
class Meter:
    """An analyzer for a station file.

    Attributes:
        place: where it is.
        family: what reads it.
        idn: what it says of itself; empty where it was not asked.
        others: what else reads it.
        name: what the lab calls it; may be empty.
    """

    place: Place
    family: Family
    idn: str = ""
    others: tuple[Family, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be in a station file; `ptd` is the daemon of all its analyzers."""

    meters: Sequence[Meter]
    store: str = STORE
    listen: str = LISTEN
    ptd: str = OUR_DAEMON


def meters_of(candidates: Sequence[Candidate], by_id: Path = BY_ID) -> list[Meter]:
    """Get the instruments among candidates that a driver reads, with names of their ports that stay."""
    found = []
    for each in candidates:
        families = each.identity.families if each.identity else ()
        family = best_of(list(families))
        if each.identity is not None and family is not None:
            others = tuple(other for other in families if other is not family)
            found.append(Meter(Place(lasting(each.port, by_id)), family, each.identity.idn, others))
    return found


def lasting(port: str, by_id: Path = BY_ID) -> str:
    """Get the name of a serial port that stays when others come and go; its own where there is none."""
    target = Path(port).resolve()
    return next((str(link) for link in sorted(by_id.glob("*")) if link.resolve() == target), port)


def station_text(draft: Draft, file: str = "station.toml") -> str:
    """Write a station file."""
    analyzers = (line for meter in draft.meters for line in _analyzer(meter, draft))
    return "\n".join([*_director(draft, file), *analyzers, ""])


def _director(draft: Draft, file: str) -> Iterator[str]:
    yield "# What this machine measures with, and how its director serves it."
    yield f"# Is all well: wattrig doctor -c {file}"
    yield "\n[director]"
    yield "# Sessions are kept here; relative to this file."
    yield f"store = {json.dumps(draft.store)}"
    if draft.listen == LISTEN:
        yield "# This machine alone may connect. For another: an address of this one, and keys (wattrig keys init)."
    else:
        yield "# Other machines may connect; both sides need keys (wattrig keys init)."
    yield f"listen = {json.dumps(draft.listen)}"


def _analyzer(meter: Meter, draft: Draft) -> Iterator[str]:
    yield ""
    if meter.idn:
        yield f"# {_printable(meter.idn)}"
    yield meter.place.table(meter.family)
    if meter.others:
        yield f"# Other device types read it, too: {', '.join(map(_described, meter.others))}."
    yield "# TCP port of the daemon that reads it; 0 takes a free one."
    yield "network_port = 0"
    yield f"name = {json.dumps(meter.name)}" if meter.name else '# name = "what the lab calls it"'
    yield '# feeds = "what hangs on it, as PSU 1 and 2"'
    if draft.ptd == OUR_DAEMON:
        yield "# An official submission needs SPEC's PTDaemon:"
        yield '# ptd = "/path/to/ptd"'
    else:
        yield f"ptd = {json.dumps(draft.ptd)}"


def _described(family: Family) -> str:
    kind = "DC, with dc = true" if family.dc else "several channels, with channel" if family.multichannel else "AC"
    return f"{family.device_type} ({kind})"


def _printable(text: str) -> str:
    """Make what an instrument said fit for a comment, which one line end would end."""
    return "".join(letter if letter.isprintable() else "?" for letter in text[:120])
