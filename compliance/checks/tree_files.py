"""Rules about what stands beside the results of a submission: descriptions, settings and the other runs."""

import re
from collections.abc import Iterator
from pathlib import Path

from compliance.findings import Ask, Findings, MissingFactError
from compliance.submission import Entry, Tree
from compliance.tree import Place
from evidence.layout import POWER, SERVER_JSON
from evidence.ptd_protocol import Identity
from scoring.inference import SCENARIOS, scenario_of

_MOST_NAMED = 5
_MODEL = re.compile(r"\bWT[- ]?\d{3,4}[A-Z]*|\b\d{6}\b", re.IGNORECASE)
"""A model by name, `WT333E` or `WT-333E`, or by the code that older ones say, `760401`."""
_FIRMWARE = re.compile(r"(?<![\d.])F?(\d{1,2}\.\d{2})(?![\d.])")
_MINIMUM = re.compile(r"\s*(?:-\s*)?min psus needed\s*:\s*(\d{1,4})\s*", re.IGNORECASE)
_CAPACITY = re.compile(r"\s*(?:-\s*)?powercapacitywatts\s*:\s*(\d{1,9}(?:\.\d{1,6})?)\s*", re.IGNORECASE)


def layout(entry: Entry, _tree: Tree, ask: Ask) -> Findings:
    """Check that the folders have the names that the round wants."""
    place = entry.placed()
    if scenario_of(place.scenario) is None:
        yield ask.fail(
            f"'{place.scenario}' is no scenario", file=str(place), got=place.scenario, expected=", ".join(SCENARIOS)
        )


def complete(entry: Entry, tree: Tree, ask: Ask) -> Findings:
    """Check that the result has its power/ folder, and its system a description."""
    place = entry.whole()
    if not (entry.found.path / POWER).is_dir():
        yield ask.fail("the result has ranging/ but no power/", file=str(place), expected=f"performance/{POWER}/")
    systems = tree.names(place.submission / "systems")
    if not systems:
        raise MissingFactError("the folder systems/")
    if f"{place.system}.json" not in systems:
        yield ask.fail(
            f"the system '{place.system}' is not described",
            file=f"systems/{place.system}.json",
            got="absent",
            expected="a file",
        )


def described_system(entry: Entry, tree: Tree, ask: Ask) -> Findings:
    """Check that the description is the one of this submitter and division."""
    place = entry.whole()
    name, values = tree.system(entry)
    for key, folder in (("submitter", place.submitter), ("division", place.division)):
        said = values.get(key)
        if isinstance(said, str) and _plain(said) != _plain(folder):
            yield ask.fail(
                f"'{key}' is '{said[:60]}', the folder says '{folder}'", file=name, got=said[:60], expected=folder
            )


def _plain(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def power_fields(entry: Entry, tree: Tree, ask: Ask) -> Findings:
    """Check that the description of the system has the fields about power."""
    name, values = tree.system(entry)
    missing = [key for key in ask.texts("fields") if values.get(key) in (None, "", [], {})]
    if missing:
        known = len(ask.texts("fields"))
        yield ask.fail(
            f"{len(missing)} of {known} fields about power are absent or empty: {', '.join(missing[:_MOST_NAMED])}"
            + (" and more" if len(missing) > _MOST_NAMED else ""),
            file=name,
            got=known - len(missing),
            expected=known,
            unit="fields",
        )


def analyzer_table(entry: Entry, tree: Tree, ask: Ask) -> Findings:
    """Check that the analyzer is described, and as the one that answered."""
    found = tree.described(entry, "analyzer_table", ask.round.layout.measurements)
    if found is None:
        yield ask.fail("there is no analyzer_table for this result", expected="analyzer_table.md")
        return
    if not entry.traits.analyzers:
        raise MissingFactError(f"a reply to 'Identify' in {SERVER_JSON}")
    models = {_plain(word) for word in _MODEL.findall(found.text)}
    firmware = set(_FIRMWARE.findall(found.text))
    for identity in entry.traits.analyzers[:1]:
        if not models & _names(identity):
            yield ask.fail(
                f"the analyzer that answered, '{identity.idn}', is not in the table",
                file=found.name,
                got=", ".join(sorted(models)) or "no model",
                expected=" or ".join(sorted(_names(identity))),
            )
        answered = _FIRMWARE.findall(identity.idn)
        if answered and firmware and answered[-1] not in firmware:
            yield ask.fail(
                f"the analyzer answered with firmware {answered[-1]}, which is not in the table",
                file=found.name,
                got=", ".join(sorted(firmware)),
                expected=answered[-1],
            )


def _names(identity: Identity) -> set[str]:
    """Get the names by which an analyzer may be called: its own, and PTDaemon's."""
    driver = identity.driver.removeprefix("Yokogawa").split("_")[0]
    return {_plain(identity.model), _plain(driver)} - {""}


def power_settings(entry: Entry, tree: Tree, ask: Ask) -> Findings:
    """Check that the settings of power management are described, by more than a text that tools put there."""
    found = tree.described(entry, "power_settings", ask.round.layout.measurements)
    if found is None:
        yield ask.fail("there is no power_settings for this result", expected="power_settings.md")
    elif not found.text.strip():
        yield ask.fail(f"'{found.name}' is empty", file=found.name, got=0, expected="a description")
    elif _plain(found.text) in {_plain(text) for text in ask.texts("boilerplate")}:
        yield ask.fail(
            "power_settings is the text that a submission tool puts there by default",
            file=found.name,
            got=found.text.strip()[:80],
            expected="a description of this system",
        )


def other_runs(entry: Entry, tree: Tree, ask: Ask) -> Findings:
    """Check that the result has its accuracy run, where other results of the submission have theirs."""
    place = entry.whole()
    if place.division == "open":
        ask.not_applicable("the open division sets its own accuracy")
    if tree.has_accuracy(entry):
        return
    if not tree.any_accuracy(entry):
        raise MissingFactError("accuracy/ of any result of this submission")
    yield ask.fail("there is no accuracy run", file=f"{place}/accuracy", got="absent", expected="accuracy.txt")


def beside(entry: Entry, tree: Tree, ask: Ask) -> Findings:
    """Check that the result has the files beside it that other results of the submission have."""
    place, layout = entry.whole(), ask.round.layout
    for name in sorted(tree.beside_any(entry, layout) - tree.beside(entry, layout)):
        folder = "results" if name.startswith("accuracy/") else layout.measurements
        file = "/".join((folder, *place.parts, name.format(system=place.system, scenario=place.scenario)))
        yield ask.fail(f"'{file}' is missing", file=file, got="absent", expected="a file, as other results have it")


def nameplate(entry: Entry, tree: Tree, ask: Ask) -> Findings:
    """Check that no sample is above the power that the supplies can deliver."""
    place, highest_w = entry.whole(), entry.traits.highest_w
    design_w, name = _design_power_w(place, entry, tree, ask)
    if highest_w is None:
        raise MissingFactError("good samples in the power window")
    if highest_w > design_w:
        yield ask.fail(
            f"the system drew up to {highest_w:.1f} W, its supplies deliver {design_w:g} W",
            file=name,
            got=highest_w,
            expected=design_w,
            unit="W",
        )


def _design_power_w(place: Place, entry: Entry, tree: Tree, ask: Ask) -> tuple[float, str]:
    """Get the design power and the file that says it: a field of the description, or the list of supplies."""
    name, values = tree.system(entry)
    said = values.get("system_power_capacity")
    if said not in (None, ""):
        number = re.match(r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*(?:W|watts?)?\s*$", str(said), re.IGNORECASE)
        if number is None:
            raise MissingFactError(f"a number of watts as system_power_capacity in {name}")
        return float(number[1]), name
    found = tree.document(entry, Path(place.submission, "systems", f"{place.system}_power.yaml"))
    if found is None:
        ask.not_applicable("the submission states no design power")
    design_w = sum(_component_powers_w(found.text))
    if design_w <= 0:
        raise MissingFactError(f"'Min PSUs Needed' and 'PowerCapacityWatts' in {found.name}")
    return design_w, found.name


def _component_powers_w(text: str) -> Iterator[float]:
    """Get the power of each component of the list of supplies: its largest ones, as many as it needs."""
    needed, capacities_w = 0, list[float]()
    for line in text.splitlines():
        if minimum := _MINIMUM.fullmatch(line):
            yield sum(sorted(capacities_w, reverse=True)[:needed])
            needed, capacities_w = int(minimum[1]), []
        elif capacity := _CAPACITY.fullmatch(line):
            capacities_w.append(float(capacity[1]))
    yield sum(sorted(capacities_w, reverse=True)[:needed])
