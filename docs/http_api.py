"""The page on the HTTP API and the metrics, from their own descriptions."""

from collections.abc import Iterator
from typing import Any

from console.live.openapi import openapi
from console.live.picture import Picture
from console.live.prometheus import metrics
from console.live.state import state_of
from director.analyzer_config import AnalyzerConfig


def http_api_page(note: str) -> str:
    """Every address with its parameters and answers, every record with its fields, every metric."""
    found = openapi("")
    parts = [
        f"{note}\n# HTTP API of the live page\n",
        "`wattrig director --web` serves it; `/openapi.json` is OpenAPI 3.1.\n",
    ]
    parts += [f"{found['info']['description']}\n", "## Addresses\n"]
    for path, operations in found["paths"].items():
        parts += address(path, operations["get"])
    parts.append("## Records\n")
    for name, schema in found["components"]["schemas"].items():
        rows = [
            f"| `{field}` | {kind(one)} | {one.get('description', '')} |"
            for field, one in schema["properties"].items()
        ]
        parts.append(f"### {name}\n\n{schema['description']}\n")
        parts.append("\n".join(["| field | kind | meaning |", "|---|---|---|", *rows]) + "\n")
    parts += ["## Metrics\n", "\n".join(["| name | kind | meaning |", "|---|---|---|", *metric_rows()]) + "\n"]
    return "\n".join(parts)


def address(path: str, operation: dict[str, Any]) -> Iterator[str]:
    """One address."""
    yield f"### GET {path}\n\n{operation['summary']}\n"
    if "description" in operation:
        yield f"{operation['description']}\n"
    for one in operation.get("parameters", ()):
        limits = f" ({one['schema']['minimum']} to {one['schema']['maximum']})" if "minimum" in one["schema"] else ""
        yield f"- `{one['name']}`, {one['in']}: {one['description']}{limits}"
    answers = [f"- {status}: {answer['description']}" for status, answer in operation["responses"].items()]
    yield "\n".join(answers) + "\n"


def kind(schema: dict[str, Any]) -> str:
    """What a field holds, in a word."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(kind(one) for one in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return " or ".join(f"`{value!r}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {kind(schema['items'])}"
    return str(schema.get("type", "any"))


def metric_rows() -> Iterator[str]:
    """Each metric as it tells itself to Prometheus."""
    picture = Picture([AnalyzerConfig(device_type=49, device_port="none")], 1000, lambda *_: None)
    told: dict[str, str] = {}
    for line in metrics(state_of(picture, "", 0, 0, 0), picture).splitlines():
        mark, what, name, *rest = [*line.split(" ", 3), "", "", ""][:4]
        if mark == "#" and what == "HELP":
            told[name] = "".join(rest)
        elif mark == "#":
            yield f"| `{name}` | {''.join(rest)} | {told[name]} |"
