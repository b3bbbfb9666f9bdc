"""A submission on disk held against the list of its files: what was edited, moved, removed or added since."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from compliance.package_build import MANIFEST
from compliance.package_tree import SCHEMA, seal
from compliance.tree import DIVISIONS
from evidence.bounded_json import parse_object
from evidence.digest import file_sha256, open_plain, refuse_unreadable
from metrology.errors import EvidenceError

LARGEST_LIST_BYTES = 64 << 20
MOST_FILES = 200_000
BESIDE_DIVISIONS = (".git", ".github", "assets")
"""Folders that the submission checker lets lie beside the divisions."""
REBUILD = "build the package again from its submission.toml"

Kind = Literal["edited", "moved", "missing", "extra", "misplaced"]


class Deviation(NamedTuple):
    """What is other than the list says.

    Attributes:
        file: path below the tree.
        hint: what to do.
    """

    kind: Kind
    file: str
    message: str
    hint: str


class Package(NamedTuple):
    """A submission on disk: the submitter's folder, and the list of its files."""

    tree: Path
    root: Path
    listed: Mapping[str, Any]

    @property
    def files(self) -> dict[str, str]:
        """The SHA-256 of each file by path below the submitter's folder, as the list has it."""
        found = self.listed["files"]
        return {str(name): str(entry.get("sha256")) for name, entry in found.items() if isinstance(entry, dict)}

    @property
    def allowed(self) -> dict[str, str]:
        """The codes that were let pass, each with the reason."""
        entries = self.listed.get("allowed")
        rows = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        return {str(row.get("code")): str(row.get("because")) for row in rows}


def find_packages(tree: Path) -> list[Package]:
    """Find the submissions of a tree that wattrig built.

    Raises:
        EvidenceError: a list of files cannot be read.
    """
    paths = sorted(path for division in DIVISIONS for path in (tree / division).glob(f"*/{MANIFEST}"))
    return [Package(tree, path.parents[1], _listed(path)) for path in paths]


def _listed(path: Path) -> dict[str, Any]:
    try:
        with open_plain(path) as file:
            values, _, error = parse_object(file.read(LARGEST_LIST_BYTES))
    except OSError as problem:
        raise EvidenceError(f"'{path}' cannot be read: {problem.strerror}", REBUILD) from problem
    if error or values.get("schema") != SCHEMA or not isinstance(values.get("files"), dict):
        raise EvidenceError(f"'{path}' is no list of files: {error or 'other keys than expected'}", REBUILD)
    return values


def deviations(package: Package) -> Iterator[Deviation]:
    """Get all that is other than the list of files says."""
    yield from _misplaced(package)
    if package.listed.get("sha256") != seal(package.listed):
        said = "was edited: it is not what its own SHA-256 says"
        yield Deviation("edited", _shown(package, MANIFEST), said, f"put the original back, or {REBUILD}")
    expected, found = package.files, dict(_found(package.root))
    missing = {name: digest for name, digest in expected.items() if name not in found}
    extra = {name: digest for name, digest in found.items() if name not in expected}
    for name in sorted(expected.keys() & found.keys()):
        if expected[name] != (sha256 := found[name]):
            its = f"its SHA-256 is {sha256[:12]}..." if sha256 else "it is no plain file"
            said = f"{its}, the list has {expected[name][:12]}..."
            yield Deviation(
                "edited", _shown(package, name), f"was edited: {said}", f"put the original back, or {REBUILD}"
            )
    for name, digest in sorted(missing.items()):
        to = next((other for other, its in sorted(extra.items()) if its == digest), None)
        if to is None:
            yield Deviation("missing", _shown(package, name), "is missing", f"put it back, or {REBUILD}")
        else:
            del extra[to]
            yield Deviation("moved", _shown(package, name), f"was moved to '{_shown(package, to)}'", "move it back")
    for name in sorted(extra):
        yield Deviation(
            "extra", _shown(package, name), "is no part of the package", f"remove it, or {REBUILD} with it"
        )


def _misplaced(package: Package) -> Iterator[Deviation]:
    for key, name in (("division", package.root.parent.name), ("submitter", package.root.name)):
        said = package.listed.get(key)
        if said != name:
            where = package.root.relative_to(package.tree).as_posix()
            yield Deviation(
                "misplaced", where, f"stands under '{name}', was built for {key} '{said}'", "rename the folder back"
            )


def _shown(package: Package, name: str) -> str:
    return f"{package.root.relative_to(package.tree).as_posix()}/{name}"


def _found(root: Path) -> Iterator[tuple[str, str | None]]:
    """Get each file below the submitter's folder with its SHA-256; a link, a device and an empty folder have none.

    Raises:
        EvidenceError: a folder cannot be read, or there are too many files.
    """
    count = 0
    for folder, folders, names in os.walk(root, onerror=refuse_unreadable):
        if (count := count + len(folders) + len(names)) > MOST_FILES:
            raise EvidenceError(f"'{root}' holds over {MOST_FILES} files and folders, expected a submission")
        links = [name for name in folders if Path(folder, name).is_symlink()]
        if not folders and not names:
            yield f"{Path(folder).relative_to(root).as_posix()}/", None
        for name in (*links, *names):
            path = Path(folder, name)
            below = path.relative_to(root).as_posix()
            if below != MANIFEST:
                yield below, file_sha256(path) if path.is_file() and not path.is_symlink() else None


def strays(tree: Path) -> Iterator[Deviation]:
    """Get what is no part of any package: what lies outside of submitters' folders, and folders without a list."""
    for path in sorted(tree.iterdir()):
        if path.is_symlink():
            yield Deviation(
                "extra", path.name, "is a link, expected a folder of its own", "put what it leads to here"
            )
        elif path.name in DIVISIONS and path.is_dir():
            yield from _beside_packages(tree, path)
        elif path.is_dir() and path.name not in BESIDE_DIVISIONS:
            yield Deviation("extra", f"{path.name}/", f"is no division ({', '.join(DIVISIONS)})", "remove it")
        elif not path.is_dir() and path.suffix not in {".md", ".pdf"}:
            yield Deviation("extra", path.name, "lies outside of any submitter's folder", "remove it")


def _beside_packages(tree: Path, division: Path) -> Iterator[Deviation]:
    paths = sorted(division.iterdir())
    if not paths:
        yield Deviation("extra", f"{division.name}/", "holds no submitter's folder", "remove it")
    for path in paths:
        name = path.relative_to(tree).as_posix()
        if path.is_symlink():
            yield Deviation("extra", name, "is a link, expected a folder of its own", "put what it leads to here")
        elif not path.is_dir():
            yield Deviation("extra", name, "lies outside of any submitter's folder", "remove it")
        elif not (path / MANIFEST).is_file():
            hint = f"put {MANIFEST} back, build it with `wattrig package`, or move it elsewhere"
            yield Deviation(
                "extra", f"{name}/", "has no list of its files, so nothing tells what belongs to it", hint
            )
