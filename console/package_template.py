"""The texts with which `wattrig package` begins a submission.toml and adds to it."""

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from compliance.package_spec import nearest
from compliance.package_system import missing_fields
from metrology.errors import ConfigError
from rules.rulebook import all_rounds, system_fields


def head_text(round_name: str, division: str, submitter: str) -> str:
    """Get the beginning of a submission.toml.

    Raises:
        ConfigError: there is no such round.
    """
    if round_name not in all_rounds():
        raise ConfigError(f"there is no round '{round_name}'", nearest(round_name, all_rounds()))
    lines = [
        "# What this submission is made of. Paths are relative to this file.",
        "",
        "[submission]",
        f"round = {json.dumps(round_name)}",
        f"division = {json.dumps(division)}",
        f"submitter = {json.dumps(submitter)}",
    ]
    if division == "open":
        lines.append('# model_mapping = { my-model = "resnet" }  # own names of models, and what each stands for')
    else:
        lines.append('calibration = "calibration.md"')
    return "\n".join(lines) + "\n"


def added_text(
    text: str,
    spec: Path,
    session: Path,
    system: str,
    benchmark: str,
    accuracy: Path,
    user_conf: Path,
    infer: tuple[str, ...],
) -> str:
    """Get what a session adds to a submission.toml with the content `text`.

    Raises:
        ConfigError: that is no TOML, or there is no session.
    """
    from evidence.session import find_session

    try:
        known = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise ConfigError(f"'{spec}' is no TOML: {problem}") from problem
    if find_session(session) is None:
        raise ConfigError(f"'{session}' holds no session", "give the folder that holds power/, ranging/ and run_1/")
    lines: list[str] = []
    if system not in known.get("system", {}):
        lines += _system_lines(system)
    if benchmark not in known.get("benchmark", {}):
        lines += _benchmark_lines(benchmark)
    lines += ["", "[[result]]", f"system = {json.dumps(system)}", f"benchmark = {json.dumps(benchmark)}"]
    lines.append(f"scenario = {json.dumps(_scenario(session))}")
    for name, path in (("session", session), ("accuracy", accuracy), ("user_conf", user_conf)):
        lines.append(f"{name} = {json.dumps(_relative(path, spec))}")
    if infer:
        lines.append(f"infer = {json.dumps(list(infer))}")
    lines += _compliance_lines(known.get("submission", {}), benchmark)
    return "\n".join(lines) + "\n"


def _compliance_lines(submission: Mapping[str, Any], benchmark: str) -> Iterator[str]:
    """Get what is to be filled in where the division and the round ask for compliance tests."""
    rules = all_rounds().get(str(submission.get("round")))
    if rules is None or submission.get("division") == "open":
        return
    model = rules.benchmarks.aliases.get(benchmark, benchmark)
    asked = [test for test, models in rules.benchmarks.tests.items() if model in models]
    if asked:
        folders = ", ".join(f'{test} = "TODO"' for test in asked)
        yield f"compliance = {{ {folders} }}  # the folder of each compliance test"


def _relative(path: Path, spec: Path) -> str:
    return Path(os.path.relpath(path, spec.parent)).as_posix()


def _scenario(session: Path) -> str:
    from evidence.loadgen_log import read_detail
    from evidence.session import find_session

    folder = find_session(session)
    root = folder.root if folder else session
    return read_detail(root / "run_1" / "mlperf_log_detail.txt").text("effective_scenario") or "TODO"


def _system_lines(name: str) -> Iterator[str]:
    yield from ("", f"[system.{json.dumps(name)}]", 'category = "edge"  # or datacenter, or "datacenter,edge"')
    yield from ('availability = "available"  # or preview, rdi', 'power_settings = "power_settings.md"', "")
    yield f"[system.{json.dumps(name)}.fields]  # what no program can read; the rest comes from the session"
    stated = ("division", "submitter", "system_type", "status")
    for field in missing_fields({}, "meaningful"):
        if field not in stated and not field.startswith("host_processor"):
            yield f'# {field} = ""'
    yield from (f'# {field} = ""' for field in system_fields()["power"])


def _benchmark_lines(name: str) -> Iterator[str]:
    yield from (
        "",
        f"[benchmark.{json.dumps(name)}]",
        'code = "code"  # folder of the sources',
        'readme = "README.md"',
    )
    yield from ("", f"[benchmark.{json.dumps(name)}.implementation]")
    yield from (f'{field} = ""' for field in system_fields()["implementation"])
