"""Which file of a submission comes from where: copies byte for byte, and texts that are made."""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from compliance.package_refusal import Refusal
from compliance.package_spec import Spec, nearest
from metrology.errors import ConfigError
from rules.documents import RoundRules
from rules.rulebook import all_rounds

LARGEST_FILE_BYTES = 50 << 20
"""Largest file that the submission checker takes: FILE_SIZE_LIMIT_MB."""
MOST_CODE_FILES = 20_000
SKIPPED = re.compile(r"__pycache__|\..*|.*\.pyc")
"""What is left out of folders of sources: the submission checker refuses it."""


class Content(NamedTuple):
    """What a file of the tree holds.

    Attributes:
        source: the file that it is a copy of; None for what was made.
        made: its bytes, where it was made.
        origin: what to say of it in the list of files: the source as submission.toml has it, or "made by wattrig".
    """

    source: Path | None
    made: bytes | None
    origin: str


class Plan:
    """The files of a submission by path below the submitter's folder, and what speaks against it."""

    def __init__(self, spec: Spec, rules: RoundRules) -> None:
        self.spec = spec
        self.rules = rules
        self.files: dict[PurePosixPath, Content] = {}
        self.refusals: list[Refusal] = []
        self.inferred: dict[str, str] = {}
        self.sessions: dict[str, str] = {}

    @property
    def root(self) -> PurePosixPath:
        """The submitter's folder below the tree."""
        return PurePosixPath(self.spec.submission.division, self.spec.submission.submitter)

    def refuse(self, code: str, where: object, message: str, hint: str) -> None:
        """Note what speaks against building."""
        self.refusals.append(Refusal(code, str(where), message, hint))

    def make(self, path: PurePosixPath, content: bytes, origin: str = "made by wattrig") -> None:
        """Put in a file with this content."""
        self._put(path, Content(None, content, origin))

    def copy(self, path: PurePosixPath, source: Path, code: str = "PKG014", *, may_be_empty: bool = False) -> bool:
        """Put in a copy of a file, `source` as submission.toml has it; tell whether there is such a file."""
        real = self.spec.at(source)
        if not real.is_file() or (real.stat().st_size == 0 and not may_be_empty):
            self.refuse(code, source, f"'{source}' is {'empty' if real.is_file() else 'not there'}", "give the file")
            return False
        self._put(path, Content(real, None, source.as_posix()))
        return True

    def copy_tree(self, path: PurePosixPath, source: Path) -> None:
        """Put in a copy of a folder, without hidden files and caches."""
        names = list(_below(self.spec.at(source)))
        if not names:
            self.refuse(
                "PKG014", source, f"the folder '{source}' is not there or empty", "give the folder of the sources"
            )
        if len(names) > MOST_CODE_FILES:
            self.refuse("PKG013", source, f"'{source}' holds over {MOST_CODE_FILES} files", "give the sources alone")
        for name in names[:MOST_CODE_FILES]:
            self.copy(path / name, source / name, may_be_empty=True)

    def _put(self, path: PurePosixPath, content: Content) -> None:
        if any(" " in part or part.startswith(".") for part in path.parts):
            self.refuse("PKG013", path, f"'{path}' has a space, or a dot in front", "give it another name")
        size = (
            len(content.made) if content.made is not None else content.source.stat().st_size if content.source else 0
        )
        if size > LARGEST_FILE_BYTES:
            said = f"'{path}' has {size >> 20} MiB, the submission checker takes {LARGEST_FILE_BYTES >> 20}"
            self.refuse("PKG013", content.origin, said, "shorten it, or leave it out")
        if path in self.files and self.files[path] != content:
            said = f"'{path}' would come from '{self.files[path].origin}' and from '{content.origin}'"
            self.refuse("PKG001", path, said, "give each result a place of its own")
        self.files[path] = content


def round_of(spec: Spec) -> RoundRules:
    """Get the rules of the submission's round.

    Raises:
        ConfigError: there is no such round.
    """
    rounds, name = all_rounds(), spec.submission.round
    if name not in rounds:
        raise ConfigError(f"there is no round '{name}'", nearest(name, rounds))
    return rounds[name]


def _below(folder: Path) -> Iterator[str]:
    """List the files below a folder, sorted, links left out."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not SKIPPED.fullmatch(name) and not Path(root, name).is_symlink()
        )
        for name in sorted(files):
            if not SKIPPED.fullmatch(name) and not Path(root, name).is_symlink():
                yield Path(root, name).relative_to(folder).as_posix()
