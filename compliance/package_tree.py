"""A planned submission written to disk at once or not at all, with the list of its files."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from compliance.package_build import MANIFEST
from compliance.package_plan import Content, Plan
from compliance.package_refusal import Allowed
from evidence.digest import file_sha256
from metrology.errors import ConfigError, EvidenceError

SCHEMA = 1


def write_tree(plan: Plan, allowed: Sequence[Allowed], target: Path) -> None:
    """Write a submission as `<target>/<division>/<submitter>/...`.

    Raises:
        ConfigError: `target` is there already, or cannot be written.
        EvidenceError: a source changed while it was copied.
    """
    if target.exists():
        raise ConfigError(f"'{target}' is there already", "name a new folder, or remove that one")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as problem:
        raise ConfigError(f"'{target}' cannot be written: {problem}", "choose another --out") from problem
    try:
        scratch.chmod(0o755)
        root = scratch / plan.root
        digests = {str(path): _write(content, root / path) for path, content in sorted(plan.files.items())}
        manifest = root / MANIFEST
        manifest.parent.mkdir(parents=True, exist_ok=True)
        manifest.write_bytes(manifest_bytes(plan, allowed, digests))
        scratch.rename(target)
    except OSError as problem:
        raise ConfigError(f"'{target}' cannot be written: {problem}", "check disk and rights") from problem
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _write(content: Content, path: Path) -> str:
    """Write one file; get its SHA-256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if content.source is None:
        path.write_bytes(content.made or b"")
        return file_sha256(path)
    before = file_sha256(content.source)
    shutil.copyfile(content.source, path)
    if (after := file_sha256(path)) != before:
        raise EvidenceError(
            f"'{content.source}' changed while it was copied (SHA-256 {before[:12]}... to {after[:12]}...)",
            "end what writes to it, and build again",
        )
    return after


def manifest_bytes(plan: Plan, allowed: Sequence[Allowed], digests: dict[str, str]) -> bytes:
    """Write the list of a submission's files: what each is, where it comes from, and what was let pass."""
    submission = plan.spec.submission
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "wattrig": version("wattrig"),
        "round": plan.rules.name,
        "division": submission.division,
        "submitter": submission.submitter,
        "results": dict(sorted(plan.sessions.items())),
        "inferred": dict(sorted(plan.inferred.items())),
        "allowed": [each._asdict() for each in allowed],
        "files": {
            str(path): {"sha256": digests[str(path)], "from": content.origin}
            for path, content in sorted(plan.files.items())
        },
    }
    return sealed(document)


def sealed(document: Mapping[str, Any]) -> bytes:
    """Write a list with its own SHA-256, by which an edit of it shows; whoever wants to can make it anew."""
    return (json.dumps({**document, "sha256": seal(document)}, indent=2) + "\n").encode()


def seal(document: Mapping[str, Any]) -> str:
    """Get the SHA-256 of all that a list says but this, with sorted keys and without blanks."""
    rest = {key: value for key, value in document.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
