"""The page of all keys of station.toml and submission.toml, from the models that read them."""

import inspect
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from compliance.package_spec import Benchmark, PowerSupplies, ResultEntry, Submission, System
from director.analyzer_config import AnalyzerConfig
from director.station import DirectorConfig, SessionConfig

STATION: Mapping[str, type[BaseModel]] = {
    "[director]": DirectorConfig,
    "[session]": SessionConfig,
    "[[analyzer]]": AnalyzerConfig,
}
SUBMISSION: Mapping[str, type[BaseModel]] = {
    "[submission]": Submission,
    "[system.NAME]": System,
    "An entry of power_supplies": PowerSupplies,
    "[benchmark.NAME]": Benchmark,
    "[[result]]": ResultEntry,
}
INTRODUCTION = """# Keys of the two configuration files

Made from the models that read the files, so these are all the keys there are; any other is an error that names the
nearest known one. *Required* stands where a key has no default. [The station file](station.md) and
[package a submission](../how-to/package-a-submission.md) show them with examples.
"""
PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}
_ENTRY = re.compile(r"^    (?P<names>\w+(?:, \w+)*): (?P<text>.*)$")


def configuration_page(note: str) -> str:
    """Write the whole page."""
    parts = [f"{note}\n{INTRODUCTION}"]
    for title, tables in (("station.toml", STATION), ("submission.toml", SUBMISSION)):
        parts.append(f"## {title}\n")
        parts += [f"### {name.replace('[', chr(92) + '[')}\n\n{table_of(model)}\n" for name, model in tables.items()]
    return "\n".join(parts)


def table_of(model: type[BaseModel]) -> str:
    """Write the table of a model's keys; LookupError where its docstring leaves one out."""
    meanings = meanings_of(model)
    if missing := set(model.model_fields) - set(meanings):
        raise LookupError(f"{model.__name__} does not say what these are: {', '.join(sorted(missing))}")
    rows = [
        f"| `{name}` | {kind_of(field)} | {default_of(field)} | {meanings[name].replace('|', chr(92) + '|')} |"
        for name, field in model.model_fields.items()
    ]
    return "\n".join(["| key | value | default | meaning |", "|---|---|---|---|", *rows])


def meanings_of(model: type[BaseModel]) -> dict[str, str]:
    """Read what the docstring says of each attribute, in one line each."""
    found: dict[str, str] = {}
    names: list[str] = []
    _, _, attributes = (inspect.getdoc(model) or "").partition("Attributes:\n")
    for line in attributes.splitlines():
        if entry := _ENTRY.match(line):
            names = entry["names"].split(", ")
            found.update(dict.fromkeys(names, entry["text"]))
        else:
            found.update({name: f"{found[name]} {line.strip()}".strip() for name in names})
    return found


def kind_of(field: FieldInfo) -> str:
    """Say what a value may be, with its limits."""
    return _limited(field.annotation, field)


def _limited(annotation: Any, field: FieldInfo) -> str:
    limits = [words for limit in field.metadata if (words := limit_of(limit))]
    return ", ".join([words_of(annotation), *limits])


def limit_of(limit: Any) -> str:
    """Say one limit of a value in words; empty for what is no limit."""
    match limit:
        case Ge(ge=bound):
            return f"at least {bound}"
        case Gt(gt=bound):
            return f"over {bound}"
        case Le(le=bound):
            return f"at most {bound}"
        case Lt(lt=bound):
            return f"under {bound}"
        case MinLen(min_length=1):
            return "not empty"
        case MinLen(min_length=bound):
            return f"{bound} long or longer"
        case MaxLen(max_length=bound):
            return f"at most {bound} long"
    return ""


def words_of(annotation: Any) -> str:
    """Say a type in the words of somebody who writes TOML."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(f"`{json.dumps(value)}`" for value in arguments)
    if origin in (Union, UnionType):
        return " or ".join(words_of(argument) for argument in arguments if argument is not NoneType)
    if origin is Annotated:
        return _limited(*arguments)
    if origin is tuple:
        return f"list of: {words_of(arguments[0])}"
    if origin is dict:
        return f"table of: {words_of(arguments[1])}"
    return "table" if issubclass(annotation, BaseModel) else PLAIN[annotation]


def default_of(field: FieldInfo) -> str:
    """Say the default as TOML has it; a dash where the key's absence means something of its own."""
    if field.is_required():
        return "*required*"
    value = field.get_default(call_default_factory=True)
    empty = value is None or value in ((), {})
    return "-" if empty else f"`{json.dumps(value, default=str)}`"
