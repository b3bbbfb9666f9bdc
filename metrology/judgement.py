"""By which model, and by which terms, the uncertainty of an analyzer's readings is judged.

Two models: `ptd`, the formulas of SPEC's PTDaemon as recovered from its own logs, and `datasheet`, the maker's terms.
wattrig-ptd says in its log which one it goes by, so that whoever has the log can work out the same numbers:

    Accuracy by datasheet: reading=0.001,range=0.0005,phase=0.001,crest_factor=3
"""

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, NamedTuple

from metrology.accuracy import accuracy_of
from metrology.datasheet import datasheet_of
from metrology.errors import ConfigError
from metrology.uncertainty import Accuracy

PTD, DATASHEET = MODELS = ("ptd", "datasheet")
CHANGEABLE = ("reading", "range", "phase", "self_heating_voltage", "self_heating_current", "upper_reading")
"""The terms that a lab may state itself, each a fraction of 0 to `LARGEST_TERM`."""
LARGEST_TERM = 1.0
_NUMBER = r"\d{1,3}(?:\.\d{1,20})?(?:e-\d{1,3})?"
_TOLD = re.compile(
    rf"Accuracy by (?P<model>ptd|datasheet): (?P<terms>[a-z_]{{1,30}}={_NUMBER}(?:,[a-z_]{{1,30}}={_NUMBER}){{0,8}})"
)


class Judgement(NamedTuple):
    """A model and the terms it takes.

    Attributes:
        model: "ptd" or "datasheet".
        accuracy: the terms at crest factor 3.
        crest_factor: 3, or 6 which doubles the range term.
        source: where the terms stand; empty where a log told them.
        unverified: which of them are not verified; empty where none is.
    """

    model: str
    accuracy: Accuracy
    crest_factor: int = 3
    source: str = ""
    unverified: str = ""

    @property
    def in_force(self) -> Accuracy:
        """Get the terms at the crest factor that is set."""
        return replace(self.accuracy, range=self.accuracy.range * (2 if self.crest_factor == 6 else 1))

    def told(self) -> str:
        """Put it into one line of a log, as `parse_told` reads it."""
        values = ((field.name, getattr(self.accuracy, field.name)) for field in fields(Accuracy))
        terms = ",".join(f"{name}={float(value)!r}" for name, value in values if value)
        return f"Accuracy by {self.model}: {terms},crest_factor={self.crest_factor}"


def parse_told(text: str) -> Judgement | None:
    """Read a line of a log; None where it is another one, or tells terms that cannot be."""
    match = _TOLD.fullmatch(text)
    if match is None:
        return None
    terms = {name: float(value) for name, value in (term.split("=") for term in match["terms"].split(","))}
    crest_factor = terms.pop("crest_factor", 3.0)
    per_active = terms.pop("per_active", 0.0)
    if not set(terms) <= set(CHANGEABLE) or not {"reading"} <= set(terms) or crest_factor not in (3, 6):
        return None
    found = Accuracy(0.0, 0.0, 0.0, per_active=per_active == 1)
    return Judgement(match["model"], _changed(found, terms), int(crest_factor))


def judgement_of(model: str | None, driver: str, version: str, analyzer: str) -> Judgement | None:
    """Get how an analyzer is judged; None where its terms are not known.

    Args:
        model: "ptd" or "datasheet"; None for PTDaemon's where they are known, else the data sheet's.
        driver: the first field of the reply to `Identify`.
        version: the daemon's, which PTDaemon's formulas depend on.
        analyzer: the analyzer's own name of its model, as `WT333E`.
    """
    ptd = accuracy_of(driver, version, analyzer) if model != DATASHEET else None
    if ptd is not None:
        return Judgement(PTD, ptd, source="published logs of PTDaemon")
    sheet = datasheet_of(driver, analyzer) if model != PTD else None
    return sheet and Judgement(DATASHEET, sheet.accuracy, 3, sheet.source, sheet.unverified)


def with_terms(found: Judgement, terms: Mapping[str, float]) -> Judgement:
    """Put a lab's own terms in the place of the data sheet's.

    Raises:
        ConfigError: the model is PTDaemon's, which has terms of its own.
    """
    if terms and found.model == PTD:
        raise ConfigError("own accuracy terms go with the model datasheet alone", "say datasheet instead of ptd")
    source = f"the lab's own {', '.join(terms)}; the rest: {found.source}" if terms else found.source
    return found._replace(accuracy=_changed(found.accuracy, terms), source=source)


def _changed(accuracy: Accuracy, terms: Mapping[str, float]) -> Accuracy:
    values: dict[str, Any] = dict(terms)
    return replace(accuracy, **values)


def parse_terms(text: str) -> dict[str, float]:
    """Read terms as a command line gives them, `reading=0.001,range=0.0005`.

    Raises:
        ConfigError: it is no such list, or see `check_terms`.
    """
    try:
        terms = {name.strip(): float(value) for name, value in (term.split("=") for term in text.split(","))}
    except ValueError as problem:
        raise ConfigError(
            f"got the accuracy terms {text[:80]!r}, expected NAME=FRACTION,... as in reading=0.001,range=0.0005"
        ) from problem
    check_terms(terms)
    return terms


def check_terms(terms: Mapping[str, float]) -> None:
    """Refuse what is no accuracy term of a data sheet.

    Raises:
        ConfigError: a name is not known, or a value no fraction.
    """
    for name, value in terms.items():
        if name not in CHANGEABLE:
            raise ConfigError(f"got the accuracy term {name[:40]!r}, expected one of {', '.join(CHANGEABLE)}")
        if not 0 <= value <= LARGEST_TERM:
            raise ConfigError(
                f"got {name}={value:g}, expected a fraction of 0 to {LARGEST_TERM:g}", "0.1 % is written as 0.001"
            )
