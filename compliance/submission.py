"""What a submission holds beside its power results: descriptions of systems and settings, and the other runs.

These files are small and written by hand. They are looked at only where the submitter's whole folder was asked for:
a `performance/` folder by itself says nothing of what is not there.
"""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from compliance.findings import MissingFactError
from compliance.traits import Traits
from compliance.tree import Found, Place, place_of
from evidence.bounded_json import parse_object
from evidence.source import read_bytes
from rules.documents import LayoutRules

LARGEST_DOCUMENT = 1 << 20
"""Most that is read of one description; the largest published one has 30 kB."""
MOST_NAMES = 10_000
ACCURACY_FILES = ("accuracy.txt", "mlperf_log_accuracy.json", "mlperf_log_detail.txt", "mlperf_log_summary.txt")
"""REQUIRED_ACC_FILES of the submission checker."""
_TARGET = re.compile(r"-99(?:\.9)?$")


class Document(NamedTuple):
    """A text beside the results: its path below the tree, and what it says."""

    name: str
    text: str


class Entry(NamedTuple):
    """A power result as the rules across a tree see it.

    Attributes:
        found: where it lies.
        place: what its folders say of it; None outside a submission.
        round: the round it was judged by.
        traits: what its session says.
    """

    found: Found
    place: Place | None
    round: str
    traits: Traits

    @property
    def shown(self) -> str:
        """What to call it."""
        return self.found.shown

    def placed(self) -> Place:
        """Get its place.

        Raises:
            MissingFactError: it is in no submission.
        """
        if self.place is None:
            raise MissingFactError("folders <division>/<submitter>/results/<system>/<benchmark>/<scenario>")
        return self.place

    def whole(self) -> Place:
        """Get its place, where the submitter's whole folder was asked for.

        Raises:
            MissingFactError: only a part of it was.
        """
        place = self.placed()
        if not place.submission.is_relative_to(self.found.within.absolute()):
            raise MissingFactError("the submitter's whole folder; check that, or a folder above it")
        return place


def entry_of(found: Found, round_name: str, traits: Traits) -> Entry:
    """Make an entry of a result and what its session says."""
    return Entry(found, place_of(found.path), round_name, traits)


class Tree:
    """All power results of a tree, by what they have in common; and what lies beside them, read when asked for."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self._by_system = _grouped(self.entries, _system)
        self._by_submission = _grouped(self.entries, _submission)
        self._by_uuids = {key: _grouped(same, _run) for key, same in _grouped(self.entries, _uuids).items()}
        self._by_samples = {key: _grouped(same, _run) for key, same in _grouped(self.entries, _samples).items()}
        self._listed: dict[Path, list[str]] = {}
        self._with_accuracy: dict[Key, bool] = {}
        self._beside: dict[Key, frozenset[str]] = {}

    def of_system(self, entry: Entry) -> list[Entry]:
        """Get all results of the same system, in all divisions, this one included."""
        return self._by_system[_system(entry)]

    def of_submission(self, entry: Entry) -> list[Entry]:
        """Get all results of the same submitter in the same division, this one included."""
        return self._by_submission[_submission(entry)]

    def copies(self, entry: Entry, most: int) -> tuple[list[tuple[Entry, str]], int]:
        """Get results of other runs in the same submissions that hold this session, or its samples.

        Results of one submitter, system and benchmark may share a run: see `_run`.

        Returns:
            a result of each such run, at most `most`, with what is the same; and how many runs there are.
        """
        found: dict[Key, tuple[Entry, str]] = {}
        sessions, samples = self._by_uuids[_uuids(entry)], self._by_samples[_samples(entry)]
        for runs, what in ((sessions, "session"), (samples, "power samples")):
            for run, entries in runs.items():
                if run != _run(entry) and len(found) < most:
                    found.setdefault(run, (entries[0], what))
        return list(found.values()), max(len(sessions), len(samples)) - 1

    def has_accuracy(self, entry: Entry) -> bool:
        """Tell whether a result has its accuracy run beside it."""
        place = entry.placed()
        return "accuracy.txt" in self.names(place.submission.joinpath("results", *place.parts, "accuracy"))

    def any_accuracy(self, entry: Entry) -> bool:
        """Tell whether any result of the same submission has its accuracy run beside it."""
        key = _submission(entry)
        if key not in self._with_accuracy:
            self._with_accuracy[key] = any(self.has_accuracy(other) for other in self._by_submission[key])
        return self._with_accuracy[key]

    def beside(self, entry: Entry, layout: LayoutRules) -> frozenset[str]:
        """Get which of the files that a round wants beside a result are there."""
        place = entry.placed()
        folder, run = (place.submission.joinpath(name, *place.parts) for name in (layout.measurements, "results"))
        names, accuracy = self.names(folder), self.names(run / "accuracy")
        found = {name for name in layout.measurement_files if name in names}
        found |= {f"accuracy/{name}" for name in ACCURACY_FILES if name in accuracy}
        if any(_is_implementation(name, place.system, layout.implementation) for name in names):
            found.add(layout.implementation)
        return frozenset(found)

    def beside_any(self, entry: Entry, layout: LayoutRules) -> frozenset[str]:
        """Get which of these files any result of the same submission has."""
        key = (*_submission(entry), layout)
        if key not in self._beside:
            self._beside[key] = frozenset().union(
                *(self.beside(other, layout) for other in self.of_submission(entry))
            )
        return self._beside[key]

    def names(self, folder: Path) -> list[str]:
        """List a folder, sorted; nothing where it cannot be read."""
        if folder not in self._listed:
            try:
                self._listed[folder] = sorted(os.listdir(folder))[:MOST_NAMES]  # noqa: PTH208 - paths cost more
            except (OSError, ValueError):
                self._listed[folder] = []
        return self._listed[folder]

    def document(self, entry: Entry, path: Path) -> Document | None:
        """Read a text beside the results; None where it is not there or cannot be read."""
        within = entry.found.within
        name = path.relative_to(within.absolute()).as_posix()
        content, facts = read_bytes(path, name, LARGEST_DOCUMENT, within)
        return Document(name, content.decode(errors="replace")) if facts.was_read else None

    def system(self, entry: Entry) -> tuple[str, dict[str, Any]]:
        """Get the description of a system: the file's name below the tree, and what it says.

        Raises:
            MissingFactError: it is not there, or is no JSON object.
        """
        place = entry.whole()
        found = self.document(entry, place.submission / "systems" / f"{place.system}.json")
        if found is None:
            raise MissingFactError(f"systems/{place.system}.json")
        values, _, error = parse_object(found.text.encode())
        if error:
            raise MissingFactError(f"{found.name}: {error}")
        return found.name, values

    def described(self, entry: Entry, stem: str, measurements: str) -> Document | None:
        """Get the file `<stem>.*` that stands closest to a result, on the way down from `measurements`.

        None where there is none.

        Raises:
            MissingFactError: there are no folders in which it could stand.
        """
        place = entry.whole()
        folders = list(_way_down(place, measurements))
        if not any(self.names(folder) for folder in folders):
            raise MissingFactError(f"{measurements}/ of this system")
        for folder in reversed(folders):
            for name in self.names(folder):
                if name.lower().startswith(f"{stem}.") and (found := self.document(entry, folder / name)):
                    return found
        return None


def _is_implementation(name: str, system: str, wanted: str) -> bool:
    """Tell whether a file is the one about the implementation, which older rounds name after the system."""
    return name == wanted or ("{system}" in wanted and name.startswith(system) and name.endswith(".json"))


def _way_down(place: Place, measurements: str) -> Iterable[Path]:
    folder = place.submission / measurements
    yield folder
    for part in place.parts:
        folder /= part
        yield folder


Key = tuple[object, ...]
"""What results have in common; a result that lacks it has its own folder as key, and stands alone."""


def _system(entry: Entry) -> Key:
    place = entry.place
    return (place.root, place.submitter, place.system) if place else (entry.found.path,)


def _submission(entry: Entry) -> Key:
    return (entry.place.submission,) if entry.place else (entry.found.path,)


def _run(entry: Entry) -> Key:
    """Get what results that may have one run have in common: both accuracy targets may, and scenarios inferred."""
    place = entry.place
    if place is None:
        return (entry.found.path,)
    return (place.submitter, place.system, _TARGET.sub("", place.benchmark))


def _uuids(entry: Entry) -> Key:
    uuids = entry.traits.uuids
    return (entry.place.root, *uuids) if entry.place and all(uuids) else (entry.found.path,)


def _samples(entry: Entry) -> Key:
    digest = entry.traits.samples_sha1
    return (entry.place.root, digest) if entry.place and digest else (entry.found.path,)


def _grouped(entries: Iterable[Entry], key: Callable[[Entry], Key]) -> dict[Key, list[Entry]]:
    groups: dict[Key, list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[key(entry)].append(entry)
    return groups
