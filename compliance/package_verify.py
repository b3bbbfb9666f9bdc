"""A submission on disk held against the list of its files: what was edited, moved, removed or added since."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from compliance.package_build import MANIFEST
from compliance.package_tree import SCHEMA
from compliance.tree import DIVISIONS
from evidence.bounded_json import parse_object
from evidence.digest import file_sha256
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
        """The SHA-256 of each file by path below the submitter's folder."""
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
        with path.open("rb") as file:
            values, _, error = parse_object(file.read(LARGEST_LIST_BYTES))
    except OSError as problem:
        raise EvidenceError(f"'{path}' cannot be read: {problem.strerror}", REBUILD) from problem
    if error or values.get("schema") != SCHEMA or not isinstance(values.get("files"), dict):
        raise EvidenceError(f"'{path}' is no list of files: {error or 'other keys than expected'}", REBUILD)
    return values


def deviations(package: Package) -> Iterator[Deviation]:
    """Get all that is other than the list of files says."""
    yield from _misplaced(package)
    expected, found = package.files, dict(_found(package.root))
    missing = {name: digest for name, digest in expected.items() if name not in found}
    extra = {name: digest for name, digest in found.items() if name not in expected}
    for name in sorted(expected.keys() & found.keys()):
        if expected[name] != found[name]:
            said = f"its SHA-256 is {found[name][:12]}..., the list has {expected[name][:12]}..."
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


def _found(root: Path) -> Iterator[tuple[str, str]]:
    """Get each file below the submitter's folder with its SHA-256; a link, a device and an empty folder have none."""
    count = 0
    for folder, folders, names in os.walk(root):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        if not folders and not names:
            yield f"{Path(folder).relative_to(root).as_posix()}/", "an empty folder"
        for name in (*links, *names):
            count += 1
            path = Path(folder, name)
            below = path.relative_to(root).as_posix()
            if below != MANIFEST and count <= MOST_FILES:
                yield below, file_sha256(path) if path.is_file() and not path.is_symlink() else "no plain file"


def strays(tree: Path) -> Iterator[Deviation]:
    """Get what lies outside of any submitter's folder, which the submission checker refuses."""
    for path in sorted(tree.iterdir()):
        if path.is_dir() and path.name not in (*DIVISIONS, *BESIDE_DIVISIONS):
            yield Deviation("extra", f"{path.name}/", f"is no division ({', '.join(DIVISIONS)})", "remove it")
    for folder in (tree, *(tree / division for division in DIVISIONS)):
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if not path.is_dir() and not (folder == tree and path.suffix in {".md", ".pdf"}):
                    name = path.relative_to(tree).as_posix()
                    yield Deviation("extra", name, "lies outside of any submitter's folder", "remove it")
