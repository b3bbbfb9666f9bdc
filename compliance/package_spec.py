"""submission.toml: what a submission is made of, read and checked before anything is written.

Paths in it are relative to the file. Every table is closed: an unknown key is an error that names the nearest known
one.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from metrology.errors import ConfigError

LARGEST_FILE = 1 << 20
MOST_ENTRIES = 10_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@=-]{0,126}")
"""Names of folders: no spaces and no dot in front, which the submission checker refuses."""

Division = Literal["closed", "open", "network"]


class Strict(BaseModel):
    """A table without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _folder_name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError("expected letters, digits and . _ + @ = -, no space and no dot in front")
    return name


class Submission(Strict):
    """The table [submission].

    Attributes:
        round: the round to submit to, "v6.1".
        division: closed and network have the rules' models and settings, open has its own.
        submitter: name of the submitter's folder, and in the descriptions.
        calibration: the text about calibration; closed and network need one.
        documents: further files for documentation/.
        model_mapping: open division: own names of models, each with the MLPerf model that it stands for.
    """

    round: str
    division: Division
    submitter: str
    calibration: Path | None = None
    documents: tuple[Path, ...] = ()
    model_mapping: dict[str, str] = {}

    _submitter = field_validator("submitter")(_folder_name)


class PowerSupplies(Strict):
    """The supplies of one component, for the statement of the design power.

    Attributes:
        component: what they feed, "server" or "switch".
        description: anything else to be told of them.
        needed: how many of them it needs to run; the rest is redundancy.
        capacities_w: the rated power of each.
    """

    component: str = "server"
    description: str = ""
    needed: int = Field(ge=1, le=64)
    capacities_w: tuple[Annotated[float, Field(gt=0, lt=1e6)], ...] = Field(min_length=1, max_length=64)


class System(Strict):
    """A table [system.<name>]; the name is that of its folder.

    Attributes:
        category: "datacenter", "edge", or both.
        availability: whether it can be bought, is a preview, or is for research and development ("rdi").
        facts: a system.json of `wattrig system describe`; where absent, that of its first session.
        fields: entries of the system's description; what stands here counts more than what was read.
        power_settings: the text on power management, as `wattrig package init` begins it.
        wiring: how the analyzer is wired, "1P2W" for one phase and two wires; no session tells.
        design_power_w: what the submitter says the supplies deliver together; must be the sum.
        power_supplies: the list behind it; v6.1 and later.
    """

    category: Literal["datacenter", "edge", "datacenter,edge", "edge,datacenter"]
    availability: Literal["available", "preview", "rdi"]
    facts: Path | None = None
    fields: dict[str, str | int | float | bool] = {}
    power_settings: Path
    wiring: str = ""
    design_power_w: float | None = None
    power_supplies: tuple[PowerSupplies, ...] = ()


class Benchmark(Strict):
    """A table [benchmark.<name>]; the name is that of its folder.

    Attributes:
        code: the folder with the sources of the implementation.
        readme: how to run it; goes to each result.
        implementation: what measurements.json says.
    """

    code: Path
    readme: Path
    implementation: dict[str, str]


class ResultEntry(Strict):
    """A table [[result]].

    Attributes:
        system: the name of a table [system.NAME].
        benchmark: the name of a table [benchmark.NAME].
        scenario: "Offline", "Server", "SingleStream" or "MultiStream", as LoadGen ran it.
        session: a session folder.
        accuracy: the folder of the accuracy run, with accuracy.txt.
        user_conf: the user.conf that both runs had.
        mlperf_conf: the mlperf.conf; only rounds up to v4.1 want it.
        compliance: folders of compliance runs by name of the test.
        infer: scenarios that are to be inferred from this result.
        also: further benchmarks that the same run stands for, "bert-99" of "bert-99.9".
    """

    system: str
    benchmark: str
    scenario: str
    session: Path
    accuracy: Path
    user_conf: Path
    mlperf_conf: Path | None = None
    compliance: dict[str, Path] = {}
    infer: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


class Spec(Strict):
    """A whole submission.toml; `folder` is where it lies."""

    submission: Submission
    system: dict[str, System]
    benchmark: dict[str, Benchmark]
    result: tuple[ResultEntry, ...] = Field(min_length=1, max_length=MOST_ENTRIES)
    folder: Path = Field(default=Path(), exclude=True)

    @field_validator("system", "benchmark")
    @classmethod
    def _names(cls, tables: dict[str, Any]) -> dict[str, Any]:
        for name in tables:
            _folder_name(name)
        return tables

    def at(self, path: Path) -> Path:
        """Get a path of the file as one that can be opened."""
        return self.folder / path


_MODELS: dict[str, type[Strict]] = {
    "submission": Submission,
    "system": System,
    "benchmark": Benchmark,
    "result": ResultEntry,
    "power_supplies": PowerSupplies,
}


def load_spec(path: Path) -> Spec:
    """Read a submission.toml.

    Raises:
        ConfigError: it cannot be read, or says something that cannot be.
    """
    try:
        with path.open("rb") as file:
            values = tomllib.loads(file.read(LARGEST_FILE).decode())
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"'{path}' cannot be read: {problem}", "`wattrig package init` writes one") from problem
    except tomllib.TOMLDecodeError as problem:
        raise ConfigError(f"'{path}' is no TOML: {problem}") from problem
    try:
        spec = Spec.model_validate({**values, "folder": path.parent})
    except ValidationError as problem:
        raise _config_error(path, problem) from problem
    _check_names(path, spec)
    return spec


def _check_names(path: Path, spec: Spec) -> None:
    for number, entry in enumerate(spec.result, 1):
        asked: list[tuple[str, str, Iterable[str]]] = [("system", entry.system, spec.system)]
        asked += [("benchmark", name, spec.benchmark) for name in (entry.benchmark, *entry.also)]
        for what, name, known in asked:
            if name not in set(known):
                raise ConfigError(
                    f"'{path}': [[result]] number {number} is of the {what} '{name}', which has no [{what}.{name}]",
                    nearest(name, known),
                )


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known name was meant, or which there are."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean '{close[0]}'?" if close else f"there are: {', '.join(known) or 'none'}"


def _config_error(path: Path, problem: ValidationError) -> ConfigError:
    # A key that is not known is why another is missing.
    first = min(problem.errors(include_url=False), key=lambda error: error["type"] != "extra_forbidden")
    place = [str(part + 1) if isinstance(part, int) else part for part in first["loc"]]
    where = ".".join(place) or "the file"
    if first["type"] == "extra_forbidden":
        tables = [_MODELS[part] for part in place[:-1] if part in _MODELS]
        known = (tables[-1] if tables else Spec).model_fields
        return ConfigError(
            f"'{path}': unknown key '{where}'", nearest(place[-1], [n for n in known if n != "folder"])
        )
    if first["type"] == "missing":
        return ConfigError(f"'{path}': '{where}' is missing")
    got = "" if isinstance(first["input"], dict | list) else f", got {first['input']!r}"
    return ConfigError(f"'{path}': '{where}': {first['msg'].removeprefix('Value error, ')}{got}")
