"""The software of this machine: Python, packages, LoadGen against the round, and SPEC's PTDaemon."""

import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from analyzers.preflight import Line, State
from metrology.errors import ConfigError
from rules.documents import RoundRules
from rules.rulebook import all_rounds

OLDEST_PYTHON = (3, 11)
LOADGEN = "mlcommons-loadgen"
FOR_DEVELOPERS = frozenset({"all", "dev", "docs", "examples"})
"""Extras that bring nothing of their own to whoever measures."""
SPEC_NAMES = ("ptd-linux-x86", "ptd-linux-x86_64", "PTDaemon", "ptdaemon", "ptd")
"""File names under which SPEC's program is looked for on PATH; the first is that of SPEC's archives."""
LARGEST_PROGRAM = 64 << 20
HELP_S = 5.0
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:>=([\d.]+))?(?:; extra == \"([a-z]+)\")?")
_VERSION = re.compile(r"(?<![\d.])1\.\d{1,2}\.\d{1,2}(?:-[0-9a-f]{8}-\d{8})?(?![\d.])")


class Requirement(NamedTuple):
    """A package that the distribution asks for: from which version on, and for which extra ("" for always)."""

    name: str
    least: tuple[int, ...]
    extra: str


def numbers(version: str) -> tuple[int, ...]:
    """Get the leading numbers of a version: (6, 0, 17) of `6.0.17`."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, match[0].split("."))) if match else ()


def requirements(texts: list[str]) -> Iterator[Requirement]:
    """Read what a distribution requires; what refers to other extras, or is for developers, is left out."""
    for text in texts:
        match = _REQUIREMENT.fullmatch(text)
        if match and match[3] not in FOR_DEVELOPERS:
            yield Requirement(match[1], numbers(match[2] or ""), match[3] or "")


def installed(name: str) -> str | None:
    """Get the version of a package that is installed here; None where it is not."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def python_line(version: tuple[int, ...] = sys.version_info[:3], *, prefixed: bool | None = None) -> Line:
    """Judge the Python that runs, and whether the environment is wattrig's own."""
    told = ".".join(map(str, version))
    if version < OLDEST_PYTHON:
        return Line("Python", State.PROBLEM, f"{told}, expected 3.11 or later", "apt install python3.11-venv")
    if not (sys.prefix != sys.base_prefix if prefixed is None else prefixed):
        remedy = "python3 -m venv ~/wattrig && ~/wattrig/bin/pip install wattrig"
        return Line("Python", State.WARNING, f"{told}, shared with the rest of the system", remedy)
    return Line("Python", State.OK, f"{told} in {sys.prefix}")


def package_lines(needed: frozenset[str]) -> Iterator[Line]:
    """Judge the packages; an extra that is not installed is a problem where it is `needed` here."""
    found = list(requirements(metadata.requires("wattrig") or []))
    yield Line("wattrig", State.OK, metadata.version("wattrig"))
    for name, least, _ in dict.fromkeys(found):
        version = installed(name)
        # Which LoadGen is the right one, the round decides.
        if name != LOADGEN and version is not None and numbers(version) < least:
            wanted = f"{name}>={'.'.join(map(str, least))}"
            yield Line("packages", State.PROBLEM, f"{name} {version}, expected {wanted}", f"pip install '{wanted}'")
    yield from extras_lines(found, {each.name: installed(each.name) for each in found}, needed)


def extras_lines(
    found: list[Requirement], versions: Mapping[str, str | None], needed: frozenset[str]
) -> Iterator[Line]:
    """Say which extras are there; `versions` has None for a package that is not installed."""
    extras = dict.fromkeys(each.extra for each in found)
    lacking = [name for name in extras if any(versions[each.name] is None for each in found if each.extra == name)]
    there = [name for name in extras if name and name not in lacking]
    yield Line("extras", State.OK, f"installed: {', '.join(there) or 'none, which a measured machine can do with'}")
    for name in lacking:
        packages = ", ".join(each.name for each in found if each.extra == name and versions[each.name] is None)
        told = f"not installed: {packages}"
        command = f"pip install 'wattrig[{name}]'" if name else "pip install wattrig"
        if not name or name in needed:
            yield Line(f"extra {name}".strip(), State.PROBLEM, f"{told}, which this machine needs", command)
        else:
            yield Line(f"extra {name}", State.OK, f"{told}; if you need it: {command}")


def round_of(name: str | None) -> RoundRules | None:
    """Get a round by its name; None for none.

    Raises:
        ConfigError: there is no such round.
    """
    if name is None:
        return None
    if (found := all_rounds().get(name)) is None:
        raise ConfigError(f"there is no round '{name}'", f"choose one of {', '.join(all_rounds())}")
    return found


def rounds_with(version: str) -> list[str]:
    """Get the rounds whose LoadGen a version is of."""
    return [name for name, rules in all_rounds().items() if _is_of(version, rules)]


def _is_of(version: str, rules: RoundRules) -> bool:
    return any(version == release or version.startswith(f"{release}.") for release in rules.loadgen.releases)


def loadgen_line(version: str | None, asked: RoundRules | None) -> Line:
    """Judge the LoadGen that is installed beside wattrig against a round.

    The seeds of a round are built into LoadGen, so its version decides for which round a result can be.
    """
    if version is None:
        found = "not installed here; the workload may have its own"
        if asked is None or not asked.loadgen.releases:
            return Line("LoadGen", State.OK, found)
        return Line("LoadGen", State.WARNING, found, _install(asked))
    fits = ", ".join(rounds_with(version)) or "no round known here"
    if asked is None:
        return Line("LoadGen", State.OK, f"{version}, which fits {fits}")
    if not asked.loadgen.releases:
        told = f"{version}; which versions fit {asked.name} is not known here"
        return Line(
            "LoadGen", State.WARNING, told, f"wattrig check --round {asked.name} SESSION    after a short run"
        )
    if _is_of(version, asked):
        return Line("LoadGen", State.OK, f"{version}, which fits {asked.name}")
    wanted = " or ".join(asked.loadgen.releases)
    return Line("LoadGen", State.PROBLEM, f"{version} fits {fits}; {asked.name} needs {wanted}", _install(asked))


def _install(asked: RoundRules) -> str:
    return f"pip install '{LOADGEN}=={asked.loadgen.releases[-1]}.*'"


class Program(NamedTuple):
    """SPEC's PTDaemon: where it is, and its version, "" where that cannot be told."""

    path: Path
    version: str


def builds() -> dict[int, str]:
    """Get the versions of PTDaemon's known builds by the CRC-32 of the program, which is the version's middle part.

    Source: the versions in published sessions, and the line `Calculated PTD CRC` in their logs.
    """
    names = (build for rules in all_rounds().values() for build in rules.ptdaemon.builds)
    return {int(name.split("-")[1], 16): name for name in names}


def spec_program(named: str | None = None) -> Program | None:
    """Find SPEC's PTDaemon, by a name or path of the station file or on PATH, and its version; None for none."""
    paths = (shutil.which(name) for name in ([named] if named else SPEC_NAMES))
    path = next((Path(path) for path in paths if path), None)
    return Program(path, _version_of(path)) if path else None


def _version_of(path: Path) -> str:
    """Tell a build by its bytes; one that is not known is asked for its help, which touches no analyzer."""
    with path.open("rb") as file:
        known = builds().get(zlib.crc32(file.read(LARGEST_PROGRAM)))
    if known:
        return known
    try:
        done = subprocess.run(
            [path, "-h"], capture_output=True, stdin=subprocess.DEVNULL, timeout=HELP_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = _VERSION.search((done.stdout + done.stderr)[:LARGEST_PROGRAM].decode(errors="replace"))
    return match[0] if match else ""


def ptdaemon_line(named: str | None, asked: RoundRules | None) -> Line:
    """Judge SPEC's PTDaemon: the one that the station file names, or else what PATH has."""
    name, remedy = "SPEC PTDaemon", 'set ptd = "/path/to/SPEC\'s ptd" in [[analyzer]]'
    try:
        found = spec_program(named)
    except OSError as problem:
        return Line(name, State.PROBLEM, f"it cannot be read: {problem}", f"ls -l {named or ''}")
    if found is None and named:
        return Line(name, State.PROBLEM, f"the program {named!r} is not there or cannot be run", remedy)
    if found is None:
        told = "not found; wattrig-ptd reads the analyzers, but an official submission needs SPEC's"
        return Line(name, State.OK if asked is None else State.WARNING, told, remedy if asked else "")
    return _judged(found, asked)


def _judged(found: Program, asked: RoundRules | None) -> Line:
    """Judge a version of PTDaemon against a round."""
    name, number = "SPEC PTDaemon", found.version.split("-")[0]
    told = f"{found.path}, version {found.version or 'unknown'}"
    if asked is None or not asked.ptdaemon.versions:
        fits = [each.name for each in all_rounds().values() if number in each.ptdaemon.versions]
        return Line(name, State.OK, told + (f", which fits {', '.join(fits)}" if fits else ""))
    if number in asked.ptdaemon.versions:
        return Line(name, State.OK, f"{told}, which fits {asked.name}")
    wanted = f"{asked.name} needs {' or '.join(asked.ptdaemon.versions)}"
    state = State.PROBLEM if number else State.WARNING
    return Line(name, state, f"{told}; {wanted}", "get that version from SPEC, https://www.spec.org/power/")
